package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
)

// custody is what the second reading learns of who held which copy, of messages that came again within an acknowledgement wait.
type custody struct {
	lane     *lane
	wait     int64 // ticks, less what the clocks of two processes may differ by
	holders  map[copyOf]holder
	begun    map[history.Life]int64 // its receive call under way
	upset    map[history.Life]int64 // when it last ended, changed its connections or lost its assignment
	stalled  map[history.Life]int64 // when it had last stood still
	acting   bool                   // a fault is at work
	restless int64                  // when it was last, or somebody became leader

	early     map[int]*msgset.Set // by checkpoint
	ambiguous map[int]*msgset.Set
}

// holder is the life that a copy was delivered to last.
type holder struct {
	life  history.Life
	begun int64 // the receive call that fetched it
}

func newCustody(l *lane) *custody {
	if l.young == nil || l.young.suspects.Len() == 0 {
		return nil
	}
	return &custody{lane: l, wait: l.young.wait - clockLimit/int64(1000), holders: map[copyOf]holder{}, begun: map[history.Life]int64{},
		upset: map[history.Life]int64{}, stalled: map[history.Life]int64{}, early: map[int]*msgset.Set{}, ambiguous: map[int]*msgset.Set{}}
}

// world takes what concerns the run as a whole.
func (c *custody) world(e *history.Event) {
	switch e.Kind {
	case history.FaultInject:
		c.acting = true
	case history.FaultVerified:
		c.acting, c.restless = e.Status != history.OK, e.Time
	case history.EpisodeBegin:
		if c.acting {
			c.restless = e.Time
		}
	case history.Leader:
		c.restless = e.Time
	case history.LifeEnd:
		c.upset[e.Other] = e.Time
	case history.Starved:
		c.stalled[e.Life] = e.Time
	}
}

// see takes what concerns the lane.
func (c *custody) see(e *history.Event, ref int) {
	switch e.Kind {
	case history.ConnOpen, history.ConnLost, history.Revoke, history.Lost, history.Cancelled:
		c.upset[e.Life] = e.Time
	case history.Receive:
		c.begun[e.Life] = e.Time
	case history.AckCalled:
		if e.Flags&(history.Nack|history.Reject) != 0 {
			c.release(e)
		}
	case history.AckOutcome:
		if e.Status == history.Confirmed {
			c.release(e)
		}
	case history.Delivery:
		if c.lane.young.suspects.Has(e.Msg) && e.Pos.Offset != 0 {
			c.delivery(e, ref)
		}
	}
}

// release ends the custody of a copy by the life that says so.
func (c *custody) release(e *history.Event) {
	at := copyOf{e.Msg, e.Pos.Partition, e.Pos.Offset}
	if c.holders[at].life == e.Life {
		delete(c.holders, at)
	}
}

func (c *custody) delivery(e *history.Event, ref int) {
	at := copyOf{e.Msg, e.Pos.Partition, e.Pos.Offset}
	begun, ok := c.begun[e.Life]
	before, held := c.holders[at]
	switch {
	case !held || before.life == e.Life || e.Time-before.begun >= c.wait || c.upset[before.life] >= before.begun:
	case c.acting || c.restless >= before.begun || c.stalled[before.life] >= before.begun:
		note(c.ambiguous, ref, e.Msg)
	default:
		note(c.early, ref, e.Msg)
	}
	if delete(c.holders, at); ok {
		c.holders[at] = holder{e.Life, begun}
	}
}
