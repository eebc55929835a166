// Package plant puts known faults into histories: a delivery dropped, a copy added, two positions swapped, a token forged. It is
// how the audit is audited: on a clean history, made or recorded, it finds nothing; after a plant it names that anomaly, of those
// messages, in that episode. The package judges nothing itself and knows no broker.
package plant

import (
	"math/rand/v2"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Plant is one way to spoil a history.
type Plant struct {
	Name    string
	Anomaly string                        // as findings name it; "vanished: not on replica" is followed by a name
	Fits    func(m semantics.Mode) bool   // whether it shows in a lane of this mode
	apply   func(p *plot) (Planted, bool) // edits p.events

	Detail string // what the finding's detail must say; "": anything
}

// Planted is a spoilt history, and what the audit must say about it.
type Planted struct {
	Events  history.Memory
	Msgs    []history.Msg // all that the finding is about; none for findings about a lane
	Episode int           // where the finding belongs
}

// Apply plants into one lane of h, which is left as it is. It reports false when the history offers no place for it.
func (p Plant) Apply(rng *rand.Rand, h history.Memory, lane uint32) (Planted, bool) {
	plot := survey(rng, h, lane)
	out, ok := p.apply(plot)
	out.Events = plot.events
	return out, ok
}

// All is every plant.
func All() []Plant {
	return []Plant{
		{Name: "drop every delivery of a message", Anomaly: "lost: in delivery", Fits: scannable, apply: dropDeliveries},
		{Name: "drop every delivery, and the store cannot be read", Anomaly: "lost: not accepted", Fits: drainable, apply: dropDeliveries},
		{Name: "drop its application, though it was acknowledged", Anomaly: "lost: in consumer", Fits: acknowledges, apply: dropApplication},
		{Name: "drop it from the readbacks", Anomaly: "lost: in effect store", Fits: ledgers, apply: dropEffect},
		{Name: "drop it from the readbacks after the first", Anomaly: "lost: in effect store", Fits: ledgers, apply: dropEffectLater},
		{Name: "drop it from store, delivery and effects", Anomaly: "lost: vanished", Fits: scannable, apply: dropAll},
		{Name: "drop it everywhere, the confirmation had no position", Anomaly: "lost: not accepted", Fits: scannable, apply: dropAllUnplaced},
		{Name: "drop it from the store after a checkpoint", Anomaly: "vanished", Fits: scannable, apply: dropFromStore},
		{Name: "drop it from one replica's scan", Anomaly: "vanished: not on replica", Fits: scannable, apply: dropFromReplica},
		{Name: "store a second copy", Anomaly: "duplicate in store", Fits: storesOnce, apply: storeTwice},
		{Name: "swap two copies in every scan", Anomaly: "misplaced", Fits: scannable, apply: swapCopies},
		{Name: "confirm another position", Anomaly: "misplaced", Fits: scannable, apply: forgeConfirmation},
		{Name: "swap two unconfirmed copies in one scan", Anomaly: "inconsistent position", Fits: scannable, apply: swapUnconfirmed},
		{Name: "forge the token of a stored copy", Anomaly: "phantom", Fits: scannable, apply: forgeCopy},
		{Name: "forge the token of a delivery", Anomaly: "phantom", Fits: anyMode, apply: forgeDelivery},
		{Name: "forge the token of an effect", Anomaly: "phantom", Fits: anyMode, apply: forgeEffect},
		{Name: "corrupt a stored copy", Anomaly: "corrupt", Fits: scannable, apply: corruptCopy},
		{Name: "corrupt a delivery", Anomaly: "corrupt", Fits: anyMode, apply: corruptDelivery},
		{Name: "deliver a token of another run", Anomaly: "foreign", Fits: anyMode, apply: foreignDelivery},
		{Name: "reject every attempt of a visible message", Anomaly: "resurrected", Fits: confirms, apply: rejectAll},
		{Name: "apply a message twice", Anomaly: "duplicate effect", Fits: appliesOnce, apply: applyTwice},
		{Name: "deliver a message twice without being asked", Anomaly: "duplicate delivery", Fits: deliversOnce, apply: deliverTwice},
		{Name: "deliver a copy again after its confirmed acknowledgement", Anomaly: "illegal redelivery", Fits: confirmsAcks, apply: deliverAgain},
		{Name: "deliver a copy to another consumer at once", Anomaly: "early redelivery", Fits: waits, apply: deliverElsewhere},
		{Name: "take a delivery out of a consumer's course", Anomaly: "skipped", Fits: courses, apply: jumpOver},
		{Name: "deliver a copy twice in a row", Anomaly: "nonmonotonic", Fits: courses, apply: stepBack},
		{Name: "exchange two messages on their way to a consumer", Anomaly: "reordered in delivery", Fits: passes, apply: passOne},
		{Name: "swap the positions of two messages sent in order", Anomaly: "reordered", Fits: ordered, apply: reorder},
		{Name: "swap the positions of two appends of which one was confirmed before the other", Anomaly: "nonlinear", Fits: scannable, apply: appendBefore},
		{Name: "hide one output of a committed transaction", Anomaly: "torn", Fits: transactional, apply: tear},
		{Name: "hide every output of a committed transaction", Anomaly: "lost: in effect store", Fits: transactional, apply: hideAll,
			Detail: "a transaction with its output was committed"},
		{Name: "show the outputs of an aborted transaction", Anomaly: "resurrected", Fits: transactional, apply: showAborted, Detail: "aborted"},
		{Name: "show the outputs of a transaction whose commit nobody called", Anomaly: "resurrected", Fits: transactional, apply: showUncalled,
			Detail: "nobody called"},
		{Name: "reuse the position of a stored message in another epoch", Anomaly: "vanished", Fits: unordered, apply: reuseLater, Detail: "was reused by"},
		{Name: "reuse the position of a stored message in its own epoch", Anomaly: "inconsistent position", Fits: unordered, apply: reuseNow},
		{Name: "no sentinel comes back", Anomaly: "unavailable", Fits: promises, apply: noSentinel},
		{Name: "the drain exceeds its limit", Anomaly: "stuck", Fits: promises, apply: noDrain},
	}
}

func anyMode(semantics.Mode) bool { return true }
func promises(m semantics.Mode) bool {
	for _, p := range m.Promises {
		if p.Guarantee != semantics.None {
			return true
		}
	}
	return false
}
func scannable(m semantics.Mode) bool {
	return m.Traits.Scannable && m.Promise(semantics.Stored).Guarantee.ForbidsLoss() && !m.Traits.Consumes
}
func drainable(m semantics.Mode) bool {
	return m.Traits.Drainable && !m.Traits.Scannable && m.Promise(semantics.Applied).Guarantee.ForbidsLoss()
}
func acknowledges(m semantics.Mode) bool  { return m.Traits.Acks && ledgers(m) }
func ledgers(m semantics.Mode) bool       { return confirms(m) && !m.Traits.Transactional }
func transactional(m semantics.Mode) bool { return m.Traits.Transactional }
func unordered(m semantics.Mode) bool     { return scannable(m) && !ordered(m) }
func confirms(m semantics.Mode) bool {
	return m.Traits.Confirms && m.Promise(semantics.Applied).Guarantee.ForbidsLoss()
}
func confirmsAcks(m semantics.Mode) bool { return m.Traits.ConfirmsAcks && !m.Traits.Exclusive }
func waits(m semantics.Mode) bool        { return m.Traits.AckWait > 0 }
func courses(m semantics.Mode) bool      { return m.Traits.Exclusive && m.Traits.Scannable }
func passes(m semantics.Mode) bool {
	return m.Traits.Exclusive && !m.Traits.Scannable && m.Promise(semantics.Delivered).Ordered
}
func storesOnce(m semantics.Mode) bool {
	return m.Traits.Scannable && m.Promise(semantics.Stored).Guarantee.ForbidsDuplicates()
}
func appliesOnce(m semantics.Mode) bool {
	return m.Promise(semantics.Applied).Guarantee.ForbidsDuplicates()
}
func deliversOnce(m semantics.Mode) bool {
	return !m.Traits.Acks && m.Promise(semantics.Delivered).Guarantee.ForbidsDuplicates()
}
func ordered(m semantics.Mode) bool {
	for _, p := range m.Promises {
		if p.Ordered {
			return m.Traits.Scannable
		}
	}
	return false
}
