package checkers

import "waybill/harness/semantics"

// ledger counts a lane's messages by stage, as they stand at the end of the run.
func (l *lane) ledger() semantics.Ledger {
	applied := l.read.once
	out := semantics.Ledger{
		Sent:         l.sent.Len(),
		Acked:        l.acked.Len(),
		Rejected:     l.certainlyRejected().Len(),
		Attempts:     l.attempts,
		Observable:   l.traits.Scannable,
		Stored:       l.visible.Len(),
		StoredTwice:  l.storedTwice.Len(),
		Delivered:    l.delivered.Len(),
		Redeliveries: l.redeliveries,
		Applied:      applied.Len(),
		AckedApplied: l.acked.And(applied).Len(),
		AppliedTwice: l.read.twice.Len(),
		DedupStore:   l.dedupStore,
		DedupEffect:  l.dedupEffect,
		Missing:      l.missing().Len(),
	}
	if l.traits.Consumes {
		out.Stored = l.stored.Len()
	}
	out.Unknown = out.Sent - out.Acked - out.Rejected
	for i, n := range []*int64{&out.Lost.NotAccepted, &out.Lost.Vanished, &out.Lost.InDelivery, &out.Lost.InConsumer, &out.Lost.InEffect} {
		*n = l.parts[i].AndNot(applied).Len()
	}
	out.Undecided = out.Acked - out.AckedApplied - out.Lost.Sum()
	return out
}
