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

// counted is what earlier checkpoints counted already.
type counted struct {
	missing                                                          msgset.Set
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
)

// shown says which counts belong to which stage.
var shown = map[semantics.Stage][]string{
	semantics.Stored:    {countMissing, countStoredTwice, countDedupStore},
	semantics.Delivered: {countMissing, countRedeliveries},
	semantics.Applied:   {countMissing, countRedeliveries, countAppliedTwice, countDedupEffect},
}

// count is what happened since the last checkpoint.
func (l *lane) count(cp *checkpoint) map[string]int64 {
	out := map[string]int64{}
	since := func(name string, now int64, before *int64) {
		out[name] = now - *before
		*before = now
	}
	if cp.settled() {
		fresh := l.missing().AndNot(&l.counted.missing)
		out[countMissing] = fresh.Len()
		l.counted.missing.Union(fresh)
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
