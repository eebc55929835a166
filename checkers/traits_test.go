package checkers_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// struck is a script of one episode: before the strike, while the fault is at work, and after it.
func struck(m semantics.Mode, fault string, before, during, after func(s *script)) *script {
	s := newScript(m).begin(1, fault)
	before(s)
	s.add(ctl, history.Event{Kind: history.FaultInject, Ref: 1}).add(ctl, history.Event{Kind: history.FaultInjected, Ref: 1}).
		add(ctl, history.Event{Kind: history.FaultObserved, Ref: 1, Status: history.OK})
	during(s)
	s.add(ctl, history.Event{Kind: history.FaultRecover, Ref: 1}).add(ctl, history.Event{Kind: history.FaultVerified, Ref: 1, Status: history.OK}).
		add(ctl, history.Event{Kind: history.ServiceHealed, Ref: 1, Status: history.OK})
	after(s)
	s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: fault}}}
	return s
}

func nothing(*script) {}

// resent is an acknowledgement of a message that the producer's library sent again.
func (s *script) resent(n uint64) *script {
	return s.add(prod, history.Event{Kind: history.Outcome, Msg: msg(n), Attempt: 1, Status: history.Acked, Pos: at(int64(n)), Flags: history.Resent})
}

func (s *script) consumed(n uint64) *script {
	return s.deliver(con, n, int64(n)).apply(con, n).ack(con, n, int64(n))
}

func TestASessionsRetryIsSeenByWhatTheLibrarySays(t *testing.T) {
	m := exactlyOnce()
	m.Traits.DedupStore, m.Traits.DedupEffect, m.Traits.Session, m.Traits.Leader = false, false, true, true
	m.Promises = m.Promises[:1]
	const again = "messages that the library sent again"
	for _, c := range []struct {
		name   string
		fault  string
		resent bool
		copies []uint64
		result semantics.Result
		why    string
	}{
		{"a lost confirmation whose copy is found once", "lose-confirms", true, ids(1, 2), semantics.Kept, ""},
		{"none sent again", "lose-confirms", false, ids(1, 2), semantics.Inconclusive, again},
		{"sent again and stored twice", "lose-confirms", true, ids(1, 2, 2), semantics.Broken, "duplicate in store"},
		{"all brokers killed, none sent again", "kill-all", false, ids(1, 2), semantics.Inconclusive, again},
		{"clients cut off, none sent again", "cut-clients", false, ids(1, 2), semantics.Inconclusive, again},
		{"any one broker killed, none sent again", "kill-broker", false, ids(1, 2), semantics.Kept, ""},
		{"the producer killed, none sent again", "kill-producer", false, ids(1, 2), semantics.Kept, ""},
		{"the group's leader killed, none sent again", "kill-leader:of=consumer", false, ids(1, 2), semantics.Kept, ""},
		{"the queue's leader killed, none sent again", "kill-leader", false, ids(1, 2), semantics.Inconclusive, again},
	} {
		t.Run(c.name, func(t *testing.T) {
			lead := func(s *script, epoch uint64) {
				for _, of := range []string{"queue", "consumer"} {
					s.add(ctl, history.Event{Kind: history.Leader, Name: "n1", Text: of, Pos: history.Position{Epoch: epoch}})
				}
			}
			s := struck(m, c.fault, func(s *script) { lead(s, 1); s.whole(1).send(2, 1) }, func(s *script) {
				lead(s, 2)
				if c.resent {
					s.resent(2)
				} else {
					s.outcome(2, 1, history.Acked, 2)
				}
				s.consumed(2)
			}, nothing)
			got := cell(t, s.close(1, c.copies, ids(1, 2)).audit(t), semantics.Stored, 1)
			if got.Result != c.result || !strings.Contains(got.Why, c.why) {
				t.Errorf("%s, %q; want %s, %q", got.Result, got.Why, c.result, c.why)
			}
		})
	}
}

// What a later fault takes from the store was there all the same when its retry was answered.
func TestARetryCountsThoughALaterFaultTookItsCopy(t *testing.T) {
	m := exactlyOnce()
	m.Traits.DedupStore, m.Traits.DedupEffect, m.Traits.Session = false, false, true
	m.Promises = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce, Except: []string{"power-failure"}}}
	s := struck(m, "lose-confirms", func(s *script) { s.whole(1).send(2, 1) }, func(s *script) { s.resent(2).consumed(2) }, nothing)
	s.close(1, ids(1, 2), ids(1, 2)).begin(2, "power-failure").close(2, nil, ids(1, 2))
	s.schedule.Episodes = append(s.schedule.Episodes, experiment.Episode{Number: 2, Fault: "power-failure"})
	if got := cell(t, s.audit(t), semantics.Stored, 1); got.Result != semantics.Kept {
		t.Errorf("%s, %q, %+v", got.Result, got.Why, got.Exposure)
	}
}

func TestARetryBeforeTheStrikeIsNoneOfTheFaults(t *testing.T) {
	m := exactlyOnce()
	m.Traits.DedupStore, m.Traits.Session = false, true
	m.Promises = m.Promises[:1]
	s := struck(m, "lose-confirms", func(s *script) { s.send(1, 1).resent(1).consumed(1).send(2, 1) }, func(s *script) { s.outcome(2, 1, history.Acked, 2).consumed(2) }, nothing)
	if got := cell(t, s.close(1, ids(1, 2), ids(1, 2)).audit(t), semantics.Stored, 1); got.Result != semantics.Inconclusive {
		t.Errorf("%s, %s", got.Result, got.Why)
	}
}

// early is a mode whose consumer acknowledges before it applies.
func early() semantics.Mode {
	return semantics.Mode{Name: "early", Promises: []semantics.Promise{{Stage: semantics.Applied, Guarantee: semantics.AtMostOnce}},
		Traits: semantics.Traits{Confirms: true, Acks: true, ConfirmsAcks: true, Scannable: true, AcksFirst: true}}
}

func TestWhatWasAcknowledgedAndNeverAppliedIsLostInTheConsumerWhichAtMostOncePermits(t *testing.T) {
	s := struck(early(), "kill-consumer", func(s *script) {
		s.stored(1, 2).deliver(con, 1, 1).ack(con, 1, 1).apply(con, 1).deliver(con, 2, 2).ack(con, 2, 2)
		s.add(ctl, history.Event{Kind: history.FaultVictim, Ref: 1, Other: con})
	}, func(s *script) {
		s.add(ctl, history.Event{Kind: history.LifeEnd, Ref: 1, Other: con, Reason: history.KilledByFault})
	}, nothing)
	v := s.close(1, ids(1, 2), ids(1)).audit(t)
	got := cell(t, v, semantics.Applied, 1)
	if got.Result != semantics.Kept || got.Counts["acknowledged and lost"] != 1 || len(got.Findings) != 1 {
		t.Errorf("%+v", got)
	}
	if f := v.Findings[0]; f.Anomaly != "lost: in consumer" || f.Breaks || len(f.Tokens) != 1 {
		t.Errorf("found %+v", f)
	}
	if v.Result != semantics.Kept || v.Lanes[0].Ledger.Lost.InConsumer != 1 {
		t.Errorf("%s, %+v", v.Result, v.Lanes[0].Ledger)
	}
	s = struck(early(), "kill-consumer", func(s *script) {
		s.stored(1).deliver(con, 1, 1).ack(con, 1, 1).apply(con, 1)
	}, nothing, nothing)
	if got := cell(t, s.close(1, ids(1), ids(1)).audit(t), semantics.Applied, 1); got.Result != semantics.Inconclusive || !strings.Contains(got.Why, "on their way") {
		t.Errorf("with nothing under way: %+v", got)
	}
}

func TestWhatAnUnconfirmedModeDeliversAndNeverAppliesIsCounted(t *testing.T) {
	silent, automatic, idle := early(), early(), early()
	silent.Traits.Confirms = false
	automatic.Traits = semantics.Traits{Drainable: true}
	idle.Traits = semantics.Traits{} // nothing proves that it was drained
	for _, c := range []struct {
		name string
		mode semantics.Mode
		want int64
	}{{"acknowledged first", silent, 1}, {"acknowledged by the library", automatic, 1}, {"without a proven drain", idle, 0}} {
		s := newScript(c.mode).begin(1, "final").send(1, 1).outcome(1, 1, history.Unknown, 0).send(2, 1).outcome(2, 1, history.Unknown, 0).
			deliver(con, 1, 0).apply(con, 1).deliver(con, 2, 0).readback(1, 1).end(1)
		got := cell(t, s.audit(t), semantics.Applied, 1)
		if got.Counts["delivered, never applied"] != c.want || got.Counts["missing"] != 0 {
			t.Errorf("%s: %+v", c.name, got.Counts)
		}
	}
}

func TestAtMostOnceIsBrokenByASecondEffectThoughAcknowledgedFirst(t *testing.T) {
	s := newScript(early()).begin(1, "final").stored(1).deliver(con, 1, 1).ack(con, 1, 1).apply(con, 1).deliver(other, 1, 1).ack(other, 1, 1).apply(other, 1)
	if v := s.close(1, ids(1), ids(1, 1)).audit(t); v.Result != semantics.Broken || anomalies(v)["duplicate effect"] != 1 {
		t.Errorf("%s, %+v", v.Result, v.Findings)
	}
}

// unread is a mode whose store cannot be read.
func unread(drainable bool) semantics.Mode {
	return semantics.Mode{Name: "unread", Promises: []semantics.Promise{{Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce}},
		Traits: semantics.Traits{Confirms: true, Acks: true, Drainable: drainable, Consumes: true}}
}

func TestAbsenceIsALossWhereTheDrainIsProvenAndOnlyThere(t *testing.T) {
	lossy := func(m semantics.Mode) *script {
		s := newScript(m).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 0).deliver(con, 1, 0).apply(con, 1).ack(con, 1, 0)
		return s.send(2, 1).outcome(2, 1, history.Acked, 0).readback(1, 1).end(1)
	}
	v := lossy(unread(true)).audit(t)
	if v.Result != semantics.Broken || anomalies(v)["lost: not accepted"] != 1 || v.Findings[0].Jepsen != "" {
		t.Errorf("%s, %+v", v.Result, v.Findings)
	}
	v = lossy(unread(false)).audit(t)
	if got := cell(t, v, semantics.Applied, 1); len(v.Findings) > 0 || got.Result != semantics.Inconclusive || v.Lanes[0].Ledger.Undecided != 1 {
		t.Errorf("%+v, %+v, %+v", v.Findings, got, v.Lanes[0].Ledger)
	}
	m := unread(true)
	m.Promises = append(m.Promises, semantics.Promise{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce})
	s := newScript(m).begin(1, "final").send(1, 1).outcome(1, 1, history.Acked, 0).deliver(con, 1, 0).apply(con, 1).ack(con, 1, 0).readback(1, 1).end(1)
	v = s.audit(t)
	if got := cell(t, v, semantics.Stored, 1); got.Result != semantics.Inconclusive || !strings.Contains(got.Why, "not observable") {
		t.Errorf("stored: %+v", got)
	}
	if got := cell(t, v, semantics.Applied, 1); got.Result != semantics.Kept {
		t.Errorf("applied: %+v", got)
	}
}

func TestWhereNothingIsPromisedEverythingIsObservedAndNamed(t *testing.T) {
	for name, promises := range map[string][]semantics.Promise{"by saying so": {{Stage: semantics.Applied}}, "by saying nothing": nil} {
		m := unread(true)
		m.Promises = promises
		s := struck(m, "kill-broker", func(s *script) { s.stored(1).send(2, 1) }, func(s *script) { s.outcome(2, 1, history.Acked, 0) }, nothing)
		for i := range s.events {
			if e := &s.events[i]; e.Kind == history.ServiceHealed {
				e.Status, e.Reason = history.Failed, history.LimitReached // nothing ever comes out
			}
		}
		v := s.readback(1).end(1).audit(t)
		got := cell(t, v, semantics.Applied, 1)
		if got.Result != semantics.Observed || got.Why != "nothing is promised" || got.Counts["acknowledged and lost"] != 2 || len(got.Findings) != 1 {
			t.Errorf("%s: %+v", name, got)
		}
		if len(v.Findings) != 1 || v.Findings[0].Breaks || v.Findings[0].Count != 2 || len(v.Findings[0].Tokens) != 2 {
			t.Errorf("%s: %+v", name, v.Findings)
		}
		if v.Episodes[0].Liveness["lane"] != semantics.Observed || v.Result == semantics.Broken {
			t.Errorf("%s: %s, %+v", name, v.Result, v.Episodes[0])
		}
	}
}

func TestWhereNothingIsPromisedASecondEffectIsNamedAsWell(t *testing.T) {
	m := unread(true)
	m.Promises = []semantics.Promise{{Stage: semantics.Applied}}
	s := newScript(m).begin(1, "final").stored(1).deliver(con, 1, 0).apply(con, 1).deliver(other, 1, 0).apply(other, 1).readback(1, 1, 1).end(1)
	v := s.audit(t)
	if got := cell(t, v, semantics.Applied, 1); len(v.Findings) != 1 || v.Findings[0].Anomaly != "duplicate effect" || v.Findings[0].Breaks || len(got.Findings) != 1 {
		t.Errorf("%+v, %+v", v.Findings, got)
	}
}

func TestALossOutsideThePromiseIsObservedWithItsTokens(t *testing.T) {
	h := checkertest.Generate(4, checkertest.Options{Modes: checkertest.LogModes()[:1], Faults: []string{"lose-confirms", "isolate-leader"}, Partitions: 3, Messages: 30})
	for i := range h.Experiment.Lanes[0].Mode.Promises {
		h.Experiment.Lanes[0].Mode.Promises[i].Faults = []string{"lose-confirms"}
	}
	for _, p := range plant.All() {
		if p.Anomaly != "lost: vanished" {
			continue
		}
		for seed := range uint64(50) {
			out, ok := p.Apply(rand.New(rand.NewPCG(seed, 1)), h.Events, 0)
			if !ok || out.Episode != 2 {
				continue
			}
			in := h.Input()
			in.Source = out.Events
			v := audit(t, in)
			for _, s := range []semantics.Stage{semantics.Stored, semantics.Applied} {
				if got := cell(t, v, s, 2); got.Result != semantics.Observed || got.Counts["acknowledged and lost"] != 1 || len(got.Findings) != 1 {
					t.Errorf("%s: %+v", s, got)
				}
				if got := cell(t, v, s, 1); got.Result != semantics.Kept {
					t.Errorf("%s, inside the promise: %+v", s, got)
				}
			}
			if f := v.Findings[0]; len(v.Findings) != 1 || f.Breaks || len(f.Tokens) != 1 || f.Jepsen != "lost-write" {
				t.Errorf("found %+v", v.Findings)
			}
			if v.Result != semantics.Kept {
				t.Errorf("a loss outside the promise made the run %s", v.Result)
			}
			return
		}
	}
	t.Fatal("nothing was planted")
}
