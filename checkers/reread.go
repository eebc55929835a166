package checkers

import (
	"context"

	"waybill/harness/history"
)

// reread answers the questions of one reading.
func (a *audit) reread(ctx context.Context, in map[*lane]*examined) error {
	scans := map[scanKey]*rescan{}
	ref := 0
	var closely []*examined // those that ask about consumers
	for _, x := range in {
		if x.custody != nil || x.orders != nil {
			closely = append(closely, x)
		}
	}
	return each(ctx, a.in.Source, func(e *history.Event) error {
		if len(closely) > 0 {
			if err := a.closely(e, in, closely, ref); err != nil {
				return err
			}
		}
		switch e.Kind {
		case history.EpisodeBegin:
			ref = int(e.Ref)
			return nil
		case history.Copy:
			if s := scans[scanKey{e.Life, e.Tag}]; s != nil {
				s.copy(e, in[s.lane])
			}
			return nil
		case history.ScanEnd:
			if s := scans[scanKey{e.Life, e.Tag}]; s != nil {
				s.end(in[s.lane])
				delete(scans, s.key)
			}
			return nil
		case history.ScanBegin, history.Outcome, history.Assign, history.Receive, history.Delivery, history.AckOutcome:
		default:
			return nil
		}
		l, err := a.laneOf(e)
		if err != nil || l == nil || in[l] == nil {
			return err
		}
		if e.Kind == history.ScanBegin {
			id := scanID{scanKey{e.Life, e.Tag}, e.Ref}
			if scans[id.scanKey] == nil {
				scans[id.scanKey] = &rescan{lane: l, ref: int(e.Ref), key: id.scanKey, judged: a.judged[id],
					found: map[history.Msg][]history.Position{}, twice: map[history.Msg]history.Position{}}
			}
			scans[id.scanKey].spans.add(e)
			return nil
		}
		in[l].see(e, l, ref)
		return nil
	})
}

// closely shows an event to those that ask who had a copy, and in which order.
func (a *audit) closely(e *history.Event, in map[*lane]*examined, all []*examined, ref int) error {
	switch e.Kind {
	case history.FaultInject, history.FaultVerified, history.EpisodeBegin, history.LifeEnd, history.Starved, history.Leader:
		for _, x := range all {
			if x.custody != nil {
				x.custody.world(e)
			}
		}
		return nil
	case history.ConnOpen, history.ConnLost, history.Assign, history.Revoke, history.Lost, history.Cancelled, history.Seek, history.Reset,
		history.Send, history.Outcome, history.TxnOutcome, history.Receive, history.Delivery, history.AckCalled, history.AckOutcome:
	default:
		return nil
	}
	l, err := a.laneOf(e)
	if err != nil || l == nil || in[l] == nil {
		return err
	}
	if x := in[l]; x.custody != nil {
		x.custody.see(e, ref)
	}
	if x := in[l]; x.orders != nil {
		x.orders.see(e, ref)
	}
	return nil
}

func (x *examined) see(e *history.Event, l *lane, ref int) {
	switch e.Kind {
	case history.Outcome:
		if e.Status != history.Acked || e.Pos.Offset == 0 {
			return
		}
		if x.pages[pageOf(e)] {
			x.acks[e.Msg] = append(x.acks[e.Msg], e.Pos)
		}
		if x.asked.Has(e.Msg) {
			x.answers[e.Msg] = e.Pos
		}
		if x.reused != nil {
			x.reused.placed(e.Msg, e.Pos)
		}
	case history.Receive:
		if x.receives != nil {
			x.receives[e.Life] = e.Time
		}
	case history.Assign:
		if x.receives != nil {
			x.assigned[place{e.Life, e.Pos.Partition}] = e.Time
		}
	case history.Delivery:
		x.redelivered(e, l, ref)
		if x.reused != nil {
			x.reused.placed(e.Msg, e.Pos)
		}
	case history.AckOutcome:
		if x.copies != nil && e.Status == history.Confirmed && e.Pos.Offset != 0 && l.late.Has(e.Msg) {
			c := copyOf{e.Msg, e.Pos.Partition, e.Pos.Offset}
			if x.copies[c] == nil {
				at := e.Time
				x.copies[c] = &at
			}
		}
	}
}

func (s *rescan) copy(e *history.Event, x *examined) {
	if x == nil || e.Flags&(history.Invisible|history.Foreign) != 0 {
		return
	}
	if s.judged && x.pages[pageOf(e)] {
		s.found[e.Msg] = append(s.found[e.Msg], e.Pos)
	}
	if x.reused != nil {
		x.reused.placed(e.Msg, e.Pos)
		if m, same := x.reused.copy(e); same {
			note(x.inconsistent, s.ref, m)
		}
	}
	if !s.lane.unsure.Has(e.Msg) {
		return
	}
	if p, ok := s.twice[e.Msg]; !ok {
		s.twice[e.Msg] = e.Pos
	} else if !same(p, e.Pos) {
		x.apart.Add(e.Msg)
	}
}

func (s *rescan) end(x *examined) {
	if x == nil || !s.judged {
		return
	}
	for m, at := range s.found {
		x.place(s, m, at)
	}
}

// same reports whether two positions are of one slot of a queue. Producers do not always know incarnation and epoch.
func same(a, b history.Position) bool { return a.Partition == b.Partition && a.Offset == b.Offset }
