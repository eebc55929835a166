package checkers_test

import (
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// waiting is a mode whose broker delivers again after ten milliseconds: nine, that is, where clocks differ.
func waiting() semantics.Mode {
	m := exactlyOnce()
	m.Traits.AckWait = 10 * time.Millisecond
	return m
}

// rest lets time pass, in ticks.
func (s *script) rest(ticks int64) *script {
	s.offset += ticks
	return s
}

func TestEarlyRedelivery(t *testing.T) {
	fetched := func() *script { return newScript(waiting()).begin(1, "final").stored(1).deliver(con, 1, 1) }
	world := func(s *script, k history.Kind, st history.Status) *script {
		return s.add(ctl, history.Event{Kind: k, Ref: 1, Status: st, Name: "n1", Text: "queue"})
	}
	holder := func(s *script, e history.Event) *script { return s.add(con, e) }
	nack := history.Event{Kind: history.AckCalled, Msg: msg(1), Pos: at(1), Flags: history.Nack}
	for _, c := range []struct {
		name      string
		script    *script
		early     int64
		ambiguous int64
	}{
		{"at once", fetched().deliver(other, 1, 1), 1, 0},
		{"just before the wait has passed", fetched().rest(8900).deliver(other, 1, 1), 1, 0},
		{"within what clocks may differ by", fetched().rest(9000).deliver(other, 1, 1), 0, 0},
		{"after the wait", fetched().rest(10000).deliver(other, 1, 1), 0, 0},
		{"the wait runs from when the receive call began", newScript(waiting()).begin(1, "final").stored(1).add(con, history.Event{Kind: history.Receive, Call: 1}).
			rest(6000).add(con, history.Event{Kind: history.Delivery, Msg: msg(1), Pos: at(1), Call: 1}).rest(6000).deliver(other, 1, 1), 0, 0},
		{"to the same consumer", fetched().deliver(con, 1, 1), 0, 0},
		{"of another copy", fetched().deliver(other, 1, 2), 0, 0},
		{"of a copy without a position", newScript(waiting()).begin(1, "final").stored(1).deliver(con, 1, 0).deliver(other, 1, 0), 0, 0},
		{"after an acknowledgement that nobody confirmed", holder(fetched(), history.Event{Kind: history.AckCalled, Msg: msg(1), Pos: at(1)}).deliver(other, 1, 1), 1, 0},
		{"after a negative one", holder(fetched(), nack).deliver(other, 1, 1), 0, 0},
		{"after another copy's negative one", holder(fetched(), history.Event{Kind: history.AckCalled, Msg: msg(1), Pos: at(2), Flags: history.Nack}).deliver(other, 1, 1), 1, 0},
		{"after another consumer's negative one", fetched().add(other, nack).deliver(other, 1, 1), 1, 0},
		{"after the holder's end", fetched().add(ctl, history.Event{Kind: history.LifeEnd, Other: con, Reason: history.KilledByFault}).deliver(other, 1, 1), 0, 0},
		{"after its connection was lost", holder(fetched(), history.Event{Kind: history.ConnLost}).deliver(other, 1, 1), 0, 0},
		{"after another consumer's was", fetched().add(other, history.Event{Kind: history.ConnLost}).deliver(other, 1, 1), 1, 0},
		{"after its assignment was taken away", holder(fetched(), history.Event{Kind: history.Revoke}).deliver(other, 1, 1), 0, 0},
		{"after it stood still", holder(fetched(), history.Event{Kind: history.Starved, Count: 5000}).deliver(other, 1, 1), 0, 1},
		{"after a new leader", world(fetched(), history.Leader, 0).deliver(other, 1, 1), 0, 1},
		{"while a fault acts", world(fetched(), history.FaultInject, 0).deliver(other, 1, 1), 0, 1},
		{"a fault's recovery was verified before", world(world(newScript(waiting()).begin(1, "final"), history.FaultInject, 0), history.FaultVerified, history.OK).
			stored(1).deliver(con, 1, 1).deliver(other, 1, 1), 1, 0},
		{"and since", world(world(fetched(), history.FaultInject, 0), history.FaultVerified, history.OK).deliver(other, 1, 1), 0, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.script.close(1, ids(1), ids(1)).audit(t)
			if got := anomalies(v)["early redelivery"]; got != c.early {
				t.Errorf("%d early redeliveries, want %d: %+v", got, c.early, v.Findings)
			}
			if got := cell(t, v, semantics.Applied, 1).Counts["redeliveries, cause ambiguous"]; got != c.ambiguous {
				t.Errorf("the cause of %d is called ambiguous, want %d", got, c.ambiguous)
			}
			for _, f := range v.Findings {
				if f.Breaks && f.Anomaly == "early redelivery" {
					t.Errorf("at least once permits it: %+v", f)
				}
			}
		})
	}
}

func TestWithoutAKnownWaitNothingIsEarly(t *testing.T) {
	m := waiting()
	m.Traits.AckWait = 0
	v := newScript(m).begin(1, "final").stored(1).deliver(con, 1, 1).deliver(other, 1, 1).close(1, ids(1), ids(1)).audit(t)
	if len(v.Findings) > 0 {
		t.Errorf("found %+v", v.Findings)
	}
}

// A consumer that stood still goes on with what it has fetched, though its partition is another's.
func TestWhereAPartitionBelongsToOneConsumerAnIllegalRedeliveryComesWithAnAssignment(t *testing.T) {
	base := func() *script {
		return newScript(exclusive()).begin(1, "final").stored(1, 2).assign(other, 1).assign(con, 1).given(con, 1, 1).ack(con, 1, 1)
	}
	for name, c := range map[string]struct {
		script             *script
		illegal, ambiguous int64
	}{
		"younger than the confirmation": {base().assign(other, 1).given(other, 1, 1, 2), 1, 0},
		"older":                         {base().given(other, 1, 1, 2), 0, 1},
		"at its very tick":              {base().assign(other, 1).tied().given(other, 1, 1, 2), 0, 1},
		"of another partition":          {base().add(other, history.Event{Kind: history.Assign, Pos: where(1, 1, 1)}).given(other, 1, 1, 2), 0, 1},
	} {
		v := c.script.close(1, ids(1, 2), ids(1, 2)).audit(t)
		if got := anomalies(v)["illegal redelivery"]; got != c.illegal {
			t.Errorf("%s: %d illegal, want %d: %+v", name, got, c.illegal, v.Findings)
		}
		if got := cell(t, v, semantics.Applied, 1).Counts["redeliveries, cause ambiguous"]; got != c.ambiguous {
			t.Errorf("%s: %d ambiguous, want %d", name, got, c.ambiguous)
		}
	}
}

// A copy that comes again after its acknowledgement was confirmed was perhaps on its way.
func TestTheCauseOfALateRedeliveryIsAmbiguousWhereItMayHaveBeenOnItsWay(t *testing.T) {
	again := history.Event{Kind: history.Delivery, Msg: msg(1), Pos: at(1), Call: 1}
	call := history.Event{Kind: history.Receive, Call: 1}
	base := func() *script {
		return newScript(exactlyOnce()).begin(1, "final").stored(1).deliver(con, 1, 1).apply(con, 1)
	}
	for _, c := range []struct {
		name               string
		script             *script
		illegal, ambiguous int64
	}{
		{"fetched after the confirmation", base().ack(con, 1, 1).add(other, call).add(other, again), 1, 0},
		{"fetched before it", base().add(other, call).ack(con, 1, 1).add(other, again), 0, 1},
		{"at its very tick", base().ack(con, 1, 1).add(other, call).tied().add(other, again), 0, 1},
		{"by a call that nobody recorded", base().ack(con, 1, 1).add(other, again), 0, 1},
		{"before it", base().add(other, call).add(other, again).ack(con, 1, 1), 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.script.close(1, ids(1), ids(1)).audit(t)
			if got := anomalies(v)["illegal redelivery"]; got != c.illegal {
				t.Errorf("%d illegal, want %d", got, c.illegal)
			}
			if got := cell(t, v, semantics.Applied, 1).Counts["redeliveries, cause ambiguous"]; got != c.ambiguous {
				t.Errorf("%d ambiguous, want %d", got, c.ambiguous)
			}
		})
	}
}
