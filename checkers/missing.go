package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/semantics"
)

// Missing: of unknown outcome, and absent from store, deliveries and effects after a proven drain. It never breaks a promise,
// since nobody was told that the message was accepted, but it is always shown: it is how at-most-once modes lose.
func (l *lane) missing() *msgset.Set {
	return l.sent.AndNot(&l.acked).AndNot(l.certainlyRejected()).AndNot(l.observed()).AndNot(&l.readEver)
}

// unapplied: of unknown outcome, delivered, and absent from the effects, in a mode whose consumers do not acknowledge what they have
// applied, so that nobody delivers it again. Like missing it breaks no promise, and is how such modes lose: in the consumer. Only where
// the drain is proven can it be told from what is still under way.
func (l *lane) unapplied() *msgset.Set {
	if l.traits.Acks && !l.traits.AcksFirst || !l.traits.CanDrain() {
		return &msgset.Set{}
	}
	return l.sent.AndNot(&l.acked).And(&l.delivered).AndNot(l.read.once)
}

// counted is what earlier checkpoints counted already.
type counted struct {
	missing, unapplied                                               msgset.Set
	redeliveries, storedTwice, appliedTwice, dedupStore, dedupEffect int64
}

// What is permitted, and counted all the same: keys of semantics.Cell.Counts.
const (
	countMissing      = "missing"
	countRedeliveries = "redeliveries"
	countStoredTwice  = "duplicates in store"
	countAppliedTwice = "duplicate effects"
	countDedupStore   = "dedup hits in store"
	countDedupEffect  = "dedup hits in effects"
	countLost         = "acknowledged and lost"
	countVanished     = "applied, and vanished from the store"
	countUnapplied    = "delivered, never applied"
	countAmbiguous    = "redeliveries, cause ambiguous"
)

// shown says which counts belong to which stage.
var shown = map[semantics.Stage][]string{
	semantics.Stored:    {countMissing, countStoredTwice, countDedupStore},
	semantics.Delivered: {countMissing, countRedeliveries, countAmbiguous},
	semantics.Applied:   {countMissing, countUnapplied, countRedeliveries, countAmbiguous, countAppliedTwice, countDedupEffect},
}

// count is what happened since the last checkpoint.
func (l *lane) count(cp *checkpoint) map[string]int64 {
	out := map[string]int64{}
	since := func(name string, now int64, before *int64) {
		out[name] = now - *before
		*before = now
	}
	if cp.settled() {
		fresh := func(name string, now, before *msgset.Set) {
			news := now.AndNot(before)
			out[name] = news.Len()
			before.Union(news)
		}
		fresh(countMissing, l.missing(), &l.counted.missing)
		fresh(countUnapplied, l.unapplied(), &l.counted.unapplied)
	}
	since(countRedeliveries, l.redeliveries, &l.counted.redeliveries)
	since(countStoredTwice, l.storedTwice.Len(), &l.counted.storedTwice)
	since(countDedupStore, l.dedupStore, &l.counted.dedupStore)
	since(countDedupEffect, l.dedupEffect, &l.counted.dedupEffect)
	if cp.read != nil {
		since(countAppliedTwice, cp.read.twice.Len(), &l.counted.appliedTwice)
	}
	return out
}
