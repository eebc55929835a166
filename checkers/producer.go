package checkers

import "waybill/harness/history"

func (l *lane) send(e *history.Event, ep *episode) {
	l.attempts++
	first := l.sent.Add(e.Msg)
	l.recent.Add(e.Msg)
	if first {
		l.order.send(e)
	}
	x := ep.of(l)
	if ep.acting() {
		x.unresolved++
		x.pipe.Add(e.Msg)
	}
	if l.early[e.Msg] > 0 {
		if l.early[e.Msg]--; l.early[e.Msg] == 0 {
			delete(l.early, e.Msg)
		}
		return
	}
	if !l.open.Add(e.Msg) {
		l.more[e.Msg]++
		return
	}
	if !l.acked.Has(e.Msg) {
		l.unresolved++
	}
}

func (l *lane) outcome(e *history.Event, ep *episode) {
	m := e.Msg
	l.sent.Add(m) // an outcome proves a send
	waiting := l.open.Has(m) && !l.acked.Has(m)
	switch e.Status {
	case history.Acked:
		l.ack(e, ep)
	case history.Rejected:
		l.rejected.Add(m)
	default:
		l.unknown.Add(m)
		if ep.struck() {
			ep.of(l).frames.unanswered++
		}
	}
	switch {
	case l.more[m] > 0:
		if l.more[m]--; l.more[m] == 0 {
			delete(l.more, m)
		}
	case !l.open.Remove(m):
		l.early[m]++
	}
	if waiting && !(l.open.Has(m) && !l.acked.Has(m)) {
		l.unresolved--
	}
}

func (l *lane) ack(e *history.Event, ep *episode) {
	first := l.acked.Add(e.Msg)
	if first {
		l.order.acked(e)
		l.ackedLately.add(e.Time)
	}
	if e.Pos.Offset != 0 {
		switch {
		case l.placed.Add(e.Msg):
			l.ackSums.Add(e.Msg, e.Pos)
		case l.placedAgain.Add(e.Msg):
			l.againSums.Add(e.Msg, e.Pos)
		default:
			l.restless[pageOf(e)] = true
		}
	}
	duplicate := e.Flags&history.Duplicate != 0
	if duplicate {
		l.dedupStore++
	}
	x := ep.of(l)
	switch {
	case !ep.struck():
		x.ackedBefore++
	default:
		if !ep.inject {
			x.ackedAfter++
		}
		if duplicate {
			x.dedupStore++
		} else if e.Attempt > 1 && l.unknown.Has(e.Msg) || e.Flags&history.Resent != 0 {
			x.retried.Add(e.Msg)
		}
	}
}

// died takes what a producer that ended had in flight for unknown: no outcome will come.
func (l *lane) died(id history.Life) {
	for m := range l.open.Of(id) {
		l.open.Remove(m)
		delete(l.more, m)
		l.unknown.Add(m)
		if !l.acked.Has(m) {
			l.unresolved--
		}
	}
}
