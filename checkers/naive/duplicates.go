package naive

import (
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// duplicates names what is there more than once, where a promise forbids it:
//
//   - duplicate in store: two copies at positions apart, in one scan.
//   - duplicate delivery: delivered twice where nobody acknowledges, so that nothing asked for it.
//   - duplicate effect: applied twice, in one readback.
func (l *lane) duplicates(cp *checkpoint) {
	once := func(stage semantics.Stage) bool {
		return l.minds(func(p semantics.Promise) bool { return p.Stage == stage && p.Guarantee.ForbidsDuplicates() })
	}
	tell := func(what string, stage semantics.Stage, m *message) {
		l.accuse(what, name{what, stage, cp.ref}, m.id)
	}
	for _, m := range l.messages {
		if once(semantics.Stored) && l.storedTwice(m, cp.cut) {
			tell("duplicate in store", semantics.Stored, m)
		}
		if once(semantics.Delivered) && !l.traits.Acks && !l.traits.Transactional && len(m.real(before(m.deliveries, cp.cut))) > 1 {
			tell("duplicate delivery", semantics.Delivered, m)
		}
		if once(semantics.Applied) {
			for _, b := range l.readbacks {
				if twice(b, m, cp.cut) {
					tell("duplicate effect", semantics.Applied, m)
				}
			}
		}
	}
}

func (l *lane) storedTwice(m *message, cut int) bool {
	for _, s := range l.scans {
		at := map[slot]bool{}
		for _, e := range m.real(before(s.copies[m.id], cut)) {
			at[slotOf(e.Pos)] = true
		}
		if len(at) > 1 {
			return true
		}
	}
	return false
}

// twice reports whether a readback has two effects of a message.
func twice(b *readback, m *message, cut int) bool {
	effects := m.real(before(b.copies[m.id], cut))
	var n uint64
	for _, e := range effects {
		n += max(1, e.Count)
	}
	return n > 1
}

// redelivered: a copy was delivered again, by a receive call that began after an acknowledgement of that copy had been confirmed. It is
// told in the episode of the delivery, and breaks nothing where delivery is not promised once.
func (l *lane) redelivered() {
	for _, m := range l.messages {
		for i, d := range m.real(m.deliveries) {
			for _, a := range m.confirmed {
				again := i > 0 && a.at < d.at && slotOf(a.Pos) == slotOf(d.Pos) && a.Pos.Offset != 0
				if again && d.fetched >= 0 && a.Time < d.fetched && (!l.traits.Exclusive || a.Time < l.given(d)) {
					l.accuse("illegal redelivery", name{"illegal redelivery", semantics.Delivered, d.episode}, m.id)
				}
			}
		}
	}
	for n, msgs := range l.found { // which is how the copy came again: no step back of its own
		if n.anomaly == "nonmonotonic" {
			l.found[n] = slices.DeleteFunc(msgs, func(m history.Msg) bool { return l.named["illegal redelivery"][m] })
		}
	}
}
