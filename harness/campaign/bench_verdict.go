package campaign

import (
	"fmt"
	"slices"

	"waybill/harness/semantics"
	"waybill/results/bench"
)

// shownFindings is how many findings a replicate's line names: the run directory of one that broke a promise is kept, and has them all.
const shownFindings = 20

// audited is the verdict of a replicate's audit, in the words of a benchmark. A mode that promises nothing is observed.
func audited(v semantics.Verdict) bench.Verdict {
	out := bench.Verdict{Result: v.Result}
	judged := false
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			judged = judged || c.Result != semantics.Observed
			if c.Result == v.Result && c.Why != "" && out.Why == "" {
				out.Why = fmt.Sprintf("%s, %s: %s", c.Stage, c.Guarantee, c.Why)
			}
		}
	}
	for _, e := range v.Episodes {
		for lane, r := range e.Liveness {
			if r == v.Result && r != semantics.Kept && out.Why == "" {
				out.Why = e.LiveWhy[lane]
			}
			judged = judged || r == semantics.Broken || r == semantics.Inconclusive
		}
	}
	if !judged {
		out.Result, out.Why = semantics.Observed, "nothing is promised"
	}
	if v.CutShort != "" {
		out.Why = "cut short: " + v.CutShort
	}
	for _, f := range v.Findings {
		if f.Breaks && len(out.Findings) < shownFindings {
			out.Findings = append(out.Findings, fmt.Sprintf("%s (%d)", f.Anomaly, f.Count))
		}
	}
	return out
}

// counts are the totals of a replicate's one lane.
func counts(v semantics.Verdict) (c bench.Counts) {
	for _, l := range v.Lanes {
		g := l.Ledger
		c.Sent += g.Sent
		c.Acked += g.Acked
		c.Unknown += g.Unknown
		c.Applied += g.Applied
		c.Lost += g.Lost.Sum()
		c.Missing += g.Missing
		c.Duplicates += g.AppliedTwice
	}
	return c
}

// worst is the result of several replicates that counts.
func worst(rs []bench.Replicate) semantics.Result {
	rank := []semantics.Result{"", semantics.Observed, semantics.Kept, semantics.Inconclusive, semantics.Broken}
	n := 0
	for _, r := range rs {
		n = max(n, slices.Index(rank, r.Verdict.Result))
	}
	return rank[n]
}
