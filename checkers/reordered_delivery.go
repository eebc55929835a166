package checkers

import (
	"slices"

	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// deliveredOutOfOrder is reordered, of deliveries: within one exclusive assignment of a mode that promises order, a message that nobody
// had got before was delivered after another one with the same key and session, although its acknowledgement had arrived before the
// other's first send began. It is judged where copies have no positions: where they have, a delivery out of order is nonmonotonic, and what
// lies out of order in the store is reordered there. Where consumers share a queue, or copies of messages come again, deliveries have no
// order to keep.
//
// Which messages share a key is asked in a second reading, and only for messages that some later one of their producer overtook, at
// most maxPassed of a lane.
type deliveredOutOfOrder struct{}

func (deliveredOutOfOrder) exact(l *lane, x *examined) []candidate {
	if x.orders == nil {
		return nil
	}
	return byCheckpoint(x.orders.wrong, candidate{anomaly: "reordered in delivery", group: orderGroup, stage: semantics.Delivered, breaks: l.orderOfDeliveries()})
}

const maxPassed = 1024

// passed collects the messages that a later one of the same producer overtook on its way to a consumer. Not judged: keys are not known.
type passed struct {
	suspects map[history.Msg]bool
}

func (x *passed) delivery(a *assignment, e *history.Event, first bool) {
	if x == nil || e.Pos.Offset != 0 {
		return // by positions it is nonmonotonic, if the store is in order
	}
	if a.newest == nil {
		a.newest = map[history.Life]uint64{}
	}
	if newest := a.newest[e.Msg.Life]; e.Msg.Seq > newest {
		a.newest[e.Msg.Life] = e.Msg.Seq
	} else if first && len(x.suspects) < maxPassed {
		x.suspects[e.Msg] = true
	}
}

// orders is what the second reading learns of suspects: of each, who was sent after it was acknowledged, and whether a consumer got
// such a one first.
type orders struct {
	suspects map[history.Msg]*overtaken
	open     map[orderKey][]*overtaken // acknowledged, not yet delivered
	began    map[place]int64           // the number of the assignment
	number   int64
	wrong    map[int]*msgset.Set // by checkpoint
}

// overtaken is a suspect.
type overtaken struct {
	msg   history.Msg
	key   orderKey
	sent  bool
	acked int64           // the tick; 0: not yet
	later msgset.Set      // sent after that, of its key and session
	by    map[place]int64 // in which assignments one of those was delivered
	got   bool            // delivered: what comes again has no order to keep
}

func newOrders(x *assignments) *orders {
	if x == nil || x.passed == nil || len(x.passed.suspects) == 0 {
		return nil
	}
	o := &orders{suspects: map[history.Msg]*overtaken{}, open: map[orderKey][]*overtaken{}, began: map[place]int64{}, wrong: map[int]*msgset.Set{}}
	for m := range x.passed.suspects {
		o.suspects[m] = &overtaken{msg: m, by: map[place]int64{}}
	}
	return o
}

func (o *orders) see(e *history.Event, ref int) {
	switch e.Kind {
	case history.Send:
		o.send(e)
	case history.Outcome:
		if s := o.suspects[e.Msg]; s != nil && s.sent && !s.got && s.acked == 0 && e.Status == history.Acked {
			s.acked = e.Time
			o.open[s.key] = append(o.open[s.key], s)
		}
	case history.Assign, history.Seek, history.Reset, history.Revoke, history.Lost:
		o.number++
		o.began[place{e.Life, e.Pos.Partition}] = o.number
	case history.TxnOutcome, history.Cancelled:
		if e.Kind == history.TxnOutcome && e.Status == history.OK {
			return
		}
		for at := range o.began {
			if at.life == e.Life {
				o.number++
				o.began[at] = o.number
			}
		}
	case history.Delivery:
		o.delivery(e, ref)
	}
}

func (o *orders) send(e *history.Event) {
	key := orderKey{e.Msg.Life, e.Session, e.Key}
	if s := o.suspects[e.Msg]; s != nil && !s.sent {
		s.sent, s.key = true, key
	}
	for _, s := range o.open[key] {
		if e.Attempt <= 1 && e.Msg.Seq > s.msg.Seq && e.Time > s.acked {
			s.later.Add(e.Msg)
		}
	}
}

func (o *orders) delivery(e *history.Event, ref int) {
	at := place{e.Life, e.Pos.Partition}
	if s := o.suspects[e.Msg]; s != nil {
		if n, ok := s.by[at]; ok && n == o.began[at] && !s.got {
			note(o.wrong, ref, e.Msg)
		}
		s.got = true
		o.open[s.key] = slices.DeleteFunc(o.open[s.key], func(other *overtaken) bool { return other == s })
	}
	for _, list := range o.open {
		for _, s := range list {
			if s.later.Has(e.Msg) {
				s.by[at] = o.began[at]
			}
		}
	}
}
