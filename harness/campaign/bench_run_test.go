package campaign

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
)

// labs stands for labs: replicates are carried out on no broker, but for what the test says.
type labs struct {
	t       *testing.T
	opened  []string // profiles
	open    int
	refuse  map[string]error // by profile: the brokers do not come up
	carried []string         // names of arms, in order; of a search, with "?" behind it
	turns   []string         // those that took turns, joined by commas, in order of their names
	answer  func(n int, arm string, j run.ReplicateJob) (*run.ReplicateEnd, error)
}

type fakeLab struct {
	*labs
	null null
	dead chan struct{}
}

func (l *labs) opening(_ context.Context, p *product, spec experiment.BenchSpec, profile, dir string, _ func(run.Progress)) (laboratory, error) {
	if err := l.refuse[profile]; err != nil {
		return nil, fmt.Errorf("%w: %w", ErrRun, err)
	}
	l.opened = append(l.opened, profile)
	l.open++
	return &fakeLab{labs: l, null: null{spec: spec}, dead: make(chan struct{})}, nil
}

func (l *fakeLab) replicates(ctx context.Context, arms []bench.Arm, js []run.ReplicateJob) ([]run.ReplicateEnd, error) {
	if len(arms) > 1 {
		var names []string
		for _, a := range arms {
			names = append(names, a.Name)
		}
		slices.Sort(names)
		l.turns = append(l.turns, strings.Join(names, ","))
	}
	return oneByOne(ctx, arms, js, l.replicate)
}

func (l *fakeLab) replicate(ctx context.Context, a bench.Arm, j run.ReplicateJob) (run.ReplicateEnd, error) {
	name := a.Name
	if j.Search != nil {
		name += "?"
	}
	l.carried = append(l.carried, name)
	if l.answer != nil {
		if end, err := l.answer(len(l.carried), name, j); end != nil || err != nil {
			if end == nil {
				end = &run.ReplicateEnd{}
			}
			return *end, err
		}
	}
	if _, err := results.Dir(j.Dir).LoadExperiment(); err != nil {
		l.t.Errorf("the lab is given a replicate without an experiment: %v", err)
	}
	if j.Search != nil {
		return run.ReplicateEnd{Probes: []run.Probe{{Offered: 20_000, Applied: 19_990, Sustained: true}, {Offered: 40_000, Applied: 21_000}}}, nil
	}
	return l.null.replicate(ctx, a, j)
}

func (l *fakeLab) close() error { l.open--; return nil }
func (l *fakeLab) kill()        { close(l.dead) }

// heard is a listener that remembers.
type heard struct {
	nobody
	said     []string
	steps    []Step
	measured func(bench.Replicate)
}

func (h *heard) Said(line string) { h.said = append(h.said, line) }
func (h *heard) Began(s Step)     { h.steps = append(h.steps, s) }
func (h *heard) Measured(r bench.Replicate) {
	if h.measured != nil {
		h.measured(r)
	}
}

// small is a benchmark of nats that takes no time: two arms, in profiles of the modes' own.
func small(t *testing.T, l *labs, blocks int, modes ...string) *Bench {
	t.Helper()
	b := benchOf(t, experiment.BenchSpec{Modes: modes, Blocks: blocks, Phases: []string{"latency"}, Shares: []float64{0.1}, Measure: 100 * time.Millisecond, Warm: 100 * time.Millisecond, Seed: 5})
	b.open = l.opening
	return b
}

// carry out a benchmark, which must not fail, and read back what it left.
func carryOutBench(t *testing.T, b *Bench, o BenchOptions) (BenchEnd, bench.Plan, []bench.Replicate) {
	t.Helper()
	o.Out = t.TempDir()
	if o.Listener == nil {
		o.Listener = nobody{}
	}
	end, err := b.Run(t.Context(), o)
	if err != nil || end.Warning != nil {
		t.Fatalf("%v, %v", err, end.Warning)
	}
	p, err := end.Dir.LoadPlan()
	if err != nil {
		t.Fatal(err)
	}
	rs, err := end.Dir.LoadReplicates()
	if err != nil {
		t.Fatal(err)
	}
	return end, p, rs
}

func runsLeft(t *testing.T, d bench.Dir) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(d.Run("x")))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestABenchmarkLeavesALineForEachReplicateInTheOrderOfItsPlan(t *testing.T) {
	l := &labs{t: t}
	b := small(t, l, 2, "core", "jetstream", "jetstream-sync")
	h := &heard{}
	l.answer = func(n int, _ string, j run.ReplicateJob) (*run.ReplicateEnd, error) {
		if _, err := bench.Dir(filepath.Dir(filepath.Dir(j.Dir))).LoadPlan(); err != nil {
			t.Errorf("replicate %d begins before the plan was written: %v", n, err)
		}
		return nil, nil
	}
	end, p, rs := carryOutBench(t, b, BenchOptions{Listener: h})
	var got, want []string
	for _, r := range rs {
		got = append(got, fmt.Sprintf("%d.%d %s", r.Block, r.Place, r.Arm))
	}
	want = append(want, "0.0 nats/core", "0.0 nats/jetstream", "0.0 nats/jetstream-sync")
	for i, order := range p.Order {
		for j, name := range order {
			want = append(want, fmt.Sprintf("%d.%d %s", i+1, j+1, name))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("lines of\n%q, want\n%q", got, want)
	}
	if !slices.Equal(l.opened, []string{"default", "sync"}) || l.open != 0 {
		t.Errorf("labs opened for %q, %d left open", l.opened, l.open)
	}
	applied := 0.0 // by one of them it may be nothing: a machine can stand still for as long as it was measured
	for _, r := range rs[3:] {
		applied += r.Goodput
		if r.Verdict.Result != semantics.Kept || r.Counts.Sent == 0 || r.Goodput > 20_000 || r.Offered != 2000 || len(r.Latency) == 0 || r.Series.To <= r.Series.From || r.Failed != "" {
			t.Errorf("%+v", r)
		}
	}
	if applied <= 0 {
		t.Error("nothing was applied in any of the replicates")
	}
	if left := runsLeft(t, end.Dir); len(left) != 0 {
		t.Errorf("of replicates that were kept %q is left", left)
	}
	if end.Result != semantics.Kept || end.CutShort || len(end.Unproven()) != 0 || len(end.Replicates) != 6 || len(h.steps) != 9 {
		t.Errorf("%s, %d replicates, unproven %q, %d steps", end.Result, len(end.Replicates), end.Unproven(), len(h.steps))
	}
	for _, name := range []string{"bench.yaml", "manifest.json", "replicates.jsonl", "summary.json", "tested.json", "report.html", "bench.txt", "summary.md", "junit.xml"} {
		if info, err := os.Stat(end.Dir.Path(name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHistoriesAreKeptOnRequestAndCanBeAuditedAgain(t *testing.T) {
	end, _, rs := carryOutBench(t, small(t, &labs{t: t}, 1, "core"), BenchOptions{Keep: true})
	for _, r := range rs[1:] {
		d, err := results.OpenDir(end.Dir.Run(r.Run))
		if err != nil {
			t.Fatal(err)
		}
		v, err := Judge(t.Context(), d)
		if err != nil || v.Result != r.Verdict.Result || v.Run != r.Run {
			t.Errorf("%+v, %v: want what the line says: %+v", v.Result, err, r.Verdict)
		}
	}
}

func TestAReplicateThatFailsIsTriedOnceMore(t *testing.T) {
	l := &labs{t: t}
	// The search is the first. Replicates 2 and 3 are block 1, 4 block 2, 5 and 6 block 3, 7 block 4, and so on.
	fails := map[int]bool{2: true, 5: true, 6: true, 8: true, 9: true, 11: true, 12: true}
	l.answer = func(n int, _ string, _ run.ReplicateJob) (*run.ReplicateEnd, error) {
		if fails[n] {
			return &run.ReplicateEnd{Error: fmt.Sprintf("failure %d", n)}, nil
		}
		return nil, nil
	}
	end, _, rs := carryOutBench(t, small(t, l, 8, "core"), BenchOptions{})
	if len(l.carried) != 13 || len(rs) != 9 { // failures that are not in a row give up nothing
		t.Fatalf("%d were carried out, %d lines", len(l.carried), len(rs))
	}
	if rs[1].Failed != "" || !slices.Contains(rs[1].Trouble, "it failed before: failure 2") || rs[1].Goodput == 0 {
		t.Errorf("the second try is noted as %+v", rs[1])
	}
	if rs[3].Failed != "failure 6" || rs[3].Goodput != 0 || rs[4].Failed != "" {
		t.Errorf("what failed twice is noted as %+v, the next as %+v", rs[3], rs[4])
	}
	if n := end.Summary.Loads[0].Goodput.N; n != 5 {
		t.Errorf("%d replicates count, want the five that did not fail", n)
	}
}

func TestAnArmThatAlwaysFailsIsGivenUp(t *testing.T) {
	l := &labs{t: t, answer: func(_ int, arm string, _ run.ReplicateJob) (*run.ReplicateEnd, error) {
		if strings.HasPrefix(arm, "nats/core at") {
			return &run.ReplicateEnd{Error: "no"}, nil
		}
		return nil, nil
	}}
	h := &heard{}
	end, _, _ := carryOutBench(t, small(t, l, 5, "core", "jetstream"), BenchOptions{Listener: h})
	tries := map[string]int{}
	for _, arm := range l.carried {
		tries[arm]++
	}
	if want := map[string]int{"nats/core?": 1, "nats/jetstream?": 1, "nats/core at 10%": 2 * failuresInARow, "nats/jetstream at 10%": 5}; !cmp.Equal(tries, want) {
		t.Error(cmp.Diff(want, tries))
	}
	if !slices.ContainsFunc(h.said, func(s string) bool { return strings.Contains(s, "nats/core at 10% failed 3 times in a row") }) {
		t.Errorf("said %q", h.said)
	}
	if got := end.Unproven(); !slices.Equal(got, []string{"nats/core at 10%"}) {
		t.Errorf("%q are unproven", got)
	}
}

func TestALabThatDiesIsReplaced(t *testing.T) {
	l := &labs{t: t, answer: func(n int, _ string, _ run.ReplicateJob) (*run.ReplicateEnd, error) {
		if n == 2 {
			return nil, run.ErrBenchOver
		}
		return nil, nil
	}}
	_, _, rs := carryOutBench(t, small(t, l, 2, "core"), BenchOptions{})
	if len(l.opened) != 2 || l.open != 0 || len(rs) != 3 || rs[1].Failed != "" || len(rs[1].Trouble) == 0 {
		t.Errorf("%d labs, %d left open, %d lines", len(l.opened), l.open, len(rs))
	}
}

func TestATargetWhoseBrokersDoNotComeUpDoesNotEndTheBenchmark(t *testing.T) {
	l := &labs{t: t, refuse: map[string]error{"default": errors.New("no memory")}}
	b := small(t, l, 1, "core")
	b.products = append(b.products, b.products[0], &product{target: b.products[0].target, description: b.products[0].description, known: b.products[0].known,
		modes: benchOf(t, experiment.BenchSpec{Modes: []string{"jetstream-sync"}}).products[0].modes})
	b.products[2].description.Name = "other"
	b.plan()
	b.Plan.Targets, b.Plan.Arms, b.products = slices.Delete(b.Plan.Targets, 1, 2), slices.Delete(b.Plan.Arms, 1, 2), slices.Delete(b.products, 1, 2)
	end, err := b.Run(t.Context(), BenchOptions{Out: t.TempDir(), Listener: nobody{}})
	if !errors.Is(err, ErrRun) || !strings.Contains(err.Error(), "no memory") {
		t.Errorf("error %v, want ErrRun and why", err)
	}
	if len(end.Replicates) != 1 || end.Replicates[0].Arm != "other/jetstream-sync at 10%" || end.Summary.Plan.Blocks != 1 {
		t.Errorf("%+v", end.Replicates)
	}
}

func TestAModeWithoutARateIsSaidAndFails(t *testing.T) {
	l := &labs{t: t, answer: func(_ int, arm string, _ run.ReplicateJob) (*run.ReplicateEnd, error) {
		if arm == "nats/core?" {
			return &run.ReplicateEnd{Probes: []run.Probe{{Offered: 1000}}}, nil
		}
		return nil, nil
	}}
	h := &heard{}
	_, _, rs := carryOutBench(t, small(t, l, 1, "core"), BenchOptions{Listener: h})
	if len(l.carried) != 1 || len(rs) != 2 || !strings.Contains(rs[1].Failed, "no rate was found") {
		t.Errorf("carried out %q; %+v", l.carried, rs)
	}
	if !slices.ContainsFunc(h.said, func(s string) bool { return strings.HasPrefix(s, "! no rate was found that nats/core sustains") }) {
		t.Errorf("said %q", h.said)
	}
}

func TestAnInterruptLetsTheRunUnderWayBeTheLast(t *testing.T) {
	l := &labs{t: t}
	stop := make(chan struct{})
	h := &heard{}
	h.measured = func(bench.Replicate) { close(stop); h.measured = nil }
	end, _, rs := carryOutBench(t, small(t, l, 5, "core", "jetstream"), BenchOptions{Listener: h, Stop: stop})
	if len(rs) != 3 || !end.CutShort || l.open != 0 || end.Summary.Plan.Blocks != 5 || len(end.Summary.Loads) != 1 {
		t.Errorf("%d lines, cut short %v, %d labs open", len(rs), end.CutShort, l.open)
	}
}

func TestAKillEndsTheRunUnderWay(t *testing.T) {
	l := &labs{t: t}
	kill := make(chan struct{})
	var b *Bench
	l.answer = func(n int, _ string, _ run.ReplicateJob) (*run.ReplicateEnd, error) {
		if n < 3 {
			return nil, nil
		}
		close(kill)
		return nil, nil
	}
	b = small(t, l, 5, "core")
	hung := l.opening
	b.open = func(ctx context.Context, p *product, s experiment.BenchSpec, profile, dir string, tell func(run.Progress)) (laboratory, error) {
		x, err := hung(ctx, p, s, profile, dir, tell)
		return &hanging{fakeLab: x.(*fakeLab), from: 3}, err
	}
	began := time.Now()
	end, _, rs := carryOutBench(t, b, BenchOptions{Stop: make(chan struct{}), Kill: kill})
	if len(rs) != 2 || !end.CutShort || time.Since(began) > time.Minute {
		t.Errorf("%d lines, cut short %v, after %s", len(rs), end.CutShort, time.Since(began))
	}
}

// hanging is a lab that answers nothing from some replicate on, until it is killed.
type hanging struct {
	*fakeLab
	from int
}

func (h *hanging) replicates(ctx context.Context, arms []bench.Arm, js []run.ReplicateJob) ([]run.ReplicateEnd, error) {
	return oneByOne(ctx, arms, js, h.replicate)
}

func (h *hanging) replicate(ctx context.Context, a bench.Arm, j run.ReplicateJob) (run.ReplicateEnd, error) {
	end, err := h.fakeLab.replicate(ctx, a, j)
	if len(h.carried) < h.from {
		return end, err
	}
	<-ctx.Done()
	<-h.dead
	return run.ReplicateEnd{}, ctx.Err()
}

func TestTheHarnesssCostIsMeasuredInTurns(t *testing.T) {
	l := &labs{t: t}
	b := benchOf(t, experiment.BenchSpec{Modes: []string{"jetstream"}, Blocks: 3, Phases: []string{"saturation", "cost"}, Measure: 100 * time.Millisecond, Warm: 100 * time.Millisecond, Seed: 5})
	b.open = l.opening
	failed := false
	l.answer = func(_ int, arm string, _ run.ReplicateJob) (*run.ReplicateEnd, error) {
		if arm == "nats/jetstream publishing bare" && !failed {
			failed = true
			return &run.ReplicateEnd{Error: "it lost its way"}, nil
		}
		return nil, nil
	}
	_, p, rs := carryOutBench(t, b, BenchOptions{})
	const four = "nats/jetstream publishing,nats/jetstream publishing again,nats/jetstream publishing bare,nats/jetstream publishing unaudited"
	if want := []string{four, four, four, four}; !slices.Equal(l.turns, want) {
		t.Errorf("%q took turns, want the four arms in each block, and once more where one of them failed", l.turns)
	}
	places := map[string]bool{}
	for _, r := range rs {
		if r.Block == 0 {
			continue
		}
		if r.Failed != "" || p.Order[r.Block-1][r.Place-1] != r.Arm {
			t.Errorf("%s in block %d at place %d: %s", r.Arm, r.Block, r.Place, r.Failed)
		}
		places[fmt.Sprint(r.Block, r.Place)] = true
	}
	if len(places) != 3*len(p.Arms) {
		t.Errorf("%d replicates have places of their own, want 3 of each of %d arms", len(places), len(p.Arms))
	}
}

func TestWhatIsLeftFollowsFromWhatTookTime(t *testing.T) {
	null := bench.Arm{Name: "null", Target: experiment.Null}
	first, second := bench.Arm{Name: "first", Target: "nats"}, bench.Arm{Name: "second", Target: "nats"}
	b := &Bench{Plan: bench.Plan{Blocks: 10, Measure: 3 * time.Second, Warm: time.Second, Arms: []bench.Arm{null, first, second}}}
	each := b.each(first)
	for _, c := range []struct {
		claim string
		took  map[string]spent
		want  time.Duration
	}{
		{"nothing was run: what was expected", nil, 10*b.each(null) + 20*each},
		{"brokers take what was expected, however slow none is", map[string]spent{"null": {10, time.Hour}}, 20 * each},
		{"an arm goes on as it was, and others are slower as it was", map[string]spent{"null": {10, time.Hour}, "first": {4, 8 * each}}, 12*each + 20*each},
	} {
		if got := (&benching{b: b, took: c.took}).left(); got.Round(time.Millisecond) != c.want {
			t.Errorf("%s: %s, want %s", c.claim, got, c.want)
		}
	}
}

func TestTheNextBlockOffersMoreWhereMoreWentThrough(t *testing.T) {
	key := rateKey("m", "p")
	c := &benching{rates: map[string]float64{key: 50_000}, floods: map[string]float64{}, seen: map[string]float64{}}
	a := bench.Arm{Target: "nats", Mode: "m", Profile: "p", Kind: bench.Audited, Phase: bench.PhaseSaturation, Window: 1, Producers: 2}
	offered := func(a bench.Arm) float64 {
		l, err := c.load(a)
		if err != nil {
			t.Fatal(err)
		}
		return math.Round(l.Rate)
	}
	c.notice(a, bench.Replicate{Goodput: 80_000})
	c.notice(a, bench.Replicate{Goodput: 60_000})
	c.notice(a, bench.Replicate{Goodput: 90_000, Failed: "it ended before its time"})
	if got := offered(a); got != 55_000 {
		t.Errorf("%.0f messages a second are offered in the same block, want 55000 as before", got)
	}
	c.learn()
	if got := offered(a); got != 88_000 {
		t.Errorf("%.0f messages a second are offered in the next block, want 1.1 times the 80000 that went through", got)
	}
	c.notice(a, bench.Replicate{Goodput: 40_000})
	c.learn()
	if got := offered(a); got != 88_000 {
		t.Errorf("%.0f messages a second are offered after a bad block, want 88000 still", got)
	}
	if a.Phase, a.Share = bench.PhaseLatency, 0.5; offered(a) != 25_000 {
		t.Errorf("%.0f messages a second are offered as a share, want half of what the search found in every block", offered(a))
	}
}

func TestALoadIsWhatItsArmSays(t *testing.T) {
	c := &benching{rates: map[string]float64{rateKey("m", "p"): 50_000}}
	arm := func(change func(*bench.Arm)) bench.Arm {
		a := bench.Arm{Target: "nats", Mode: "m", Profile: "p", Kind: bench.Audited, Phase: bench.PhaseSaturation, Window: 64, Batch: 9, Size: 7, Producers: 2, Commit: 3}
		change(&a)
		return a
	}
	for _, x := range []struct {
		claim string
		arm   bench.Arm
		want  experiment.Load
	}{
		{"saturation offers more than goes through", arm(func(*bench.Arm) {}), experiment.Load{Rate: 55_000, Burst: 2, Window: 64, Batch: 9, Size: 7, Commit: 3}},
		{"latency offers a share", arm(func(a *bench.Arm) { a.Phase, a.Share = bench.PhaseLatency, 0.1 }), experiment.Load{Rate: 5000, Burst: 1, Window: 64, Batch: 9, Size: 7, Commit: 3}},
		{"a burst fits into the window", arm(func(a *bench.Arm) { a.Window = 1 }), experiment.Load{Rate: 55_000, Burst: 1, Window: 1, Batch: 9, Size: 7, Commit: 3}},
		{"a window opens as a whole where its tool's does", arm(func(a *bench.Arm) { a.Whole = true }), experiment.Load{Rate: 55_000, Burst: 2, Window: 64, Whole: true, Batch: 9, Size: 7, Commit: 3}},
		{"windows are flooded", arm(func(a *bench.Arm) { a.Phase = bench.PhaseWindow }), experiment.Load{Rate: 1, Flood: true, Burst: 1, Window: 64, Batch: 9, Size: 7, Commit: 3}},
		{"so is what is not recorded", arm(func(a *bench.Arm) { a.Phase, a.Kind = bench.PhaseCost, bench.Unaudited }),
			experiment.Load{Rate: 1, Flood: true, Burst: 1, Window: 64, Batch: 9, Size: 7, Commit: 3, Record: experiment.NoEvents}},
		{"and what has no tokens", arm(func(a *bench.Arm) { a.Phase, a.Kind = bench.PhaseCost, bench.Bare }),
			experiment.Load{Rate: 1, Flood: true, Burst: 1, Window: 64, Batch: 9, Size: 7, Commit: 3, Record: experiment.NoTokens}},
	} {
		got, err := c.load(x.arm)
		got.Rate = float64(int64(got.Rate + 0.5))
		if err != nil || !cmp.Equal(got, x.want) {
			t.Errorf("%s: %v\n%s", x.claim, err, cmp.Diff(x.want, got))
		}
	}
}

func TestWhatAReplicateIsComparedBy(t *testing.T) {
	b := benchOf(t, experiment.BenchSpec{})
	c := b.begin("", BenchOptions{})
	end := run.ReplicateEnd{Bin: 500_000, From: 1, To: 3, Sent: []int64{9, 40, 40}, Acked: []int64{9, 30, 30}, Applied: []int64{9, 20, 20}, Clients: 1.5, Brokers: 2.5, Settled: true, Tool: "no figure"}
	for _, x := range []struct {
		claim string
		mode  string
		kind  bench.Kind
		late  bool
		want  float64
	}{
		{"what was applied", "jetstream", bench.Unaudited, false, 40},
		{"what was confirmed, while nobody consumes", "jetstream", bench.Bare, true, 60},
		{"what was sent, where nothing is confirmed either", "core", bench.Unaudited, true, 80},
	} {
		a := bench.Arm{Name: "a", Target: "nats", Mode: x.mode, Profile: "default", Kind: x.kind, PublishOnly: x.late}
		r := c.replicate(t.Context(), b.products[0], a, carried{run: "01234567", end: end})
		if r.Goodput != x.want || r.Sent != 80 || r.Acked != 60 || r.CPU != (bench.CPU{Clients: 1.5, Brokers: 2.5}) || !r.Settled || r.Failed != "" || r.Verdict.Result != "" {
			t.Errorf("%s: %+v, want %v", x.claim, r, x.want)
		}
	}
	a := bench.Arm{Name: "a", Target: "nats", Mode: "jetstream", Profile: "default", Kind: bench.Rival, PublishOnly: true}
	if r := c.replicate(t.Context(), b.products[0], a, carried{end: end}); r.Failed == "" || r.Goodput != 0 || r.Output != "no figure" {
		t.Errorf("a tool that printed no rate: %+v", r)
	}
	a.Kind = bench.Audited
	if r := c.replicate(t.Context(), b.products[0], a, carried{run: "none", end: end}); !strings.Contains(r.Failed, "could not be audited") {
		t.Errorf("without a history: %+v", r)
	}
}

func TestOnlyAReplicateThatSaysNothingElseIsRemoved(t *testing.T) {
	for _, x := range []struct {
		claim string
		r     bench.Replicate
		keep  bool
		left  bool
	}{
		{"kept", bench.Replicate{Verdict: bench.Verdict{Result: semantics.Kept}}, false, false},
		{"not audited", bench.Replicate{}, false, false},
		{"observed", bench.Replicate{Verdict: bench.Verdict{Result: semantics.Observed}}, false, false},
		{"broken", bench.Replicate{Verdict: bench.Verdict{Result: semantics.Broken}}, false, true},
		{"inconclusive", bench.Replicate{Verdict: bench.Verdict{Result: semantics.Inconclusive}}, false, true},
		{"failed", bench.Replicate{Failed: "no"}, false, true},
		{"kept on request", bench.Replicate{Verdict: bench.Verdict{Result: semantics.Kept}}, true, true},
	} {
		c := &benching{dir: bench.Dir(t.TempDir()), o: BenchOptions{Keep: x.keep}}
		x.r.Run = "01234567"
		if err := os.MkdirAll(c.dir.Run(x.r.Run), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := c.thin(x.r); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(c.dir.Run(x.r.Run)); (err == nil) != x.left {
			t.Errorf("%s: %v, want it left: %v", x.claim, err, x.left)
		}
	}
}
