package bench_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/bench/benchtest"
	"waybill/results/latency"
)

// ten and six are samples of so many blocks, without the times, which take long to read; whole is one of six with them.
func ten() (bench.Plan, []bench.Replicate, []bench.Tested) { return untimed() }
func six() (bench.Plan, []bench.Replicate, []bench.Tested) { return untimed(benchtest.Blocks(6)) }

func whole() (bench.Plan, []bench.Replicate, []bench.Tested) {
	return benchtest.Sample(benchtest.Blocks(6))
}

// timedOf is whole with the times of only those arms whose names have one of the parts.
func timedOf(parts ...string) (bench.Plan, []bench.Replicate, []bench.Tested) {
	p, rs, ts := whole()
	for i := range rs {
		if !slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(rs[i].Arm, part) }) {
			rs[i].Latency = nil
		}
	}
	return p, rs, ts
}

// untimed is a sample without histograms.
func untimed(opts ...benchtest.Option) (bench.Plan, []bench.Replicate, []bench.Tested) {
	p, rs, ts := benchtest.Sample(opts...)
	for i := range rs {
		rs[i].Latency = nil
	}
	return p, rs, ts
}

// analyzed is what is said of a sample, with the ceiling that goes with it.
func analyzed(p bench.Plan, rs []bench.Replicate, ts []bench.Tested) bench.Summary {
	return bench.Analyze(p, rs, ts, benchtest.Ceiling())
}

func level(t *testing.T, s bench.Summary, name string) bench.Level {
	t.Helper()
	i := slices.IndexFunc(s.Levels, func(l bench.Level) bool { return l.Arm.Name == name })
	if i < 0 {
		t.Fatalf("no level of %s", name)
	}
	return s.Levels[i]
}

func warning(s bench.Summary, words string) (bench.Warning, bool) {
	i := slices.IndexFunc(s.Warnings, func(w bench.Warning) bool { return strings.Contains(w.Text, words) })
	if i < 0 {
		return bench.Warning{}, false
	}
	return s.Warnings[i], true
}

func TestASummaryDoesNotDependOnTheOrderOfItsReplicates(t *testing.T) {
	p, rs, ts := whole()
	want := analyzed(p, rs, ts)
	rng := rand.New(rand.NewPCG(9, 9))
	rng.Shuffle(len(rs), func(i, j int) { rs[i], rs[j] = rs[j], rs[i] })
	got := analyzed(p, rs, ts)
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if before, err := json.Marshal(want); err != nil || string(before) != string(text) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
	var back bench.Summary
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if again, err := json.Marshal(back); err != nil || string(again) != string(text) {
		t.Errorf("a summary that was written and read differs: %v", err)
	}
}

func TestNoDifferenceIsClaimedWithoutAnInterval(t *testing.T) {
	s := analyzed(untimed(benchtest.Blocks(3)))
	for _, r := range s.Ratios {
		if r.Claims || r.Ratio.Enough || r.Goal != nil && r.Goal.Met {
			t.Errorf("of three blocks: %+v", r)
		}
		if low, high := slices.Min(r.Pairs), slices.Max(r.Pairs); math.Abs(r.Ratio.Low-low) > 1e-9 || math.Abs(r.Ratio.High-high) > 1e-9 || r.Ratio.N != 3 {
			t.Errorf("%s: %+v are not the extremes of %v", r.Name, r.Ratio, r.Pairs)
		}
	}
	if w, ok := warning(s, "too few for an interval"); !ok || !w.Grave {
		t.Errorf("warnings: %+v", s.Warnings)
	}
}

func TestRatiosAreOfPairsOfOneBlock(t *testing.T) {
	p, rs, ts := six()
	// A block that is slower by half for all changes no ratio, and every level.
	for i := range rs {
		if rs[i].Block == 4 {
			rs[i].Goodput, rs[i].Acked, rs[i].Sent = rs[i].Goodput/2, rs[i].Acked/2, rs[i].Sent/2
		}
	}
	slowed := bench.Analyze(p, rs, ts, nil)
	plain := analyzed(six())
	for i, r := range slowed.Ratios {
		if math.Abs(r.Ratio.Estimate/plain.Ratios[i].Ratio.Estimate-1) > 1e-9 {
			t.Errorf("%s: %v, and %v without a slow block", r.Name, r.Ratio.Estimate, plain.Ratios[i].Ratio.Estimate)
		}
	}
	if level(t, slowed, "nats/core").Goodput.Low >= level(t, plain, "nats/core").Goodput.Low {
		t.Error("a slow block is not seen in the level")
	}
	// A pair needs both.
	rs = slices.DeleteFunc(rs, func(r bench.Replicate) bool { return r.Block == 2 && r.Arm == "nats/jetstream again" })
	r := ratio(t, bench.Analyze(p, rs, ts, nil), "nats/jetstream again", "nats/jetstream")
	if len(r.Pairs) != 5 || r.Ratio.Enough {
		t.Errorf("five pairs are left: %+v", r)
	}
}

func TestADifferenceMustBeLargerThanTheNoise(t *testing.T) {
	p, rs, ts := ten()
	s := bench.Analyze(p, rs, ts, nil)
	weakest := ratio(t, s, "kafka/idempotent", "kafka/acks-0")
	if !weakest.Claims {
		t.Errorf("a third of the throughput, with little noise: %+v, %+v", weakest, s.Smallest)
	}
	// The same data with A/A pairs that are apart by more than that.
	for i := range rs {
		if rs[i].Arm == "kafka/acks-all again" {
			rs[i].Goodput *= 3
		}
	}
	s = bench.Analyze(p, rs, ts, nil)
	if r := ratio(t, s, "kafka/idempotent", "kafka/acks-0"); r.Claims {
		t.Errorf("claimed within the noise: %+v, %+v", r.Ratio, s.Smallest)
	}
	// Or with fewer pairs than an interval takes: they show too little of it.
	few := slices.Clone(rs)
	few = slices.DeleteFunc(few, func(r bench.Replicate) bool { return r.Arm == "kafka/acks-all again" && r.Block > 5 })
	if s := bench.Analyze(p, few, ts, nil); s.Smallest[1].Enough || ratio(t, s, "kafka/transactional", "kafka/acks-0").Claims {
		t.Errorf("claimed with five A/A pairs: %+v", s.Smallest)
	}
	// And without any.
	p.Arms = slices.DeleteFunc(p.Arms, func(a bench.Arm) bool { return a.Kind == bench.Again })
	s = bench.Analyze(p, rs, ts, nil)
	for _, r := range s.Ratios {
		if r.Claims {
			t.Errorf("claimed though the noise is not known: %+v", r)
		}
	}
	if w, ok := warning(s, "which differences are noise"); !ok || !w.Grave {
		t.Errorf("warnings: %+v", s.Warnings)
	}
}

func TestAnAAIntervalThatMissesOneComesFirst(t *testing.T) {
	s := analyzed(untimed(benchtest.Misses()))
	n := s.Smallest[0]
	if n.Target != "nats" || n.Missing != 1 || n.Pairs != 1 || n.Smallest < 0.11 {
		t.Errorf("noise: %+v", n)
	}
	if w := s.Warnings[0]; !w.Grave || !strings.Contains(w.Text, "misses 1") {
		t.Errorf("first warning: %+v", w)
	}
	if s := analyzed(ten()); s.Smallest[0].Missing != 0 || len(s.Warnings) != 0 {
		t.Errorf("where nothing is wrong: %+v, %+v", s.Smallest, s.Warnings)
	}
}

func TestWhatTakesTurnsHasANoiseOfItsOwn(t *testing.T) {
	p, rs, ts := ten()
	const audited = "kafka/acks-all publishing"
	var again bench.Arm
	for i := range p.Arms {
		if x := &p.Arms[i]; x.Name == audited || x.Of == audited && x.Kind != bench.Rival {
			x.Turns = audited
			again = *x
		}
	}
	again.Name, again.Kind, again.Of = audited+" again", bench.Again, audited
	p.Arms = append(p.Arms, again)
	for _, r := range rs {
		if r.Arm == audited {
			r.Arm = again.Name
			r.Goodput *= 1 + 0.001*float64(r.Block%2)
			r.Acked = r.Goodput
			rs = append(rs, r)
		}
	}
	s := analyzed(p, rs, ts)
	var alone, turns bench.Noise
	for _, n := range s.Smallest {
		switch {
		case n.Target == "kafka" && n.Turns:
			turns = n
		case n.Target == "kafka":
			alone = n
		}
	}
	if !turns.Enough || turns.Smallest > 0.001 || !alone.Enough || alone.Smallest < 0.005 {
		t.Fatalf("noise by turns %+v, alone %+v", turns, alone)
	}
	if r := ratio(t, s, audited, audited+" unaudited"); r.Noise != turns.Smallest {
		t.Errorf("of the harness: %v, want that of turns, %v", r.Noise, turns.Smallest)
	}
	if r := ratio(t, s, "kafka/transactional", "kafka/acks-0"); r.Noise != alone.Smallest {
		t.Errorf("of modes: %v, want that of runs alone, %v", r.Noise, alone.Smallest)
	}
}

func TestABrokenRunStrikesItsArmOut(t *testing.T) {
	s := analyzed(untimed(benchtest.Struck()))
	l := level(t, s, "kafka/idempotent")
	if !l.Struck || !l.Mark.Broken || l.Mark.Held || l.Mark.Runs != semantics.Broken {
		t.Errorf("level: %+v", l)
	}
	for _, r := range s.Ratios {
		if of := r.Over == "kafka/idempotent" || r.Under == "kafka/idempotent"; r.Struck != of || of && r.Claims {
			t.Errorf("%s: struck %v, claims %v", r.Name, r.Struck, r.Claims)
		}
	}
	if w, ok := warning(s, "broke its promise"); !ok || !w.Grave {
		t.Errorf("warnings: %+v", s.Warnings)
	}
	if level(t, s, "kafka/acks-0").Struck {
		t.Error("another mode is struck out too")
	}
}

func TestMarksSayWhatTestsSaid(t *testing.T) {
	s := analyzed(six())
	all := level(t, s, "kafka/acks-all").Mark
	if !all.Broken || all.Held || all.Faults["kill-all"] != semantics.Broken || all.Faults["kill-leader"] != semantics.Kept || all.Faults["power-failure:of=all"] != semantics.Observed {
		t.Errorf("acks-all: %+v", all)
	}
	synced := level(t, s, "nats/jetstream-sync").Mark
	if !synced.Held || synced.Broken || synced.Tested != 18 || synced.Runs != semantics.Kept {
		t.Errorf("jetstream-sync: %+v", synced)
	}
	p, rs, ts := six()
	for i := range ts {
		ts[i].Version = "0.1"
	}
	s = bench.Analyze(p, rs, ts, nil)
	if m := level(t, s, "nats/jetstream").Mark; m.Held || m.Tested != 0 || len(m.Faults) != 0 {
		t.Errorf("tests of another version: %+v", m)
	}
	if _, ok := warning(s, "its verdict is not counted"); !ok {
		t.Errorf("warnings: %+v", s.Warnings)
	}
}

func TestPlacementsSayWhatAMessageSurvives(t *testing.T) {
	s := analyzed(six())
	for name, want := range map[string]struct {
		guarantee, sync string
		survives        [4]bool // client, broker, power of one, of all
	}{
		"nats/core":            {"applied at most once", semantics.SyncedNothing, [4]bool{}},
		"nats/jetstream":       {"stored and applied at least once", "every 2m0s", [4]bool{true, true, false, false}},
		"nats/jetstream-dedup": {"stored exactly once, applied at least once", "every 2m0s", [4]bool{true, true, false, false}},
		"nats/jetstream-sync":  {"stored and applied at least once", semantics.SyncedBefore, [4]bool{true, true, true, true}},
		"kafka/acks-0":         {"stored and applied at most once", semantics.SyncedNever, [4]bool{}},
		"kafka/transactional":  {"stored at least once, applied exactly once", semantics.SyncedNever, [4]bool{true, true, true, false}},
	} {
		p := level(t, s, name).Place
		var does [4]bool
		for i, x := range p.Survives {
			does[i] = x.Does
		}
		if p.Guarantee != want.guarantee || p.Sync != want.sync || does != want.survives {
			t.Errorf("%s: %+v, want %+v", name, p, want)
		}
	}
}

func TestGoalsAreOfTheHarness(t *testing.T) {
	s := analyzed(ten())
	for under, want := range map[string]bench.Goal{
		"nats/core publishing unaudited":                        {Median: 0.88, Met: true},
		"nats/jetstream publishing bare":                        {Median: 0.97, Low: 0.95, Met: true},
		"nats/jetstream publishing by nats bench":               {Median: 0.95, Met: true},
		"kafka/acks-all publishing by kafka-producer-perf-test": {Median: 1, Met: true},
	} {
		over, _, _ := strings.Cut(under, " publishing")
		if got := ratio(t, s, over+" publishing", under); got.Goal == nil || *got.Goal != want || got.About != bench.OfHarness {
			t.Errorf("%s: %+v, want %+v", under, got.Goal, want)
		}
	}
	s = analyzed(untimed(benchtest.Slower("kafka/acks-all publishing", 1.1)))
	if r := ratio(t, s, "kafka/acks-all publishing", "kafka/acks-all publishing unaudited"); r.Goal.Met || r.Ratio.Estimate > 0.93 {
		t.Errorf("a harness that costs a tenth: %+v", r)
	}
	if _, ok := warning(s, "acks-all: audited / unaudited: the harness does not reach its goal, a median of 0.97 with an interval from 0.95: "); !ok {
		t.Errorf("warnings: %+v", s.Warnings)
	}
}

func TestWhatIsNearTheCeilingIsHatched(t *testing.T) {
	p, rs, ts := six()
	c := benchtest.Ceiling()
	s := bench.Analyze(p, rs, ts, c)
	for _, l := range s.Levels {
		if want := l.Goodput.Estimate > c.Plain.Estimate/2; l.Hatched != want {
			t.Errorf("%s at %.0f: hatched %v", l.Arm.Name, l.Goodput.Estimate, l.Hatched)
		}
	}
	if !level(t, s, "nats/core").Hatched || level(t, s, "nats/jetstream").Hatched {
		t.Error("core is above half of the ceiling, and jetstream is not")
	}
	s = bench.Analyze(p, rs, ts, nil)
	if _, ok := warning(s, "ceiling was not measured"); !ok || level(t, s, "nats/core").Hatched {
		t.Errorf("without a ceiling: %+v", s.Warnings)
	}
}

func TestHistogramsOfRunsAreAddedUp(t *testing.T) {
	const arm = "kafka/transactional at 60%"
	p, rs, ts := timedOf(arm)
	s := bench.Analyze(p, rs, ts, nil)
	all, medians := latency.New(), []float64(nil)
	for _, r := range rs {
		for _, l := range r.Latency {
			if r.Arm == arm && l.To == "visible" && l.Corrected {
				h, err := latency.Parse(l.Histogram)
				if err != nil {
					t.Fatal(err)
				}
				all.Add(h)
				medians = append(medians, float64(h.Quantile(0.5)))
			}
		}
	}
	i := slices.IndexFunc(s.Loads, func(l bench.Load) bool { return l.Arm.Name == arm })
	j := slices.IndexFunc(s.Loads[i].Stages, func(x bench.StageLatency) bool { return x.To == "visible" && x.Corrected })
	stage := s.Loads[i].Stages[j]
	if stage.N != all.N() {
		t.Errorf("%d of %d values", stage.N, all.N())
	}
	for _, q := range []float64{0, 0.5, 0.99, 0.999, 1} {
		if got, ok := quantileOf(stage, q); !ok || got != all.Quantile(q) {
			t.Errorf("quantile %v: %d, %v; merged %d", q, got, ok, all.Quantile(q))
		}
	}
	if !slices.IsSortedFunc(stage.Merged, func(a, b bench.Quantile) int { return int(math.Copysign(1, a.At-b.At)) }) {
		t.Errorf("quantiles are not in order: %+v", stage.Merged)
	}
	slices.Sort(medians)
	if p50 := stage.PerRun["p50"]; p50.N != 6 || p50.Low != medians[0] || p50.High != medians[5] {
		t.Errorf("medians of runs: %+v of %v", p50, medians)
	}
}

// quantileOf is one of the quantiles that are told of a stage.
func quantileOf(s bench.StageLatency, at float64) (int64, bool) {
	i := slices.IndexFunc(s.Merged, func(q bench.Quantile) bool { return math.Abs(q.At-at) < 1e-12 })
	if i < 0 {
		return 0, false
	}
	return s.Merged[i].Value, true
}

func TestQuantilesNeedValuesBeyondThem(t *testing.T) {
	p, rs, ts := six()
	few := latency.New()
	for i := range int64(500) {
		few.Record(1000 + i)
	}
	for i := range rs {
		if rs[i].Arm == "nats/core at 30%" {
			rs[i].Latency = []bench.Latencies{{To: "applied", Corrected: true, Histogram: few.String(), Failed: 3}}
		}
	}
	s := bench.Analyze(p, rs, ts, nil)
	i := slices.IndexFunc(s.Loads, func(l bench.Load) bool { return l.Arm.Name == "nats/core at 30%" })
	stage := s.Loads[i].Stages[0]
	// 3000 values in all: 30 beyond p99, 3 beyond p99.9; 5 of each run beyond p99.
	if _, ok := quantileOf(stage, 0.99); !ok {
		t.Error("p99 of all is missing")
	}
	if _, ok := quantileOf(stage, 0.999); ok {
		t.Error("p99.9 of all is told, of 3000 values")
	}
	if _, ok := stage.PerRun["p99"]; ok {
		t.Error("p99 of each run is told, of 500 values")
	}
	if stage.Failed != 18 {
		t.Errorf("failed: %d", stage.Failed)
	}
}

func TestCurvesGoOverOneParameter(t *testing.T) {
	s := analyzed(timedOf(" window ", " commit "))
	var got []string
	for _, c := range s.Curves {
		got = append(got, c.Target+"/"+c.Mode+" over "+c.Over)
		for i, p := range c.Points {
			if i > 0 && p.Value <= c.Points[i-1].Value {
				t.Errorf("%s: values not in order: %+v", c.Mode, c.Points)
			}
			if p.P99.N != 6 || p.P50.Estimate > p.P99.Estimate {
				t.Errorf("%s at %d: %+v, %+v", c.Mode, p.Value, p.P50, p.P99)
			}
		}
	}
	if d := cmp.Diff([]string{"nats/jetstream over window", "kafka/acks-all over window", "kafka/transactional over commit"}, got); d != "" {
		t.Error(d)
	}
}

func TestAFrontHoldsWhatNothingDominates(t *testing.T) {
	p, rs, ts := timedOf(" window ", " commit ")
	s := analyzed(p, rs, ts)
	for _, c := range s.Curves {
		for _, p := range c.Points {
			dominated := slices.ContainsFunc(c.Points, func(q bench.Point) bool {
				return q.Goodput.Estimate >= p.Goodput.Estimate && q.P99.Estimate <= p.P99.Estimate && q.Value != p.Value
			})
			if p.Front == dominated {
				t.Errorf("%s at %d: front %v, dominated %v", c.Mode, p.Value, p.Front, dominated)
			}
		}
	}
	for i := range rs {
		if rs[i].Arm == "nats/jetstream window 4096" {
			rs[i].Verdict = bench.Verdict{Result: semantics.Broken, Why: "lost"}
		}
	}
	for _, c := range bench.Analyze(p, rs, ts, nil).Curves {
		for _, x := range c.Points {
			if x.Struck && (x.Front || x.Arm.Name != "nats/jetstream window 4096") {
				t.Errorf("%s is struck and on the front: %v", x.Arm.Name, x.Front)
			}
		}
	}
}

func TestAnInterruptedBenchmarkSaysSo(t *testing.T) {
	s := analyzed(untimed(benchtest.Interrupted()))
	if _, ok := warning(s, "in fewer than the 10 blocks"); !ok {
		t.Errorf("warnings: %+v", s.Warnings)
	}
	if w, ok := warning(s, "is not complete"); !ok || !w.Grave {
		t.Errorf("warnings: %+v", s.Warnings)
	}
	if n := len(level(t, s, "nats/core").Runs); n != 4 && n != 5 {
		t.Errorf("%d runs of core", n)
	}
	if s := bench.Analyze(s.Plan, nil, nil, nil); len(s.Levels)+len(s.Ratios)+len(s.Loads)+len(s.Curves) != 0 || len(s.Warnings) == 0 {
		t.Errorf("of nothing: %+v", s)
	}
}

func TestDoubtsAreToldBeforeTheFigures(t *testing.T) {
	for words, change := range map[string]func(*bench.Plan, []bench.Replicate){
		"could not be measured (brokers went away)": func(_ *bench.Plan, rs []bench.Replicate) { rs[3].Failed = "brokers went away" },
		"had not settled":         func(_ *bench.Plan, rs []bench.Replicate) { rs[arm(rs, "nats/core")].Settled = false },
		"not known whether":       func(_ *bench.Plan, rs []bench.Replicate) { rs[0].Verdict.Result = semantics.Inconclusive },
		"the machine was starved": func(_ *bench.Plan, rs []bench.Replicate) { rs[5].Trouble = []string{"the machine was starved"} },
		"cannot be read": func(_ *bench.Plan, rs []bench.Replicate) {
			rs[0].Latency = []bench.Latencies{{To: "applied", Histogram: "?"}}
		},
		"nats/core: all that was offered went through in 6 of 6 runs": func(_ *bench.Plan, rs []bench.Replicate) {
			for i := range rs {
				if rs[i].Arm == "nats/core" {
					rs[i].Offered = rs[i].Goodput / 0.98
				}
			}
		},
		"was carried out elsewhere": func(p *bench.Plan, _ []bench.Replicate) { p.Notes = []string{"it was carried out elsewhere"} },
	} {
		p, rs, ts := six()
		change(&p, rs)
		if s := bench.Analyze(p, rs, ts, benchtest.Ceiling()); len(s.Warnings) == 0 {
			t.Errorf("%q: no warning", words)
		} else if _, ok := warning(s, words); !ok {
			t.Errorf("%q is not among %+v", words, s.Warnings)
		}
	}
	s := analyzed(untimed(benchtest.Late()))
	for _, words := range []string{"the load was not reached", "of its intended instant"} {
		if _, ok := warning(s, words); !ok {
			t.Errorf("%q is not among %+v", words, s.Warnings)
		}
	}
}

// arm is the first replicate of an arm.
func arm(rs []bench.Replicate, name string) int {
	return slices.IndexFunc(rs, func(r bench.Replicate) bool { return r.Arm == name })
}

func TestModesOfOneNameAreToldApartByTheirProfiles(t *testing.T) {
	p, rs, ts := six()
	// jetstream-sync under the name of jetstream, as products have modes in several profiles.
	p.Targets[0].Modes[3].Name = "jetstream"
	for i := range p.Arms {
		if p.Arms[i].Mode == "jetstream-sync" {
			p.Arms[i].Mode = "jetstream"
		}
	}
	for i := range ts {
		for j := range ts[i].Verdict.Lanes {
			if ts[i].Verdict.Lanes[j].Mode == "jetstream-sync" {
				ts[i].Verdict.Lanes[j].Mode = "jetstream"
			}
		}
	}
	s := bench.Analyze(p, rs, ts, nil)
	if got := level(t, s, "nats/jetstream-sync"); got.Mark.Tested != 18 || !got.Place.Survives[3].Does {
		t.Errorf("of the profile sync: %+v", got)
	}
	if got := level(t, s, "nats/jetstream"); got.Mark.Tested != 12 || got.Place.Survives[3].Does {
		t.Errorf("of the default profile: %+v", got)
	}
	if got := ratio(t, s, "nats/jetstream-sync", "nats/core").Name; got != "jetstream@sync / core" {
		t.Errorf("name of the ratio: %s", got)
	}
}

func TestAModeWithoutConfirmationsIsComparedByWhatItSends(t *testing.T) {
	p, rs, ts := six()
	for i := range rs {
		if strings.HasPrefix(rs[i].Arm, "nats/core publishing") {
			rs[i].Goodput = 0 // nothing was acknowledged
		}
	}
	if r := ratio(t, bench.Analyze(p, rs, ts, nil), "nats/core publishing", "nats/core publishing unaudited"); math.Abs(r.Ratio.Estimate-0.9) > 0.02 {
		t.Errorf("ratio: %+v", r)
	}
}

func TestTheSampleIsTheSameEveryTime(t *testing.T) {
	var texts [2]string
	for i := range texts {
		p, rs, ts := benchtest.Sample(benchtest.Blocks(2), benchtest.Hostile())
		b, err := json.Marshal([]any{p, rs, ts})
		if err != nil {
			t.Fatal(err)
		}
		texts[i] = string(b)
	}
	if texts[0] != texts[1] {
		t.Error("two calls give different data")
	}
	_, rs, _ := benchtest.Sample()
	if len(rs) == 0 || rs[0].Started.Before(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error("no replicates")
	}
}
