package nemesis

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill/harness/experiment"
	"waybill/harness/golden"
	"waybill/harness/semantics"
)

func lanes(names ...string) (out []experiment.Lane) {
	for _, n := range names {
		out = append(out, experiment.Lane{Name: n, Queue: n, Mode: semantics.Mode{Name: n, Traits: semantics.Traits{Confirms: true, Acks: true}}, Producers: 2, Consumers: 2})
	}
	return out
}

const settle = 2500 * time.Millisecond

func plan(t *testing.T, faults []string, limit time.Duration, seed uint64) experiment.Schedule {
	t.Helper()
	s, err := Plan(faults, lanes("log", "ledger"), testTiming, settle, limit, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A schedule that somebody noted down by its seed must come out the same tomorrow.
func TestTheSameSeedGivesTheSameSchedule(t *testing.T) {
	for name, faults := range map[string][]string{"tour-seed-7.yaml": Tour(), "all-seed-7.yaml": All()} {
		b, err := yaml.Marshal(plan(t, faults, 0, 7))
		if err != nil {
			t.Fatal(err)
		}
		golden.Compare(t, name, b)
	}
	if cmp.Equal(plan(t, All(), 0, 7), plan(t, All(), 0, 8)) {
		t.Error("another seed gives the same schedule")
	}
}

func TestPlanHoldsWhateverIsAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		faults := rapid.SliceOfNDistinct(rapid.SampledFrom(All()), 1, -1, rapid.ID).Draw(t, "faults")
		seed := rapid.Uint64().Draw(t, "seed")
		limit := time.Duration(rapid.IntRange(0, 300).Draw(t, "limit")) * time.Second
		ls := lanes("log", "ledger")
		s, err := Plan(faults, ls, testTiming, settle, limit, seed)
		again, errAgain := Plan(rapid.Permutation(faults).Draw(t, "order"), ls, testTiming, settle, limit, seed)
		if (err == nil) != (errAgain == nil) || !cmp.Equal(s, again) {
			t.Fatalf("the order in which faults are named matters:\n%s", cmp.Diff(s, again))
		}
		if err != nil {
			if len(s.Episodes) != 0 {
				t.Fatalf("%v, and %d episodes", err, len(s.Episodes))
			}
			return
		}
		all := append(slices.Collect(maps.Keys(s.Refused)), s.LeftOut...)
		var total time.Duration
		slow := false
		seeds := map[uint64]bool{}
		for i, e := range s.Episodes {
			all = append(all, e.Fault)
			total += Takes(e, settle)
			seeds[e.Seed] = true
			f, args, err := Find(e.Fault)
			if err != nil || e.Number != i+1 || e.Calm != calm || e.Length != f.Length(testTiming, args) || e.Plan == "" {
				t.Fatalf("episode %d is %+v, %v", i+1, e, err)
			}
			if slow && !f.Last {
				t.Fatalf("%s comes after a fault that heals slowly", e.Fault)
			}
			slow = f.Last
		}
		slices.Sort(all)
		if want := slices.Sorted(slices.Values(faults)); !slices.Equal(all, want) {
			t.Fatalf("planned or left out: %v, asked for: %v", all, want)
		}
		if limit > 0 && total > limit {
			t.Fatalf("takes %s, the limit is %s", total, limit)
		}
		if limit == 0 && len(s.LeftOut) > 0 {
			t.Fatalf("without a limit %v are left out", s.LeftOut)
		}
		if len(seeds) != len(s.Episodes) {
			t.Fatalf("%d seeds for %d episodes: victims would be the same everywhere", len(seeds), len(s.Episodes))
		}
	})
}

// promising is a lane that promises something at every stage, except under the faults named.
func promising(name string, except ...string) experiment.Lane {
	l := lanes(name)[0]
	var under []string
	for _, f := range Names() {
		if !slices.Contains(except, f) {
			under = append(under, f)
		}
	}
	for _, s := range []semantics.Stage{semantics.Stored, semantics.Applied} {
		l.Mode.Promises = append(l.Mode.Promises, semantics.Promise{Stage: s, Guarantee: semantics.AtLeastOnce, Faults: under})
	}
	return l
}

// A lane is tainted by what its promise leaves out: nothing that a lane promises may come after that.
func TestFaultsOutsideAPromiseComeAfterThoseInside(t *testing.T) {
	weak := promising("weak", "kill-leader", "kill-all", "isolate-leader", "isolate-broker")
	weaker := promising("weaker", "kill-leader", "kill-all", "isolate-leader", "isolate-broker", "pause-broker")
	unstored := promising("unstored", "kill-consumer")
	unstored.Mode.Promises = unstored.Mode.Promises[:1] // which consumers cannot touch
	nothing := promising("nothing", "lose-acks")
	for i := range nothing.Mode.Promises {
		nothing.Mode.Promises[i].Guarantee = semantics.None
	}
	ls := []experiment.Lane{promising("strong"), weak, weaker, unstored, nothing}
	outsideOf := map[string]int{"kill-leader": 2, "kill-leader:of=consumer": 2, "kill-all": 2, "isolate-leader": 2, "isolate-broker": 2, "pause-broker": 1}
	orders := map[string]bool{}
	for seed := range uint64(40) {
		s, err := Plan(All(), ls, testTiming, settle, 0, seed)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Plan(All(), ls, testTiming, settle, 0, seed)
		if err != nil || !cmp.Equal(s, again) {
			t.Fatalf("seed %d gives two schedules, %v", seed, err)
		}
		var order []string
		for i, e := range s.Episodes {
			order = append(order, e.Fault)
			if i == 0 {
				continue
			}
			before := s.Episodes[i-1].Fault
			if outsideOf[before] > outsideOf[e.Fault] {
				t.Errorf("seed %d: %s, which %d lanes leave out, comes before %s, which %d do", seed, before, outsideOf[before], e.Fault, outsideOf[e.Fault])
			}
			if f, _, _ := Find(e.Fault); outsideOf[before] == outsideOf[e.Fault] && registered[before].Last && !f.Last {
				t.Errorf("seed %d: %s, which heals slowly, comes before %s", seed, before, e.Fault)
			}
		}
		orders[strings.Join(order, " ")] = true
	}
	if len(orders) < 30 {
		t.Errorf("40 seeds give %d orders", len(orders))
	}
}

func TestAPromiseMayNameAFaultWithItsParameter(t *testing.T) {
	l := promising("log", "kill-leader")
	for i := range l.Mode.Promises {
		l.Mode.Promises[i].Faults = append(l.Mode.Promises[i].Faults, "kill-leader:of=consumer")
	}
	for seed := range uint64(20) {
		s, err := Plan([]string{"kill-leader", "kill-leader:of=consumer"}, []experiment.Lane{l}, testTiming, settle, 0, seed)
		if err != nil || s.Episodes[1].Fault != "kill-leader" {
			t.Fatalf("%+v, %v: want the one that is outside the promise last", s.Episodes, err)
		}
	}
}

func TestFaultsThatDoNotFitAreLeftOutAndNamed(t *testing.T) {
	all := plan(t, All(), 0, 7)
	some := plan(t, All(), time.Minute, 7)
	if len(some.Episodes) == 0 || len(some.Episodes)+len(some.LeftOut) != len(all.Episodes) || len(some.LeftOut) == 0 {
		t.Errorf("a minute holds %d of %d, and leaves out %v", len(some.Episodes), len(all.Episodes), some.LeftOut)
	}
	var names []string
	for _, e := range some.Episodes {
		names = append(names, e.Fault)
	}
	for i, left := range some.LeftOut {
		if slices.Contains(names, left) || slices.Contains(some.LeftOut[:i], left) {
			t.Errorf("%s is left out, and planned or left out twice", left)
		}
	}
}

func TestALimitThatHoldsNothingSaysWhatWouldHoldSomething(t *testing.T) {
	faults := []string{"isolate-broker", "kill-all"}
	if _, err := Plan(faults, nil, testTiming, settle, time.Second, 1); err == nil || !strings.Contains(err.Error(), "14.5s") || !strings.Contains(err.Error(), "within 1s") {
		t.Fatalf("error %v: want the limit, and the 14.5s that kill-all takes", err)
	}
	s, err := Plan(faults, nil, testTiming, settle, 14500*time.Millisecond, 1)
	if err != nil || len(s.Episodes) != 1 || s.Episodes[0].Fault != "kill-all" || !slices.Equal(s.LeftOut, []string{"isolate-broker"}) {
		t.Errorf("with exactly that: %+v, %v", s, err)
	}
	if s, err := Plan(nil, nil, testTiming, settle, time.Second, 1); err != nil || len(s.Episodes) != 0 {
		t.Errorf("no faults: %+v, %v, want an empty schedule", s, err)
	}
	if _, err := Plan([]string{"kill-all", "kill-everyone"}, nil, testTiming, settle, 0, 1); err == nil || !strings.Contains(err.Error(), `"kill-everyone"`) {
		t.Errorf("an unknown fault: %v", err)
	}
}

func TestWhatAFaultCannotTouchIsSparedInEveryLane(t *testing.T) {
	for _, e := range plan(t, All(), 0, 7).Episodes {
		want := map[string]string{}
		if slices.Contains([]string{"kill-consumer", "pause-consumer", "lose-acks", "drop-acks", "drop-acks:then=cut", "drop-acks:then=nothing"}, e.Fault) {
			const why = "consumers cannot touch the store"
			want = map[string]string{"log/stored": why, "ledger/stored": why}
		}
		if !cmp.Equal(e.Spared, want) {
			t.Errorf("%s spares %v, want %v", e.Fault, e.Spared, want)
		}
	}
}

func TestReplayFillsInWhatIsLeftOutAndKeepsWhatIsSaid(t *testing.T) {
	given := experiment.Schedule{LeftOut: []string{"kill-all"}, Episodes: []experiment.Episode{
		{Number: 1, Fault: "kill-leader:of=consumer", Seed: 3},
		{Number: 2, Fault: "lose-acks", Seed: 4, Calm: time.Second, Length: 30 * time.Second, Plan: "as it was", Spared: map[string]string{"gone/stored": "why"}},
	}}
	before := given.Episodes[0]
	s, err := Replay(given, lanes("log"), testTiming)
	if err != nil {
		t.Fatal(err)
	}
	if !cmp.Equal(given.Episodes[0], before) {
		t.Error("the schedule that was handed in is changed")
	}
	want := experiment.Schedule{LeftOut: []string{"kill-all"}, Episodes: []experiment.Episode{
		{Number: 1, Fault: "kill-leader:of=consumer", Seed: 3, Calm: 2 * time.Second, Length: 12 * time.Second, Spared: map[string]string{},
			Plan: "the broker that leads every lane's consumer (gathered there first), while every confirming lane has an unconfirmed publish"},
		{Number: 2, Fault: "lose-acks", Seed: 4, Calm: time.Second, Length: 30 * time.Second, Spared: map[string]string{"log/stored": "consumers cannot touch the store"},
			Plan: registered["lose-acks"].Plan},
	}}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	given.Episodes[1].Fault = "lose-ack"
	if _, err := Replay(given, lanes("log"), testTiming); err == nil || !strings.Contains(err.Error(), "episode 2") || !strings.Contains(err.Error(), `"lose-ack"`) {
		t.Errorf("an unknown fault: %v, want the episode and the name", err)
	}
}

func TestASavedScheduleReplaysAsItself(t *testing.T) {
	for seed := range uint64(20) {
		s := plan(t, All(), 0, seed)
		again, err := Replay(s, lanes("log", "ledger"), testTiming)
		if err != nil || !cmp.Equal(s, again) {
			t.Errorf("seed %d: %v\n%s", seed, err, cmp.Diff(s, again))
		}
	}
}

func TestAFaultThatStrikesOftenTakesAsMuchLonger(t *testing.T) {
	once := Lasts(experiment.Episode{Fault: "kill-consumer", Length: 3 * time.Second})
	often := Lasts(experiment.Episode{Fault: "kill-consumer:times=100", Length: 3 * time.Second})
	if once != 3*time.Second || often < once+99*perKill {
		t.Errorf("once %v, a hundred times %v: want 3s, and 99 kills more", once, often)
	}
	timing := Timing{Detection: time.Second, Redelivery: time.Second, Election: time.Second, Confirm: time.Second}
	if _, err := Plan([]string{"kill-consumer:times=100"}, nil, timing, time.Second, time.Minute, 1); err == nil || !strings.Contains(err.Error(), "fits within 1m0s") {
		t.Errorf("%v: want a hundred kills refused where there is a minute", err)
	}
}
