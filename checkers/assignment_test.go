package checkers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// exclusive is a partitioned log, whose partitions belong to one consumer at a time.
func exclusive() semantics.Mode {
	m := exactlyOnce()
	m.Traits.Exclusive, m.Traits.DedupEffect = true, false
	m.Promises[1].Guarantee = semantics.AtLeastOnce
	return m
}

func (s *script) assign(c history.Life, from int64) *script {
	return s.add(c, history.Event{Kind: history.Assign, Pos: at(from)})
}

// moved is a seek or a reset.
func (s *script) moved(k history.Kind, from, to int64) *script {
	return s.add(con, history.Event{Kind: k, From: from, To: to})
}

// given is one receive call, and its deliveries of the messages at these positions, where they lie at their own numbers.
func (s *script) given(c history.Life, epoch uint64, positions ...uint64) *script {
	s.add(c, history.Event{Kind: history.Receive, Call: 1})
	for _, n := range positions {
		s.add(c, history.Event{Kind: history.Delivery, Msg: msg(n), Pos: where(0, int64(n), epoch), Call: 1})
	}
	return s
}

// tied gives the last event the tick of the one before.
func (s *script) tied() *script {
	s.events[len(s.events)-1].Time = s.events[len(s.events)-2].Time
	return s
}

func TestWhatAnExclusiveConsumerIsGiven(t *testing.T) {
	all := ids(1, 2, 3, 4)
	base := func() *script { return newScript(exclusive()).begin(1, "final").stored(all...) }
	first := func() *script { return newScript(early4()).begin(1, "final").stored(all...) }
	closed := func(s *script, copies ...uint64) *script { return s.close(1, copies, all) }
	aborted := func(s *script, status history.Status) *script {
		return s.add(con, history.Event{Kind: history.TxnOutcome, Txn: 1, Status: status})
	}
	for _, c := range []struct {
		name   string
		script *script
		found  map[string]int64
		detail string
	}{
		{"all in order", closed(base().assign(con, 1).given(con, 1, 1, 2, 3, 4), all...), nil, ""},
		{"a visible copy jumped over is skipped", closed(base().assign(con, 1).given(con, 1, 1, 3, 4).given(other, 1, 2), all...),
			map[string]int64{"skipped": 1}, "life 3 was given position 3 of partition 0 where 2 came next"},
		{"so is one before the first delivery", closed(base().assign(con, 1).given(con, 1, 3, 4).given(other, 1, 1, 2), all...), map[string]int64{"skipped": 2}, ""},
		{"but where the assignment begins is not known", closed(base().assign(con, 0).given(con, 1, 3, 4).given(other, 1, 1, 2), all...), nil, ""},
		{"nor that without an assignment", closed(base().given(con, 1, 1, 3, 4).given(other, 1, 2), all...), nil, ""},
		{"a hole is jumped over rightly", closed(base().assign(con, 1).given(con, 1, 1, 3, 4), 1, 0, 3, 4), map[string]int64{"vanished": 1}, ""},
		{"a seek forward skips on purpose", closed(base().assign(con, 1).given(con, 1, 1).moved(history.Seek, 2, 3).given(con, 1, 3, 4).given(other, 1, 2), all...), nil, ""},
		{"a reset forward says that nothing lies there, which a scan refutes",
			closed(base().assign(con, 1).given(con, 1, 1).moved(history.Reset, 2, 3).given(con, 1, 3, 4).given(other, 1, 2), all...), map[string]int64{"skipped": 1}, ""},
		{"unless the members give up what lies between",
			closed(first().assign(con, 1).given(con, 1, 1).moved(history.Reset, 2, 3).given(con, 1, 3, 4).given(other, 1, 2), all...), nil, ""},
		{"in another assignment it is not skipped", closed(base().assign(con, 1).given(con, 1, 1).assign(con, 3).given(con, 1, 3, 4).given(other, 1, 2), all...), nil, ""},
		{"an assignment at the tick of the delivery may have been first",
			closed(base().assign(con, 1).given(con, 1, 1, 3).assign(con, 4).tied().given(con, 1, 4).given(other, 1, 2), all...), nil, ""},
		{"a delivery at the tick of the assignment may have been before",
			closed(base().assign(con, 1).given(con, 1, 1).assign(con, 2).given(con, 1, 2).given(other, 1, 3).assign(con, 2).add(con, history.Event{Kind: history.Delivery, Msg: msg(4), Pos: at(4)}).tied(), all...), nil, ""},
		{"what a later scan finds, with the log cut back since, proves nothing", closed(base().assign(con, 1).given(con, 1, 1, 3, 4), 1, 2, 4, 3),
			map[string]int64{"misplaced": 2}, ""},
		{"nor do two scans that show half of it each", base().assign(con, 1).given(con, 1, 1, 3, 4).scan(1, "a", 1, 0, 3, 4).scan(1, "b", 1, 2, 4, 3).readback(1, all...).end(1),
			map[string]int64{"misplaced": 2, "vanished: not on replica a": 1}, ""},
		{"what was skipped and is lost is lost, and the loss says so", base().assign(con, 1).given(con, 1, 1, 3, 4).close(1, all, ids(1, 3, 4)),
			map[string]int64{"lost: in delivery": 1}, "1 of them were skipped: life 3 was given position 3"},
		{"a step back is nonmonotonic, once", closed(base().assign(con, 1).given(con, 1, 1, 2, 3, 2, 3, 4), all...), map[string]int64{"nonmonotonic": 1}, ""},
		{"so is the same position again", closed(base().assign(con, 1).given(con, 1, 1, 2, 2, 3, 4), all...), map[string]int64{"nonmonotonic": 1}, ""},
		{"one delivery in the wrong place is one anomaly", closed(base().assign(con, 1).given(con, 1, 1, 3, 2, 4), all...), map[string]int64{"nonmonotonic": 1}, ""},
		{"a seek goes back rightly", closed(base().assign(con, 1).given(con, 1, 1, 2).moved(history.Seek, 3, 1).given(con, 1, 1, 2, 3, 4), all...), nil, ""},
		{"a reset too", closed(base().assign(con, 1).given(con, 1, 1, 2).moved(history.Reset, 3, 1).given(con, 1, 1, 2, 3, 4), all...), nil, ""},
		{"and a new assignment", closed(base().assign(con, 1).given(con, 1, 1, 2).assign(con, 1).given(con, 1, 1, 2, 3, 4), all...), nil, ""},
		{"and a transaction that did not commit", closed(aborted(base().assign(con, 1).given(con, 1, 1, 2), history.Aborted).given(con, 1, 1, 2, 3, 4), all...), nil, ""},
		{"but not one that did", closed(aborted(base().assign(con, 1).given(con, 1, 1, 2), history.OK).given(con, 1, 1, 2, 3, 4), all...), map[string]int64{"nonmonotonic": 1}, ""},
		{"a seek at the tick of the step back may have been first", closed(base().assign(con, 1).given(con, 1, 1, 2, 1).moved(history.Seek, 2, 1).tied().given(con, 1, 1, 2, 3, 4), all...), nil, ""},
		{"an assignment may begin beyond the end of a log that lost its tail", closed(base().assign(con, 3).given(con, 0, 1, 2, 3, 4), all...), nil, ""},
		{"a later epoch shows that the log was cut back", closed(base().assign(con, 1).given(con, 1, 1, 2).given(con, 2, 2, 3, 4), all...), nil, ""},
		{"each consumer has a course of its own", closed(base().assign(con, 1).assign(other, 1).given(con, 1, 1, 2).given(other, 1, 1, 2, 3, 4).given(con, 1, 3, 4), all...), nil, ""},
		{"and each life", closed(base().assign(con, 1).given(con, 1, 1, 2).add(ctl, history.Event{Kind: history.LifeEnd, Other: con, Reason: history.Planned}).assign(other, 1).given(other, 1, 1, 2, 3, 4), all...), nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.script.audit(t)
			want := c.found
			if want == nil {
				want = map[string]int64{}
			}
			if d := cmp.Diff(want, anomalies(v)); d != "" {
				t.Fatalf("findings (-want +got):\n%s", d)
			}
			if c.detail != "" && !strings.Contains(v.Findings[0].Detail, c.detail) {
				t.Errorf("detail %q, want %q", v.Findings[0].Detail, c.detail)
			}
			for _, f := range v.Findings {
				if (f.Anomaly == "skipped" || f.Anomaly == "nonmonotonic") && (f.Breaks || f.Stage != semantics.Delivered) {
					t.Errorf("nobody promised an order of deliveries: %+v", f)
				}
			}
		})
	}
}

// early4 is a log whose members acknowledge first, and go on at its end when they lost their place.
func early4() semantics.Mode {
	m := exclusive()
	m.Traits.AcksFirst = true
	m.Promises[1].Guarantee = semantics.AtMostOnce
	return m
}

func TestOrderedDeliveryIsBrokenByWhatConsumersAreGiven(t *testing.T) {
	m := exclusive()
	m.Promises = append(m.Promises, semantics.Promise{Stage: semantics.Delivered, Guarantee: semantics.AtLeastOnce, Ordered: true})
	for anomaly, given := range map[string][]uint64{"skipped": {1, 3}, "nonmonotonic": {1, 2, 2, 3}} {
		s := newScript(m).begin(1, "final").stored(1, 2, 3).assign(con, 1).given(con, 1, given...).given(other, 1, 2)
		v := s.close(1, ids(1, 2, 3), ids(1, 2, 3)).audit(t)
		if len(v.Findings) != 1 || v.Findings[0].Anomaly != anomaly || !v.Findings[0].Breaks {
			t.Errorf("%s: %+v", anomaly, v.Findings)
		}
	}
}

// An old run says nothing of seeks: its consumers' courses are not judged.
func TestAModeThatSaysNothingOfAssignmentsIsNotJudgedByThem(t *testing.T) {
	m := exclusive()
	m.Traits.Exclusive = false
	s := newScript(m).begin(1, "final").stored(1, 2, 3).assign(con, 1).given(con, 1, 1, 3, 1, 2)
	if got := anomalies(s.close(1, ids(1, 2, 3), ids(1, 2, 3)).audit(t)); len(got) > 0 {
		t.Errorf("found %v", got)
	}
}

func TestOrderOfDeliveriesWithoutPositions(t *testing.T) {
	mode := func() semantics.Mode {
		return semantics.Mode{Name: "single", Promises: []semantics.Promise{{Stage: semantics.Delivered, Guarantee: semantics.AtLeastOnce, Ordered: true}},
			Traits: semantics.Traits{Confirms: true, Acks: true, Drainable: true, Consumes: true, Exclusive: true}}
	}
	got := func(s *script, c history.Life, ns ...uint64) *script {
		s.add(c, history.Event{Kind: history.Receive, Call: 1})
		for _, n := range ns {
			s.add(c, history.Event{Kind: history.Delivery, Msg: msg(n), Call: 1})
		}
		return s
	}
	sent := func(n uint64, key, session uint32) history.Event {
		return history.Event{Kind: history.Send, Msg: msg(n), Attempt: 1, Key: key, Session: session}
	}
	acked := func(n uint64) history.Event {
		return history.Event{Kind: history.Outcome, Msg: msg(n), Attempt: 1, Status: history.Acked}
	}
	pair := func(key, session uint32) *script {
		return newScript(mode()).begin(1, "final").assign(con, 0).add(prod, sent(1, 1, 1)).add(prod, acked(1)).add(prod, sent(2, key, session)).add(prod, acked(2))
	}
	flying := func() *script {
		return newScript(mode()).begin(1, "final").assign(con, 0).add(prod, sent(1, 1, 1)).add(prod, sent(2, 1, 1)).add(prod, acked(1)).add(prod, acked(2))
	}
	for _, c := range []struct {
		name   string
		script *script
		found  int64
	}{
		{"in order", got(pair(1, 1), con, 1, 2), 0},
		{"out of order", got(pair(1, 1), con, 2, 1), 1},
		{"of two keys", got(pair(2, 1), con, 2, 1), 0},
		{"of two sessions", got(pair(1, 2), con, 2, 1), 0},
		{"in flight together", got(flying(), con, 2, 1), 0},
		{"again, after it had come in order", got(pair(1, 1), con, 1, 2, 1), 0},
		{"in two assignments", got(got(pair(1, 1), con, 2).assign(con, 0), con, 1), 0},
		{"in two, and overtaken in the second by another key's", got(got(pair(1, 1).add(prod, sent(3, 2, 1)).add(prod, acked(3)), con, 2).assign(con, 0), con, 3, 1), 0},
		{"to two consumers", got(got(pair(1, 1).assign(other, 0), other, 2), con, 1), 0},
		{"acknowledged at the tick of the other's send", got(newScript(mode()).begin(1, "final").assign(con, 0).add(prod, sent(1, 1, 1)).add(prod, acked(1)).
			add(prod, sent(2, 1, 1)).tied().add(prod, acked(2)), con, 2, 1), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := c.script.readback(1, 1, 2).end(1).audit(t)
			if got := anomalies(v)["reordered in delivery"]; got != c.found {
				t.Errorf("%d, want %d: %+v", got, c.found, v.Findings)
			}
			if c.found > 0 && !v.Findings[0].Breaks {
				t.Error("a promised order is not broken by it")
			}
		})
	}
}
