package bench

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/latency"
	"waybill/results/stat"
)

const (
	intervalRuns = 6     // fewer give no interval of a median, and none of pairs
	all          = 0.97  // of the offered load goes through where it is not more than does
	reached      = 0.98  // of the offered load must be sent, or it was not that load
	lateMost     = 1_000 // microseconds by which one send in a hundred may be late
)

// warnings are what a reader must know before the figures: grave ones first, then in the order of the plan.
func (a *analysis) warnings(s Summary) []Warning {
	var w warned
	a.warnAgain(&w, s)
	a.warnFailed(&w)
	a.warnBlocks(&w)
	a.warnStruck(&w)
	a.warnWarmUp(&w)
	a.warnCapped(&w)
	a.warnLoads(&w)
	a.warnVersions(&w)
	a.warnTrouble(&w)
	a.warnHarness(&w, s)
	for _, n := range a.plan.Notes {
		w.add("%s.", n)
	}
	slices.SortStableFunc(w, graveFirst)
	return w
}

// graveFirst orders warnings.
func graveFirst(x, y Warning) int {
	switch {
	case x.Grave && !y.Grave:
		return -1
	case y.Grave && !x.Grave:
		return 1
	}
	return 0
}

type warned []Warning

func (w *warned) grave(format string, args ...any) {
	*w = append(*w, Warning{Grave: true, Text: fmt.Sprintf(format, args...)})
}

func (w *warned) add(format string, args ...any) {
	*w = append(*w, Warning{Text: fmt.Sprintf(format, args...)})
}

// warnAgain says where the benchmark told an arm from itself, and where it was not asked.
func (a *analysis) warnAgain(w *warned, s Summary) {
	pairs := 0
	for _, n := range s.Smallest {
		pairs += n.Pairs
	}
	for _, r := range s.Ratios {
		if r.About == OfItself && r.Ratio.Excludes(1) {
			w.grave("%s and %s are the same under two names, and their ratio's interval misses 1: %s. Either the machine changed between the runs of a block, or this is "+
				"the one in twenty that misses by chance (of %d such pairs up to %d would): differences below %.1f %% say nothing here.",
				r.Over, r.Under, r.Ratio.ratio(), pairs, stat.AtMost(pairs, 1-confidence, confidence), 100*r.Noise)
		}
	}
	for _, n := range s.Smallest {
		if !n.Enough && a.compares(n.Target) {
			w.grave("%s: too few runs of the same arm under two names for an interval (%s), so it is not known which differences are noise: no difference may be claimed.",
				n.Target, count(n.Pairs, "such pair"))
		}
	}
}

// compares reports whether arms of a target were run that could be compared.
func (a *analysis) compares(target string) bool {
	n := 0
	for _, arm := range a.plan.Arms {
		if arm.Target == target && len(a.runs[arm.Name]) > 0 {
			n++
		}
	}
	return n > 1
}

// ratio is the estimate with its interval and number, as every difference is told.
func (i Interval) ratio() string {
	if !i.Enough {
		return fmt.Sprintf("%.3f, no interval (n=%d)", i.Estimate, i.N)
	}
	return fmt.Sprintf("%.3f [%.3f, %.3f] (n=%d)", i.Estimate, i.Low, i.High, i.N)
}

// warnBlocks says which arms were run less often than planned, and whether that is enough for intervals.
func (a *analysis) warnBlocks(w *warned) {
	if a.plan.Blocks < intervalRuns {
		w.grave("%s of each arm: too few for an interval, which takes %d. What is shown in its place is the smallest and the largest value, and no difference may be claimed.",
			count(a.plan.Blocks, "run"), intervalRuns)
	}
	var fewer, few []string
	least := a.plan.Blocks
	for _, arm := range a.plan.Arms {
		if arm.Phase == PhaseCeiling {
			continue
		}
		n := len(a.runs[arm.Name])
		least = min(least, n)
		if n < a.plan.Blocks {
			fewer = append(fewer, arm.Name)
		}
		if n < intervalRuns && a.plan.Blocks >= intervalRuns {
			few = append(few, arm.Name)
		}
	}
	if len(fewer) > 0 {
		w.add("%d of %d arms were run in fewer than the %d blocks that were asked for, down to %d: %s.", len(fewer), len(a.plan.Arms), a.plan.Blocks, least, some(fewer))
	}
	if len(few) > 0 {
		w.grave("The benchmark is not complete: %s run fewer than %d times, which is too few for an interval: %s.", were(len(few), "arm"), intervalRuns, some(few))
	}
}

// warnFailed says which replicates measured nothing, and why.
func (a *analysis) warnFailed(w *warned) {
	runs := map[string][]string{}
	var reasons []string
	for _, r := range a.failed {
		if runs[r.Failed] == nil {
			reasons = append(reasons, r.Failed)
		}
		runs[r.Failed] = append(runs[r.Failed], fmt.Sprintf("%s in block %d", r.Arm, r.Block))
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		slices.Sort(runs[why])
		w.add("%s could not be measured (%s): %s.", count(len(runs[why]), "run"), why, some(runs[why]))
	}
}

// warnStruck says which runs broke a promise or could not be judged.
func (a *analysis) warnStruck(w *warned) {
	inconclusive := map[string][]string{}
	var reasons []string
	for _, arm := range a.plan.Arms {
		for _, r := range a.blocks(arm.Name) {
			switch r.Verdict.Result {
			case semantics.Broken:
				w.grave("%s broke its promise in block %d (run %s: %s): its figures are struck out.", arm.Name, r.Block, r.Run, reason(r.Verdict))
			case semantics.Inconclusive:
				why := reason(r.Verdict)
				if inconclusive[why] == nil {
					reasons = append(reasons, why)
				}
				inconclusive[why] = append(inconclusive[why], fmt.Sprintf("%s in block %d", arm.Name, r.Block))
			}
		}
	}
	for _, why := range reasons {
		runs := inconclusive[why]
		w.add("Of %s it is not known whether the promise held (%s): %s.", count(len(runs), "run"), why, some(runs))
	}
}

func reason(v Verdict) string {
	if v.Why != "" {
		return v.Why
	}
	if len(v.Findings) > 0 {
		return v.Findings[0]
	}
	return "no reason given"
}

// warnWarmUp says which runs were measured although they had not settled.
func (a *analysis) warnWarmUp(w *warned) {
	var runs []string
	for _, arm := range a.plan.Arms {
		if arm.Kind == Rival || arm.Turns != "" {
			continue // a tool's series is not seen; and what takes turns is compared only with what was as warm
		}
		for _, r := range a.blocks(arm.Name) {
			if !r.Settled {
				runs = append(runs, fmt.Sprintf("%s in block %d", arm.Name, r.Block))
			}
		}
	}
	if len(runs) > 0 {
		w.add("%s measured although the rate had not settled within the longest warm-up of %s: %s.", were(len(runs), "run"), a.plan.Warm, some(runs))
	}
}

// warnCapped says whose throughput may be more than is shown, since all that was offered went through.
func (a *analysis) warnCapped(w *warned) {
	for _, arm := range a.arms(PhaseSaturation, Audited) {
		n, capped := 0, 0
		for _, r := range a.blocks(arm.Name) {
			if r.Offered == 0 {
				continue
			}
			n++
			if r.Goodput >= all*r.Offered {
				capped++
			}
		}
		if 2*capped > n {
			w.add("%s: all that was offered went through in %d of %d runs, so that it may sustain more than is shown.", arm.Name, capped, n)
		}
	}
}

// warnLoads says which offered loads were not what they were to be.
func (a *analysis) warnLoads(w *warned) {
	var waits []string
	shortest, longest := math.Inf(1), 0.0
	for _, arm := range a.arms(PhaseLatency, Audited) {
		var shares, late []float64
		for _, r := range a.blocks(arm.Name) {
			if r.Offered > 0 {
				shares = append(shares, r.Sent/r.Offered)
			}
			if p99, ok := r.Late["p99"]; ok {
				late = append(late, float64(p99))
			}
		}
		if s := median(shares); s.N > 0 && s.Estimate < reached {
			w.add("%s: the load was not reached: %.1f %% of it was sent (median of %s). Corrected latencies count the wait, uncorrected ones do not.", arm.Name, 100*s.Estimate, count(s.N, "run"))
		}
		if l := median(late); l.N > 0 && l.Estimate > lateMost {
			waits = append(waits, arm.Name)
			shortest, longest = min(shortest, l.Estimate/1000), max(longest, l.Estimate/1000)
		}
	}
	if len(waits) > 0 {
		w.add("Of %s one send in a hundred left late, by %.1f ms or more of its intended instant at the least and %.1f ms at the most (medians over runs): there the difference of "+
			"corrected and uncorrected latencies is partly the harness's own. They are %s.", count(len(waits), "load"), shortest, longest, some(waits))
	}
}

// warnVersions says which tests were of other versions, and so stand for nothing here.
func (a *analysis) warnVersions(w *warned) {
	for _, t := range a.other {
		target, _ := a.target(t.Target)
		w.add("The test in %s was of %s %s and this benchmark is of %s: its verdict is not counted.", t.Dir, t.Target, t.Version, target.Version)
	}
}

// warnTrouble gathers what was noted of single runs, the same of several together.
func (a *analysis) warnTrouble(w *warned) {
	runs := map[string][]string{}
	var texts []string
	for _, arm := range a.plan.Arms {
		for _, r := range a.blocks(arm.Name) {
			for _, text := range r.Trouble {
				if runs[text] == nil {
					texts = append(texts, text)
				}
				runs[text] = append(runs[text], fmt.Sprintf("%s in block %d", arm.Name, r.Block))
			}
			for _, l := range r.Latency {
				if _, err := latency.Parse(l.Histogram); err != nil {
					w.add("%s, block %d: the histogram of times to %s cannot be read and is left out.", arm.Name, r.Block, l.To)
				}
			}
		}
	}
	for _, text := range texts {
		w.add("%s: %s (%s).", count(len(runs[text]), "run"), text, some(runs[text]))
	}
}

// warnHarness says where the harness itself may be what is measured.
func (a *analysis) warnHarness(w *warned, s Summary) {
	if s.Ceiling == nil && len(s.Levels) > 0 {
		w.add("The harness's own ceiling was not measured: nothing is hatched, and the harness may be what limits the fastest modes.")
	}
	for _, r := range s.Ratios {
		if r.Goal != nil && !r.Goal.Met && r.Ratio.Enough && !r.Struck {
			w.add("%s: the harness does not reach its goal, %s: %s.", r.Name, r.Goal, r.Ratio.ratio())
		}
	}
}

// some names the first few of a list.
func some(names []string) string {
	const most = 4
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func count(n int, what string) string {
	switch n {
	case 0:
		return "no " + what
	case 1:
		return "one " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func were(n int, what string) string {
	if n == 1 {
		return count(n, what) + " was"
	}
	return count(n, what) + " were"
}
