package naive

import (
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// ledger counts each message at the end, by asking of each what the ledger's field says.
func (l *lane) ledger() semantics.Ledger {
	out := semantics.Ledger{Observable: l.traits.Scannable}
	end, last := l.end(), l.lastRead()
	count := func(n *int64, yes bool) {
		if yes {
			*n++
		}
	}
	for _, m := range l.messages {
		acked, rejected, applied := m.acked(end), m.rejected(end), has(last.copies, m, end)
		count(&out.Sent, m.sent(end))
		count(&out.Acked, acked)
		count(&out.Rejected, rejected)
		count(&out.Unknown, m.sent(end) && !acked && !rejected)
		out.Attempts += int64(len(m.sends))
		count(&out.Stored, l.stored(m))
		count(&out.StoredTwice, l.storedTwice(m, end))
		count(&out.Delivered, m.delivered(end))
		out.Redeliveries += int64(max(0, len(m.real(m.deliveries))-1))
		count(&out.Applied, applied)
		count(&out.AckedApplied, acked && applied)
		count(&out.AppliedTwice, twice(last, m, end))
		for _, o := range m.outcomes {
			count(&out.DedupStore, o.Status == history.Acked && o.Flags&history.Duplicate != 0)
		}
		for _, h := range m.handled {
			count(&out.DedupEffect, h.Status == history.DedupHit)
		}
		count(&out.Missing, m.sent(end) && !acked && !rejected && !m.observed(end) && !m.read(end))
		if n, lost := l.lost[m.id]; lost && !applied {
			*partOf(&out.Lost, n.anomaly)++
		} else {
			count(&out.Undecided, acked && !applied)
		}
	}
	return out
}

func partOf(l *semantics.Losses, part string) *int64 {
	return map[string]*int64{notAccepted: &l.NotAccepted, vanished: &l.Vanished, inDelivery: &l.InDelivery, inConsumer: &l.InConsumer,
		inEffect: &l.InEffect}[part]
}

// stored reports whether a message is in the store as the last checkpoint that read it found it; where acknowledgements empty the store,
// whether it ever was.
func (l *lane) stored(m *message) bool {
	if l.traits.Consumes {
		return m.stored(l.end())
	}
	var last []*scan
	for _, cp := range l.checkpoints {
		if len(cp.scans) > 0 {
			last = cp.scans
		}
	}
	for _, s := range last {
		if has(s.copies, m, s.end) {
			return true
		}
	}
	return false
}
