package bench

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"waybill/results/stat"
)

// Edition is one of two benchmarks that are compared.
type Edition struct {
	Plan       Plan
	Replicates []Replicate
	Facts      map[string]string // what else is known and may have changed, by name: "machine", "kernel", "waybill"
}

// Comparison is a benchmark held against an earlier one.
type Comparison struct {
	Started  time.Time `json:"started"`  // the first run of the new one
	Baseline time.Time `json:"baseline"` // and of the other
	Changes  []Change  `json:"changes"`  // what is not the same in both
	Against  []Against `json:"against"`
	Warnings []Warning `json:"warnings"`
}

// Change is something that differs between two benchmarks.
type Change struct {
	What    string `json:"what"` // "kafka: version", "nats/jetstream: window"
	Was     string `json:"was"`  // "": the baseline has none
	Is      string `json:"is"`
	Matters bool   `json:"matters"` // it may move figures by itself
}

// Against is one figure of an arm that both benchmarks have. Its Ratio is new / baseline and has no pairs: the runs of two benchmarks, made at
// different times, have none. It is Hodges and Lehmann's shift of the logarithms, with the interval of Mann and Whitney's test; its N counts the
// runs of both.
type Against struct {
	Ratio
	Figure   string   `json:"figure"`   // "goodput", "p99 to applied": of goodput more is better, of times less
	New      Interval `json:"new"`      // the median
	Baseline Interval `json:"baseline"` // of each
	Unlike   string   `json:"unlike,omitempty"`
}

const goodput = "goodput"

// sameLoad is the largest difference of two offered loads at which latencies are still compared.
const sameLoad = 0.02

// Compare holds a benchmark against an earlier one: the audited arms that both have, by name. A ratio Claims a difference if its interval excludes
// 1 by more than both benchmarks' own noise, and Holm's correction is made within a target and figure. What the machine did in between is in
// every ratio, and nothing in the figures can take it out: see Warnings.
func Compare(now, before Edition) Comparison {
	a, b := newAnalysis(now.Plan, now.Replicates, nil, nil), newAnalysis(before.Plan, before.Replicates, nil, nil)
	c := Comparison{Started: started(now.Replicates), Baseline: started(before.Replicates), Changes: changes(now, before)}
	for _, t := range now.Plan.Targets {
		var of []Against
		for _, arm := range now.Plan.Arms {
			was, both := b.arm(arm.Name)
			if !both || arm.Target != t.Name || arm.Kind != Audited {
				continue
			}
			of = append(of, against(a, b, arm, was)...)
		}
		c.Against = append(c.Against, claimed(of, max(smallestOf(a.noise(), t.Name), smallestOf(b.noise(), t.Name)))...)
	}
	c.Warnings = c.warn()
	return c
}

func started(rs []Replicate) (first time.Time) {
	for _, r := range rs {
		if first.IsZero() || r.Started.Before(first) {
			first = r.Started
		}
	}
	return first
}

// claimed corrects the probabilities of the ratios of each figure and says which of them may be spoken of.
func claimed(of []Against, smallest float64) []Against {
	by := map[string][]int{}
	for i, x := range of {
		by[x.Figure] = append(by[x.Figure], i)
	}
	for _, at := range by {
		ps := make([]float64, len(at))
		for i, j := range at {
			ps[i] = of[j].P
		}
		for i, p := range stat.Holm(ps) {
			of[at[i]].P = p
		}
	}
	for i := range of {
		of[i].Claims = of[i].Unlike == "" && of[i].claims(smallest)
		if !math.IsInf(smallest, 1) {
			of[i].Noise = smallest
		}
	}
	return of
}

// against compares the figures of one arm: throughput where as much as possible was sent, and times where a load was offered.
func against(now, before *analysis, arm, was Arm) (out []Against) {
	struck := now.struck(arm.Name) || before.struck(was.Name)
	add := func(figure, unlike string, xs, ys []float64) {
		logs := func(values []float64) (out []float64) {
			for _, v := range values {
				if v > 0 {
					out = append(out, math.Log(v))
				}
			}
			return out
		}
		e := stat.Shift(logs(xs), logs(ys), confidence)
		if e.N == 0 || len(xs) == 0 || len(ys) == 0 {
			return
		}
		x := Against{Figure: figure, New: median(xs), Baseline: median(ys), Unlike: unlike}
		x.Ratio = Ratio{About: OfSearch, Name: arm.Name + ": new / baseline", Over: arm.Name, Under: was.Name, Ratio: interval(e.Ratios()), P: e.P, Struck: struck}
		out = append(out, x)
	}
	if arm.Phase != PhaseLatency {
		add(goodput, "", now.rates(arm), before.rates(was))
		return out
	}
	is, had := offered(now.blocks(arm.Name)), offered(before.blocks(was.Name))
	unlike := ""
	if had > 0 && math.Abs(is/had-1) > sameLoad {
		unlike = fmt.Sprintf("the offered loads differ: %.0f messages a second, and %.0f in the baseline", is, had)
	}
	x, to := arrivals(now.blocks(arm.Name))
	y, other := arrivals(before.blocks(was.Name))
	if to == other {
		add("p99 to "+to, unlike, eachQuantile(x, 0.99), eachQuantile(y, 0.99))
	}
	return out
}

func offered(rs []Replicate) float64 {
	var values []float64
	for _, r := range rs {
		values = append(values, r.Offered)
	}
	return median(values).Estimate
}

// Regressions are the figures that are worse than the baseline's by more than a share of them, limit, for certain: the whole interval of the ratio
// lies beyond. A figure without an interval, of a run whose promise broke, or of another load, is never one of them.
func (c Comparison) Regressions(limit float64) (out []Against) {
	for _, x := range c.Against {
		if x.Struck || x.Unlike != "" || !x.Ratio.Ratio.Enough {
			continue
		}
		if x.Figure == goodput && x.Ratio.Ratio.High < 1-limit || x.Figure != goodput && x.Ratio.Ratio.Low > 1+limit {
			out = append(out, x)
		}
	}
	return out
}

// Regression reports whether any figure is worse than the baseline's by more than limit, for certain.
func (c Comparison) Regression(limit float64) bool { return len(c.Regressions(limit)) > 0 }

// warn says what the ratios cannot tell.
func (c Comparison) warn() []Warning {
	var w warned
	w.add("The two benchmarks were run at different times, %s apart: their runs are not paired, and whatever else changed on the machine in between, neighbours on its processors "+
		"and disks included, is in every ratio. What is to be known for certain takes both in the blocks of one benchmark.", c.Started.Sub(c.Baseline).Abs().Round(time.Minute))
	without := 0
	for _, x := range c.Against {
		if !x.Ratio.Ratio.Enough {
			without++
		}
	}
	switch {
	case len(c.Against) == 0:
		w.grave("The two benchmarks have no arm in common: nothing can be compared.")
	case without > 0:
		w.grave("%d of %d figures have too few runs for an interval, and no change of them can be called, nor a regression: four runs of each benchmark are the least.", without, len(c.Against))
	}
	for _, x := range c.Changes {
		if x.Matters {
			w.add("%s changed from %s to %s, which may be what a ratio shows.", x.What, orNone(x.Was), orNone(x.Is))
		}
	}
	for _, x := range c.Against {
		if x.Unlike != "" {
			w.add("%s, %s: not compared, since %s.", x.Over, x.Figure, x.Unlike)
		}
	}
	slices.SortStableFunc(w, graveFirst)
	return w
}

func orNone(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}

// changes lists what differs: targets, then arms, then the plan, then other facts.
func changes(now, before Edition) (out []Change) {
	add := func(what string, was, is any, matters bool) {
		if x, y := text(was), text(is); x != y {
			out = append(out, Change{What: what, Was: x, Is: y, Matters: matters})
		}
	}
	old := map[string]Target{}
	for _, t := range before.Plan.Targets {
		old[t.Name] = t
	}
	for _, t := range now.Plan.Targets {
		was, both := old[t.Name]
		if !both {
			continue
		}
		add(t.Name+": version", was.Version, t.Version, true)
		add(t.Name+": nodes", was.Nodes, t.Nodes, true)
		add(t.Name+": its own tool", was.Tool, t.Tool, false)
	}
	arms := map[string]Arm{}
	for _, a := range before.Plan.Arms {
		arms[a.Name] = a
	}
	for _, a := range now.Plan.Arms {
		was, both := arms[a.Name]
		if !both {
			add(a.Name, "", "only in the new benchmark", false)
			continue
		}
		delete(arms, a.Name)
		add(a.Name+": profile", was.Profile, a.Profile, true)
		for _, p := range parameters {
			add(a.Name+": "+p.name, p.of(was), p.of(a), true)
		}
		add(a.Name+": size", was.Size, a.Size, true)
		add(a.Name+": producers", was.Producers, a.Producers, true)
		add(a.Name+": consumers", was.Consumers, a.Consumers, true)
		add(a.Name+": share", was.Share, a.Share, true)
	}
	for _, name := range slices.Sorted(maps.Keys(arms)) {
		add(name, "only in the baseline", "", false)
	}
	add("blocks", before.Plan.Blocks, now.Plan.Blocks, false)
	add("seed", before.Plan.Seed, now.Plan.Seed, false)
	add("measured for", before.Plan.Measure, now.Plan.Measure, true)
	add("longest warm-up", before.Plan.Warm, now.Plan.Warm, true)
	facts := maps.Clone(before.Facts)
	if facts == nil {
		facts = map[string]string{}
	}
	maps.Copy(facts, now.Facts)
	for _, name := range slices.Sorted(maps.Keys(facts)) {
		add(name, before.Facts[name], now.Facts[name], true)
	}
	return out
}

func text(v any) string { return fmt.Sprint(v) }
