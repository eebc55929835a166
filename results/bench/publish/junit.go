package publish

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/junit"
)

// Against is a comparison with an earlier benchmark, and by how much less than there a figure is too little: 0.1 for a tenth; 0 if nothing is
// to fail by it.
type Against struct {
	bench.Comparison
	Limit float64
}

// JUnit writes a benchmark for machines that collect test results: a suite a target, with a case for each mode's verdict and each A/A pair; and
// one for what is compared with an earlier benchmark, if c is not nil. A broken promise and a certain regression are failures; what could not
// be judged, or has too few runs to be, is an error.
func JUnit(w io.Writer, s bench.Summary, rs []bench.Replicate, c *Against) error {
	all := junit.Suites{Name: "waybill bench"}
	for _, t := range s.Plan.Targets {
		all.Add(targetSuite(s, rs, t))
	}
	if c != nil && c.Limit > 0 {
		all.Add(regressionSuite(*c))
	}
	return all.Write(w)
}

func targetSuite(s bench.Summary, rs []bench.Replicate, t bench.Target) junit.Suite {
	class := "waybill.bench." + part(t.Name)
	x := junit.Suite{Name: class, Time: "0", Properties: junit.Pairs("version", line(t.Version), "seed", fmt.Sprint(s.Plan.Seed), "blocks", fmt.Sprint(s.Plan.Blocks))}
	arms := map[string]bench.Arm{}
	for _, a := range s.Plan.Arms {
		if a.Target == t.Name {
			arms[a.Name] = a
		}
	}
	for _, m := range t.Modes {
		var of []bench.Replicate
		for _, r := range rs {
			if a, ok := arms[r.Arm]; ok && a.Mode == m.Name && r.Block > 0 && (a.Kind == bench.Audited || a.Kind == bench.Again) {
				of = append(of, r)
			}
		}
		result, why, text := verdict(of)
		x.Add(junit.Case{Class: class, Name: line(m.Name) + ": promise kept under load", Time: seconds(time.Duration(len(of)) * s.Plan.Measure)}.Judged(result, why, text))
	}
	for _, r := range s.Ratios {
		if _, ours := arms[r.Over]; !ours || r.About != bench.OfItself {
			continue
		}
		result, why := semantics.Kept, line("the ratio is "+interval(r.Ratio))
		switch {
		case !r.Ratio.Enough:
			result, why = semantics.Inconclusive, line("too few runs for an interval: the ratio is "+interval(r.Ratio))
		case r.Ratio.Excludes(1):
			result, why = semantics.Broken, line("the interval misses 1, although both are the same: the ratio is "+interval(r.Ratio))
		}
		x.Add(junit.Case{Class: class, Name: "A/A: " + line(r.Name), Time: "0"}.Judged(result, why, why))
	}
	return x
}

// verdict is the worst of several replicates. Where none was judged there is none.
func verdict(rs []bench.Replicate) (result semantics.Result, why, text string) {
	order := []semantics.Result{semantics.Observed, semantics.Kept, semantics.Inconclusive, semantics.Broken}
	worst, failed := -1, 0
	var lines []string
	for _, r := range rs {
		if r.Failed != "" {
			failed++
			lines = append(lines, line(fmt.Sprintf("%s, block %d failed: %s", r.Arm, r.Block, r.Failed)))
			continue
		}
		at := slices.Index(order, r.Verdict.Result)
		if at < 0 {
			at = slices.Index(order, semantics.Inconclusive)
		}
		if at > worst {
			worst, why = at, line(fmt.Sprintf("%s, block %d: %s", r.Arm, r.Block, reason(r.Verdict)))
		}
		if r.Verdict.Result != semantics.Kept && r.Verdict.Result != semantics.Observed {
			lines = append(lines, line(fmt.Sprintf("%s, block %d, run %s: %s: %s", r.Arm, r.Block, r.Run, r.Verdict.Result, strings.Join(append([]string{reason(r.Verdict)}, r.Verdict.Findings...), "; "))))
		}
	}
	switch {
	case worst < 0:
		return semantics.Inconclusive, "no replicate was judged", strings.Join(lines, "\n")
	case failed > 0 && order[worst] != semantics.Broken:
		return semantics.Inconclusive, fmt.Sprintf("%d of %d replicates failed", failed, len(rs)), strings.Join(lines, "\n")
	case order[worst] == semantics.Kept:
		return semantics.Kept, "", fmt.Sprintf("%d replicates, every promise kept", len(rs))
	}
	return order[worst], why, strings.Join(lines, "\n")
}

func reason(v bench.Verdict) string {
	if w := why(v); w != "" {
		return w
	}
	return "no reason was given"
}

func regressionSuite(c Against) junit.Suite {
	class := "waybill.bench.regression"
	x := junit.Suite{Name: class, Time: "0", Properties: junit.Pairs("limit", percent(c.Limit), "baseline", c.Baseline.UTC().Format(time.RFC3339))}
	regressed := c.Regressions(c.Limit)
	for _, a := range c.Comparison.Against {
		result, why := semantics.Kept, line("new / baseline is "+interval(a.Ratio.Ratio))
		is := func(r bench.Against) bool { return r.Over == a.Over && r.Figure == a.Figure }
		switch {
		case a.Struck:
			result, why = semantics.Inconclusive, "a promise was broken in one of the two: its figures do not count"
		case a.Unlike != "":
			result, why = semantics.Inconclusive, line(a.Unlike)
		case slices.ContainsFunc(regressed, is):
			result, why = semantics.Broken, line(fmt.Sprintf("worse by more than %s for certain: new / baseline is %s", percent(c.Limit), interval(a.Ratio.Ratio)))
		case !a.Ratio.Ratio.Enough:
			result, why = semantics.Inconclusive, line("too few runs for an interval: new / baseline is "+interval(a.Ratio.Ratio))
		}
		x.Add(junit.Case{Class: class, Name: line(a.Over) + ": " + line(a.Figure), Time: "0"}.Judged(result, why, why))
	}
	if len(c.Comparison.Against) == 0 {
		x.Add(junit.Case{Class: class, Name: "comparison", Time: "0"}.Judged(semantics.Inconclusive, "the two benchmarks have no arm in common", ""))
	}
	return x
}

// interval is an estimate as every difference is told: with what it may be, and of how many.
func interval(i bench.Interval) string {
	if !i.Enough {
		return fmt.Sprintf("%s, no interval (n=%d)", three(i.Estimate), i.N)
	}
	return fmt.Sprintf("%s [%s, %s] (n=%d)", three(i.Estimate), three(i.Low), three(i.High), i.N)
}

// three writes a ratio with three decimals, or three digits where that is more.
func three(x float64) string {
	if x >= 0.1 || x <= 0 {
		return strconv.FormatFloat(x, 'f', 3, 64)
	}
	return strconv.FormatFloat(x, 'g', 3, 64)
}

func percent(share float64) string { return number(100*share) + " %" }

func seconds(d time.Duration) string { return fmt.Sprintf("%.3f", d.Seconds()) }
