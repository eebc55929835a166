package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
)

func (l *lane) send(e *history.Event, ep *episode) {
	l.attempts++
	first := l.sent.Add(e.Msg)
	l.recent.Add(e.Msg)
	if first {
		if l.order.promised {
			l.order.send(e)
		}
		l.appends.sent(e)
	}
	if ep.acting() {
		x := ep.of(l)
		x.unresolved++
		x.pipe.Add(e.Msg)
	}
	if l.early.Len() > 0 && fewer(&l.early, e.Msg) {
		return
	}
	if !l.open.Add(e.Msg) {
		oneMore(&l.more, e.Msg)
		return
	}
	if first || !l.acked.Has(e.Msg) { // what is sent for the first time was not acknowledged, or its send would be known
		l.unresolved++
	}
}

func (l *lane) outcome(e *history.Event, ep *episode) {
	m := e.Msg
	var before bool // it was acknowledged already
	switch e.Status {
	case history.Acked:
		before = !l.ack(e, ep)
	case history.Rejected:
		before = l.acked.Has(m)
		l.rejected.Add(m)
	default:
		before = l.acked.Has(m)
		l.unknown.Add(m)
		if ep.struck() {
			ep.of(l).frames.unanswered++
		}
	}
	switch {
	case l.more.Len() > 0 && fewer(&l.more, m):
		if !before && e.Status == history.Acked {
			l.unresolved--
		}
	case l.open.Remove(m):
		if !before {
			l.unresolved--
		}
	default:
		l.sent.Add(m) // an outcome proves a send
		oneMore(&l.early, m)
	}
}

// ack takes what was acknowledged, and reports whether that is news.
func (l *lane) ack(e *history.Event, ep *episode) bool {
	first := l.acked.Add(e.Msg)
	if first {
		if l.order.promised {
			l.order.acked(e)
		}
		l.appends.acked(e)
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
	return first
}

// died takes what a producer that ended had in flight for unknown: no outcome will come.
func (l *lane) died(id history.Life) {
	l.appends.died(id)
	for m := range l.open.Of(id) {
		l.open.Remove(m)
		l.more.Delete(m)
		l.unknown.Add(m)
		if !l.acked.Has(m) {
			l.unresolved--
		}
	}
}

// oneMore counts a message once more.
func oneMore(f *msgset.Flight[int32], m history.Msg) {
	n, _ := f.Get(m)
	f.Put(m, n+1)
}

// fewer counts a message once less, and reports whether it was counted at all.
func fewer(f *msgset.Flight[int32], m history.Msg) bool {
	n, ok := f.Get(m)
	switch {
	case n > 1:
		f.Put(m, n-1)
	case ok:
		f.Delete(m)
	}
	return ok
}
