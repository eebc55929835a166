package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// assignments follow the consumers of a lane whose partitions belong to one of them at a time: how far each came in each of its
// partitions. They keep one position for each life and partition, and what was jumped over until a scan says what lies there.
//
// Orders within one tick are not judged: where a seek or an assignment bears the stamp of a delivery, either may have been first.
type assignments struct {
	held    map[place]*assignment
	resumes bool // a member whose position is lost goes on at the end of the log, by declared policy: messages between are given up
	gaps    gaps
	stepped msgset.Set // delivered by a step back
	passed  *passed    // nil: no order is promised
}

// place is a partition in the hands of a consumer.
type place struct {
	life      history.Life
	partition uint32
}

// assignment is a partition from the moment at which its consumer's position was last set.
type assignment struct {
	next   int64                   // the position to come next; 0: not known
	beyond int64                   // the furthest delivered
	last   history.Position        // of the latest delivery
	at     int64                   // its tick
	back   history.Msg             // it, if it was a step back
	since  int64                   // the tick at which the position was set
	newest map[history.Life]uint64 // producer → its latest message delivered
}

func newAssignments(m semantics.Mode) *assignments {
	if !m.Traits.Exclusive {
		return nil
	}
	x := &assignments{held: map[place]*assignment{}, resumes: m.Traits.AcksFirst, gaps: gaps{}}
	for _, p := range m.Promises {
		if p.Ordered {
			x.passed = &passed{suspects: map[history.Msg]bool{}}
		}
	}
	return x
}

// see takes what sets a consumer's position or takes a partition from it.
func (x *assignments) see(e *history.Event) {
	if x == nil {
		return
	}
	at := place{e.Life, e.Pos.Partition}
	switch e.Kind {
	case history.Assign:
		x.set(at, max(0, e.Pos.Offset), e.Time)
	case history.Revoke, history.Lost:
		delete(x.held, at)
	case history.Cancelled:
		x.end(e.Life)
	case history.Seek:
		x.set(at, max(0, e.To), e.Time)
	case history.Reset:
		// One that goes forward says that the log holds nothing in between. A scan can tell.
		if e.To <= e.From || x.resumes {
			x.set(at, max(0, e.To), e.Time)
		}
	case history.TxnOutcome:
		if e.Status == history.OK {
			return
		}
		for at := range x.held { // what was not committed comes again
			if at.life == e.Life {
				x.set(at, 0, e.Time)
			}
		}
	}
}

// set begins anew at a position, and takes back what was found at this very tick.
func (x *assignments) set(at place, next, now int64) {
	if a := x.held[at]; a != nil && a.at == now {
		if a.back != (history.Msg{}) {
			x.stepped.Remove(a.back)
		}
		x.gaps.drop(at, now)
	}
	x.held[at] = &assignment{next: next, since: now}
}

// end forgets a life that ended, or whose consumer the broker cancelled.
func (x *assignments) end(id history.Life) {
	if x == nil {
		return
	}
	for at := range x.held {
		if at.life == id {
			delete(x.held, at)
		}
	}
}

// delivery compares where a copy lies with where its consumer had come to. first says that nobody got the message before.
func (x *assignments) delivery(e *history.Event, first bool) {
	if e.Flags&history.Foreign != 0 {
		return
	}
	at := place{e.Life, e.Pos.Partition}
	a := x.held[at]
	if a == nil {
		return
	}
	if e.Time <= a.since {
		a.next, a.at = 0, e.Time
		return
	}
	x.passed.delivery(a, e, first)
	p := e.Pos.Offset
	if p == 0 {
		return
	}
	a.back = history.Msg{}
	switch {
	case a.next == 0 || p == a.next:
	case p > a.next:
		x.gaps.add(&gap{place: at, from: max(a.next, a.beyond+1), to: p - 1, before: e.Msg, at: e.Time})
	case a.last.Offset == 0: // what was committed lies beyond the end of the log
	case e.Pos.Incarnation != a.last.Incarnation || e.Pos.Epoch > a.last.Epoch: // the log was cut back and written anew
	default:
		x.stepped.Add(e.Msg)
		a.back = e.Msg
		x.gaps.given(at, e.Msg, p)
	}
	a.next, a.last, a.at = p+1, e.Pos, e.Time
	a.beyond = max(a.beyond, p)
}

// copy tells the jumps of a visible copy that a scan found.
func (x *assignments) copy(e *history.Event) {
	if x != nil && len(x.gaps) > 0 {
		x.gaps.copy(e)
	}
}
