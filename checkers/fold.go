package checkers

import (
	"fmt"

	"waybill/checkers/msgset"
	"waybill/harness/history"
)

// see folds one event into the state. It is called in order of time.
func (a *audit) see(e *history.Event) error {
	a.events++
	if len(a.due) > 0 && e.Time > a.due[0].at {
		a.judgeDue(e.Time)
	}
	// Nearly all events end here.
	if ofMessage[e.Kind] && e.Lane == 0 && int(e.Life) < len(a.known) {
		if l := a.known[e.Life]; l != nil {
			l.observe(e, a.now)
			return nil
		}
	}
	if !ofMessage[e.Kind] && (a.run(e) || a.fault(e)) {
		return nil
	}
	l, err := a.laneOf(e)
	if err != nil || l == nil {
		return err
	}
	l.observe(e, a.now)
	switch e.Kind {
	case history.ScanBegin:
		a.scanBegin(l, e)
	case history.Leader:
		a.now.leader(l, e)
	}
	return nil
}

// ofMessage is the kinds of nearly all events: they concern one message, and neither the run nor a fault.
var ofMessage = [256]bool{history.Send: true, history.Outcome: true, history.Delivery: true, history.AckCalled: true, history.AckOutcome: true,
	history.ApplyBegin: true, history.ApplyEnd: true, history.Readback: true}

// run takes what concerns the run as a whole, processes included, and the copies of a scan, whose lane is the scan's.
func (a *audit) run(e *history.Event) bool {
	switch e.Kind {
	case history.EpisodeBegin:
		a.begin(e)
	case history.EpisodeEnd:
		a.episode(e.Ref).End = e.Time
	case history.Abort:
		a.cutShort = e.Text
		if a.cutShort == "" {
			a.cutShort = "the run was cut short"
		}
	case history.Starved:
		a.starve(e)
	case history.ClockCheck:
		a.clock = max(a.clock, int64(e.Count))
	case history.LifeStart:
		a.lives.start(e)
		a.settled(e.Other, e.Lane)
	case history.LifeEnd:
		a.lives.end(e)
		for _, l := range a.lanes {
			l.died(e.Other)
			l.assignments.end(e.Other)
			l.orphaned(e.Other, a.now)
		}
	case history.Copy:
		a.copy(e)
	case history.ScanEnd:
		a.scanEnd(e)
	default:
		return false
	}
	return true
}

// observe takes what concerns one message of the lane.
func (l *lane) observe(e *history.Event, ep *episode) {
	switch e.Kind {
	case history.Send:
		l.send(e, ep)
	case history.Outcome:
		l.outcome(e, ep)
	case history.Delivery:
		if l.assignments != nil {
			l.assignments.delivery(e, !l.delivered.Has(e.Msg))
		}
		if l.young != nil {
			l.young.delivery(e)
		}
		l.delivery(e, ep)
	case history.AckCalled:
		l.ackCall(e, ep)
	case history.AckOutcome:
		l.ackOutcome(e)
	case history.ApplyBegin:
		l.zombie(e, ep)
	case history.ApplyEnd:
		l.applyEnd(e, ep)
	case history.TxnBegin:
		l.txnBegin(e, ep)
	case history.TxnMember:
		l.txnMember(e)
	case history.TxnEnd:
		l.txnEnd(e)
	case history.TxnOutcome:
		l.txnOutcome(e, ep)
		l.assignments.see(e)
	case history.Readback:
		l.readEffect(e)
	case history.ReadbackEnd:
		l.readEnd(e)
	case history.GiveUp:
		l.appends.gaveUp(e.Msg)
		return
	case history.Assign, history.Revoke, history.Lost, history.Cancelled, history.Seek, history.Reset:
		l.assignments.see(e)
		return
	default:
		return
	}
	l.touched = true
}

// manyLives bounds the table of the lanes that lives are on: what lies beyond it is looked up in a map.
const manyLives = 1 << 16

// settled notes which lane a life is on.
func (a *audit) settled(id history.Life, index uint32) {
	if id >= manyLives {
		return
	}
	if grow := int(id) + 1 - len(a.known); grow > 0 {
		a.known = append(a.known, make([]*lane, grow)...)
	}
	a.known[id] = nil
	if int(index) < len(a.lanes) {
		a.known[id] = a.lanes[index]
	}
}

// laneOf is the lane that an event concerns; nil when there is none.
func (a *audit) laneOf(e *history.Event) (*lane, error) {
	i := e.Lane
	if i == 0 {
		if int(e.Life) < len(a.known) && a.known[e.Life] != nil {
			return a.known[e.Life], nil
		}
		if l := a.lives[e.Life]; l != nil {
			i = l.lane
		}
	}
	if int(i) >= len(a.lanes) {
		if len(a.lanes) == 0 {
			return nil, nil
		}
		return nil, fmt.Errorf("checkers: an event of kind %d by life %d names lane %d, but the experiment has lanes 0 to %d: history and experiment are not of the same run",
			e.Kind, e.Life, i, len(a.lanes)-1)
	}
	return a.lanes[i], nil
}

func pageOf(e *history.Event) msgset.Page { return msgset.PageOf(e.Msg) }
