package checkers_test

import (
	"math"
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// spoil edits the events of a made history; drop one by returning false.
func spoil(h checkertest.History, keep func(e *history.Event) bool) checkertest.History {
	var out history.Memory
	for _, e := range h.Events {
		if keep(&e) {
			out = append(out, e)
		}
	}
	h.Events = out
	return h
}

func only(name string) []semantics.Mode {
	for _, m := range checkertest.Modes() {
		if m.Name == name {
			return []semantics.Mode{m}
		}
	}
	return nil
}

func TestCells(t *testing.T) {
	episode := func(e *history.Event, ref uint64, k history.Kind) bool { return e.Ref == ref && e.Kind == k }
	for _, c := range []struct {
		name   string
		mode   string
		fault  string
		edit   func(h *checkertest.History) func(e *history.Event) bool
		stage  semantics.Stage
		result semantics.Result
		why    string
		next   semantics.Result // of the same promise in the next episode
	}{
		{"a fault that did not bite shows nothing", "jetstream", "kill-leader", func(*checkertest.History) func(*history.Event) bool {
			return func(e *history.Event) bool {
				if episode(e, 1, history.FaultObserved) {
					e.Status, e.Text = history.Failed, "the leader stayed"
				}
				return true
			}
		}, semantics.Stored, semantics.Inconclusive, "the fault did not bite: the leader stayed", semantics.Kept},
		{"a fault that nobody observed shows nothing", "jetstream", "kill-leader", func(*checkertest.History) func(*history.Event) bool {
			return func(e *history.Event) bool { return !episode(e, 1, history.FaultObserved) }
		}, semantics.Stored, semantics.Inconclusive, "nobody saw whether the fault bit", semantics.Kept},
		{"a leader fault needs a new leader", "jetstream", "kill-leader", func(*checkertest.History) func(*history.Event) bool {
			begun := false
			return func(e *history.Event) bool {
				begun = begun || e.Kind == history.FaultInject
				return !begun || e.Kind != history.Leader
			}
		}, semantics.Stored, semantics.Inconclusive, "not exercised: no new leaders of the queue", semantics.Inconclusive},
		{"exactly once stored needs a retry that was deduplicated", "jetstream-dedup", "lose-confirms", func(*checkertest.History) func(*history.Event) bool {
			return func(e *history.Event) bool {
				e.Flags &^= history.Duplicate
				return e.Kind != history.Outcome || e.Attempt == 1 || e.Status != history.Acked
			}
		}, semantics.Stored, semantics.Inconclusive, "not exercised: no retries of a stored copy", semantics.Inconclusive},
		{"exactly once applied needs a dedup hit", "jetstream-ledger", "lose-confirms", func(*checkertest.History) func(*history.Event) bool {
			return func(e *history.Event) bool {
				if e.Status == history.DedupHit {
					e.Status = history.OK
				}
				return true
			}
		}, semantics.Applied, semantics.Inconclusive, "not exercised: no effects that the ledger had already", semantics.Inconclusive},
		{"a killed consumer must have held something", "jetstream", "kill-consumer", func(*checkertest.History) func(*history.Event) bool {
			return func(e *history.Event) bool { return !episode(e, 1, history.FaultVictim) }
		}, semantics.Applied, semantics.Inconclusive, "not exercised: no deliveries held unacknowledged when struck", semantics.Kept},
		{"a paused consumer must try again when it wakes", "jetstream", "pause-consumer", func(h *checkertest.History) func(*history.Event) bool {
			var victim history.Life
			awake := false
			return func(e *history.Event) bool {
				if e.Kind == history.FaultVictim {
					victim = e.Other
				}
				if e.Kind == history.FaultRecover {
					awake = true
				}
				return !awake || e.Life != victim
			}
		}, semantics.Applied, semantics.Inconclusive, "not exercised: no late attempts to apply or acknowledge", ""},
		{"what the fault cannot touch is n/a", "jetstream", "kill-consumer", nil, semantics.Stored, semantics.NotAffected, "a consumer does not touch what is stored", ""},
		{"a loss where the fault cannot touch is broken all the same", "jetstream", "kill-consumer", func(h *checkertest.History) func(*history.Event) bool {
			m := firstStored(h)
			return func(e *history.Event) bool { return e.Msg != m || e.Kind != history.Copy }
		}, semantics.Stored, semantics.Broken, "vanished", ""},
		{"outside the promise is observed, and taints what follows", "jetstream", "lose-confirms", func(h *checkertest.History) func(*history.Event) bool {
			for i := range h.Experiment.Lanes[0].Mode.Promises {
				h.Experiment.Lanes[0].Mode.Promises[i].Faults = []string{"kill-consumer"}
			}
			h.Schedule.Episodes[1].Fault = "kill-consumer"
			h.Schedule.Episodes[1].Spared = nil
			return func(*history.Event) bool { return true }
		}, semantics.Stored, semantics.Observed, "outside the promise", semantics.Inconclusive},
		{"an episode that was not healed taints what follows", "jetstream", "lose-confirms", func(*checkertest.History) func(*history.Event) bool {
			return func(e *history.Event) bool {
				if episode(e, 1, history.FaultVerified) {
					e.Status, e.Text = history.Failed, "one path is cut"
				}
				return true
			}
		}, semantics.Stored, semantics.Inconclusive, "recovery was not verified: one path is cut", semantics.Inconclusive},
		{"a refused fault shows nothing", "jetstream", "lose-confirms", func(*checkertest.History) func(*history.Event) bool {
			return func(e *history.Event) bool {
				if episode(e, 1, history.FaultInject) {
					e.Kind, e.Text = history.FaultRefused, "no nftables here"
				}
				return true
			}
		}, semantics.Stored, semantics.Inconclusive, "the fault was refused: no nftables here", semantics.Kept},
		{"an episode that was not run is inconclusive", "jetstream", "lose-confirms", func(h *checkertest.History) func(*history.Event) bool {
			h.Schedule.Episodes[0].Number, h.Schedule.Episodes[1].Number = 2, 7
			return func(e *history.Event) bool { return true }
		}, semantics.Stored, semantics.Kept, "", semantics.Inconclusive},
		{"two equal scans are needed for kept", "jetstream", "lose-confirms", func(*checkertest.History) func(*history.Event) bool {
			second := false
			return func(e *history.Event) bool {
				if e.Kind == history.ScanEnd && e.Ref == 1 {
					if second {
						e.Status = history.Failed
					}
					second = !second
				}
				return true
			}
		}, semantics.Stored, semantics.Inconclusive, "there were no two equal scans of the store", semantics.Kept},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := checkertest.Generate(5, checkertest.Options{Modes: only(c.mode), Faults: []string{c.fault, c.fault}, Messages: 30})
			want := 1
			if c.edit != nil {
				h = spoil(h, c.edit(&h))
				want = h.Schedule.Episodes[0].Number
			}
			v := audit(t, h.Input())
			got := cell(t, v, c.stage, want)
			if got.Result != c.result || !strings.Contains(got.Why, c.why) {
				t.Errorf("%s, %q; want %s, %q", got.Result, got.Why, c.result, c.why)
			}
			if c.next == "" {
				return
			}
			if got := cell(t, v, c.stage, h.Schedule.Episodes[1].Number); got.Result != c.next {
				t.Errorf("the next episode is %s, %q; want %s", got.Result, got.Why, c.next)
			}
		})
	}
}

func firstStored(h *checkertest.History) history.Msg {
	for _, e := range h.Events {
		if e.Kind == history.Outcome && e.Status == history.Acked {
			return e.Msg
		}
	}
	return history.Msg{}
}

func TestTheBoundComesFromIndependentInjections(t *testing.T) {
	h := checkertest.Generate(3, checkertest.Options{Modes: only("jetstream"), Faults: []string{"lose-confirms", "kill-leader", "lose-confirms"}, Messages: 30})
	v := audit(t, h.Input())
	for episode, n := range map[int]int{1: 2, 2: 1, 3: 2, 4: 0} {
		c := cell(t, v, semantics.Stored, episode)
		bound := 0.0
		if n > 0 {
			bound = 1 - math.Pow(0.05, 1/float64(n))
		}
		if c.N != n || math.Abs(c.Bound-bound) > 1e-9 {
			t.Errorf("episode %d: n %d, bound %v; want %d, %v", episode, c.N, c.Bound, n, bound)
		}
	}
}

func TestWhatIsPermittedIsCounted(t *testing.T) {
	h := checkertest.Generate(3, checkertest.Options{Modes: checkertest.Modes(), Faults: []string{"lose-confirms"}, Messages: 60})
	v := audit(t, h.Input())
	seen := map[string]bool{}
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			for name := range c.Counts {
				seen[l.Mode+" "+name] = true
			}
		}
	}
	for _, want := range []string{"core missing", "jetstream duplicates in store", "jetstream redeliveries", "jetstream-dedup dedup hits in store",
		"jetstream-ledger dedup hits in effects"} {
		if !seen[want] {
			t.Errorf("no %s in %v", want, seen)
		}
	}
}

func TestOnlyWhatAVictimHeldAtTheStrikeCounts(t *testing.T) {
	fault := func(k history.Kind, e history.Event) history.Event {
		e.Kind, e.Ref = k, 1
		return e
	}
	s := newScript(exactlyOnce()).begin(1, "kill-consumer").whole(1)
	s.send(2, 1).outcome(2, 1, history.Acked, 2).send(3, 1).outcome(3, 1, history.Acked, 3).send(4, 1).outcome(4, 1, history.Acked, 4)
	s.deliver(con, 2, 2) // held when it is struck
	s.add(ctl, fault(history.FaultInject, history.Event{})).add(ctl, fault(history.FaultVictim, history.Event{Other: con}))
	s.deliver(con, 3, 3).apply(con, 3).ack(con, 3, 3) // got away
	s.add(ctl, fault(history.FaultInjected, history.Event{}))
	s.deliver(con, 4, 4) // too late to have been at risk
	s.deliver(other, 2, 2).apply(other, 2).ack(other, 2, 2).deliver(other, 4, 4).apply(other, 4).ack(other, 4, 4)
	s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-consumer"}}}
	v := s.close(1, ids(1, 2, 3, 4), ids(1, 2, 3, 4)).audit(t)
	for _, e := range cell(t, v, semantics.Applied, 1).Exposure[:2] {
		if e.Seen != 1 {
			t.Errorf("%s: %d, want 1", e.What, e.Seen)
		}
	}
}

func TestAFaultThatLastsPutsWhatIsSentMeanwhileAtRiskAndAKillDoesNot(t *testing.T) {
	for fault, want := range map[string]int64{"lose-confirms": 1, "kill-broker": 0} {
		s := newScript(exactlyOnce()).begin(1, fault).whole(1)
		s.add(ctl, history.Event{Kind: history.FaultInject, Ref: 1}).add(ctl, history.Event{Kind: history.FaultInjected, Ref: 1}).whole(2)
		s.add(ctl, history.Event{Kind: history.FaultRecover, Ref: 1}).whole(3)
		s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: fault}}}
		v := s.close(1, ids(1, 2, 3), ids(1, 2, 3)).audit(t)
		if got := cell(t, v, semantics.Stored, 1).Exposure[0]; got.Seen != want {
			t.Errorf("%s: %s: %d, want %d", fault, got.What, got.Seen, want)
		}
	}
}

func TestASparedStageIsLookedUpByLane(t *testing.T) {
	h := checkertest.Generate(3, checkertest.Options{Modes: only("jetstream"), Faults: []string{"lose-confirms"}, Messages: 30})
	h.Schedule.Episodes[0].Spared = map[string]string{experiment.SparedKey("another", semantics.Stored): "no"}
	if c := cell(t, audit(t, h.Input()), semantics.Stored, 1); c.Result != semantics.Kept {
		t.Errorf("%s, %s", c.Result, c.Why)
	}
}

func TestWhatVanishedIsCountedBesideWhatIsLost(t *testing.T) {
	s := newScript(atLeastOnce()).begin(1, "power-failure")
	s.schedule = experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "power-failure"}}}
	got := cell(t, s.whole(1).whole(2).stored(3).close(1, ids(1), ids(1, 2)).audit(t), semantics.Stored, 1)
	if got.Counts["applied, and vanished from the store"] != 1 || got.Counts["acknowledged and lost"] != 1 {
		t.Errorf("%v: want message 2 vanished and message 3 lost", got.Counts)
	}
}
