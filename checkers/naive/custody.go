package naive

import (
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// clocks is what the clocks of two processes may differ by, in ticks.
const clocks = 1000

// early: one copy was delivered to another life before the acknowledgement wait had passed since the receive call began that had fetched
// it for its holder, who had neither ended nor lost anything nor given it back, while no fault was at work, nobody became leader and the
// holder did not stand still.
func (l *lane) early() {
	if l.traits.AckWait <= 0 || !l.traits.Acks || l.traits.Transactional {
		return
	}
	wait := l.traits.AckWait.Microseconds() - clocks
	for _, m := range l.messages {
		for i, d := range m.deliveries {
			held := l.holder(m, m.deliveries[:i], d)
			if held == nil || held.Life == d.Life || d.Time-held.fetched >= wait || l.excused(held, d) {
				continue
			}
			l.accuse("illegal redelivery", name{"early redelivery", semantics.Delivered, d.episode}, m.id)
		}
	}
}

// holder is the latest delivery of the copy that d is of, unless its life gave the copy back.
func (l *lane) holder(m *message, earlier []seen, d seen) *seen {
	if d.Pos.Offset == 0 {
		return nil
	}
	for i := len(earlier) - 1; i >= 0; i-- {
		h := &earlier[i]
		if slotOf(h.Pos) != slotOf(d.Pos) {
			continue
		}
		gave := func(e seen) bool {
			return e.Life == h.Life && e.at > h.at && e.at < d.at && slotOf(e.Pos) == slotOf(d.Pos) &&
				(e.Kind == history.AckOutcome || e.Flags&(history.Nack|history.Reject) != 0)
		}
		if h.fetched < 0 || slices.ContainsFunc(m.confirmed, gave) || slices.ContainsFunc(m.called, gave) {
			return nil
		}
		return h
	}
	return nil
}

// excused reports whether something gave the broker a reason, or may have: since the holder's receive call began.
func (l *lane) excused(held *seen, d seen) bool {
	acting := false
	for _, e := range before(*l.world, d.at) {
		since := e.Time >= held.fetched
		switch e.Kind {
		case history.FaultInject:
			acting = true
		case history.FaultVerified:
			if acting = e.Status != history.OK; since {
				return true
			}
		case history.Leader:
			if since {
				return true
			}
		case history.LifeEnd:
			if since && e.Other == held.Life {
				return true
			}
		default: // of the holder itself
			if since && e.Life == held.Life {
				return true
			}
		}
	}
	return acting
}
