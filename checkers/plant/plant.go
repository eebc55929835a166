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
		{"drop every delivery of a message", "lost: in delivery", scannable, dropDeliveries},
		{"drop its application, though it was acknowledged", "lost: in consumer", acknowledges, dropApplication},
		{"drop it from the readbacks", "lost: in effect store", confirms, dropEffect},
		{"drop it from the readbacks after the first", "lost: in effect store", confirms, dropEffectLater},
		{"drop it from store, delivery and effects", "lost: vanished", scannable, dropAll},
		{"drop it everywhere, the confirmation had no position", "lost: not accepted", scannable, dropAllUnplaced},
		{"drop it from the store after a checkpoint", "vanished", scannable, dropFromStore},
		{"drop it from one replica's scan", "vanished: not on replica", scannable, dropFromReplica},
		{"store a second copy", "duplicate in store", storesOnce, storeTwice},
		{"swap two copies in every scan", "misplaced", scannable, swapCopies},
		{"confirm another position", "misplaced", scannable, forgeConfirmation},
		{"swap two unconfirmed copies in one scan", "inconsistent position", scannable, swapUnconfirmed},
		{"forge the token of a stored copy", "phantom", scannable, forgeCopy},
		{"forge the token of a delivery", "phantom", anyMode, forgeDelivery},
		{"forge the token of an effect", "phantom", anyMode, forgeEffect},
		{"corrupt a stored copy", "corrupt", scannable, corruptCopy},
		{"corrupt a delivery", "corrupt", anyMode, corruptDelivery},
		{"deliver a token of another run", "foreign", anyMode, foreignDelivery},
		{"reject every attempt of a visible message", "resurrected", confirms, rejectAll},
		{"apply a message twice", "duplicate effect", appliesOnce, applyTwice},
		{"deliver a message twice without being asked", "duplicate delivery", deliversOnce, deliverTwice},
		{"deliver a copy again after its confirmed acknowledgement", "illegal redelivery", confirmsAcks, deliverAgain},
		{"swap the positions of two messages sent in order", "reordered", ordered, reorder},
		{"no sentinel comes back", "unavailable", anyMode, noSentinel},
		{"the drain exceeds its limit", "stuck", anyMode, noDrain},
	}
}

func anyMode(semantics.Mode) bool { return true }
func scannable(m semantics.Mode) bool {
	return m.Traits.Scannable && m.Promise(semantics.Stored).Guarantee.ForbidsLoss() && !m.Traits.Consumes
}
func acknowledges(m semantics.Mode) bool { return m.Traits.Acks && confirms(m) }
func confirms(m semantics.Mode) bool {
	return m.Traits.Confirms && m.Promise(semantics.Applied).Guarantee.ForbidsLoss()
}
func confirmsAcks(m semantics.Mode) bool { return m.Traits.ConfirmsAcks }
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
