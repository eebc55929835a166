package bench_test

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/workloads/ceiling"
)

// A measurer is where figures come from: of one run of an arm, in messages a second, when its messages take times as long as those of the others.
type measurer func(t *testing.T, name string, block int, times float64) float64

// nullBench makes benchmarks whose arms differ in nothing but what is planted.
type nullBench struct {
	seed    uint64
	blocks  int
	times   float64 // that a message takes in the arm null/slowed; 1 in the others
	measure measurer
}

// plan has two modes that are the same, each under two names, and one that may be slowed.
func (n nullBench) plan() bench.Plan {
	p := bench.Plan{Schema: bench.Schema, Seed: n.seed, Blocks: n.blocks, Targets: []bench.Target{{Name: "null"}}}
	for _, mode := range []string{"plain", "same", "slowed"} {
		p.Targets[0].Modes = append(p.Targets[0].Modes, semantics.Mode{Name: mode})
		arm := bench.Arm{Name: "null/" + mode, Phase: bench.PhaseSaturation, Kind: bench.Audited, Target: "null", Mode: mode, Window: ceiling.DefaultWindow}
		p.Arms = append(p.Arms, arm)
		if mode != "slowed" {
			arm.Name, arm.Kind, arm.Of = arm.Name+" again", bench.Again, arm.Name
			p.Arms = append(p.Arms, arm)
		}
	}
	rng := rand.New(rand.NewPCG(n.seed, 0))
	for range n.blocks {
		var order []string
		for _, i := range rng.Perm(len(p.Arms)) {
			order = append(order, p.Arms[i].Name)
		}
		p.Order = append(p.Order, order)
	}
	return p
}

// run carries the plan out.
func (n nullBench) run(t *testing.T) bench.Summary {
	t.Helper()
	p := n.plan()
	var rs []bench.Replicate
	for b, order := range p.Order {
		for place, name := range order {
			times := 1.0
			if name == "null/slowed" {
				times = n.times
			}
			rs = append(rs, bench.Replicate{Arm: name, Block: b + 1, Place: place + 1, Goodput: n.measure(t, name, b, times), Settled: true})
		}
	}
	return bench.Analyze(p, rs, nil, nil)
}

// madeUp are figures with noise as runs have it: a part that a block shares, one of each run, and now and then a run that is disturbed.
func madeUp(seed uint64) measurer {
	rng := rand.New(rand.NewPCG(seed, 0))
	day, last := 1.0, -1
	return func(_ *testing.T, _ string, block int, times float64) float64 {
		if block != last {
			day, last = math.Exp(0.1*rng.NormFloat64()), block
		}
		noise := 0.03 * rng.NormFloat64()
		if rng.IntN(20) == 0 {
			noise -= 0.2 * rng.Float64()
		}
		return 500_000 * day * math.Exp(noise) / times
	}
}

// onNothing are figures of real runs on a broker of nothing: messages for each second of processor time, which a machine that is busy with other
// things disturbs less than the seconds of a clock. What a message takes is told first, in nanoseconds.
func onNothing(perMessage float64) measurer {
	const warm, length = 50 * time.Millisecond, 200 * time.Millisecond
	return func(t *testing.T, name string, block int, times float64) float64 {
		t.Helper()
		dir := filepath.Join(t.TempDir(), "run")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		r, err := ceiling.Run(t.Context(), ceiling.Config{Dir: dir, Run: "nullnull", Seed: uint64(block), Batched: true, Warm: warm, Measure: length, Bin: length / 10,
			Slow: time.Duration((times - 1) * perMessage)})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		return r.PerCore()
	}
}

// ratio is the one of an arm and another.
func ratio(t *testing.T, s bench.Summary, over, under string) bench.Ratio {
	t.Helper()
	i := slices.IndexFunc(s.Ratios, func(r bench.Ratio) bool { return r.Over == over && r.Under == under })
	if i < 0 {
		t.Fatalf("no ratio of %s and %s in %+v", over, under, s.Ratios)
	}
	return s.Ratios[i]
}

// What is claimed is there, and what is there is claimed: of 40 A/A pairs of ten blocks at least 90 % of the intervals contain 1; a slowdown of three
// times the smallest difference that may be claimed is called in at least 17 of 20 repeats; and none is called in at least 17 of 20 where there is
// none. By default of made-up figures; with WAYBILL_VERIFY=1, which takes some minutes, of runs on the null target.
func TestPlantedSlowdownsAreCalledAndNoOthers(t *testing.T) {
	n := nullBench{blocks: 10, times: 1, measure: madeUp(11)}
	if os.Getenv("WAYBILL_VERIFY") != "" {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // as every worker has it
		var rates []float64
		for i := range 10 {
			rates = append(rates, onNothing(0)(t, "null/plain", i, 1))
		}
		slices.Sort(rates)
		n.measure = onNothing(1e9 / rates[5])
	}
	const repeats = 20
	var smallest []float64
	for i := range uint64(3) {
		n.seed = 100 + i
		smallest = append(smallest, n.run(t).Smallest[0].Smallest)
	}
	slices.Sort(smallest)
	least := smallest[1]
	if 3*least > 0.9 {
		t.Fatalf("the machine is too busy: arms that are the same differ by %.0f %%, and no throughput can be lower by three times that", 100*least)
	}
	n.times = 1 / (1 - 3*least)
	t.Logf("the smallest difference that may be claimed, median of three: %.2f %%; planted: a throughput lower by %.2f %%", 100*least, 300*least)
	contain, pairs, called, quiet := 0, 0, 0, 0
	for i := range uint64(repeats) {
		n.seed = 1 + i
		s := n.run(t)
		for _, mode := range []string{"null/plain", "null/same"} {
			pairs++
			if !ratio(t, s, mode+" again", mode).Ratio.Excludes(1) {
				contain++
			}
		}
		slowed, same := ratio(t, s, "null/slowed", "null/plain"), ratio(t, s, "null/same", "null/plain")
		if slowed.Claims && slowed.Ratio.High < 1 {
			called++
		}
		if !same.Claims {
			quiet++
		}
		t.Logf("%2d: slowed %.3f [%.3f, %.3f] called %v; same %.3f [%.3f, %.3f] called %v; smallest %.2f %%", i+1, slowed.Ratio.Estimate, slowed.Ratio.Low, slowed.Ratio.High, slowed.Claims,
			same.Ratio.Estimate, same.Ratio.Low, same.Ratio.High, same.Claims, 100*s.Smallest[0].Smallest)
	}
	t.Logf("A/A: %d of %d intervals contain 1", contain, pairs)
	t.Logf("a slowdown of three times the smallest claimable difference, %.2f %%: called in %d of %d", 300*least, called, repeats)
	t.Logf("no slowdown: none called in %d of %d", quiet, repeats)
	if need := int(math.Ceil(0.9 * float64(pairs))); contain < need {
		t.Errorf("%d of %d A/A intervals contain 1, at least %d must", contain, pairs, need)
	}
	if called < 17 {
		t.Errorf("a slowdown is called in %d of %d repeats, at least 17 must be", called, repeats)
	}
	if quiet < 17 {
		t.Errorf("without a slowdown none is called in %d of %d repeats, at least 17 must be", quiet, repeats)
	}
}
