package plot

import (
	"waybill/harness/semantics"
	"waybill/results/bench"
)

// Of are the figures of a benchmark, in the order of a page: those that have something to show. Tests under faults given beside it add their
// matrix.
func Of(s bench.Summary, rs []bench.Replicate, tested []bench.Tested) []Figure {
	var fs []Figure
	add := func(f Figure, ok bool) {
		if ok {
			fs = append(fs, f)
		}
	}
	add(Cost(s))
	add(Against(s))
	for _, t := range s.Plan.Targets {
		add(Pareto(s, t))
		add(Saturation(s, t))
		add(ByQuantile(s, t))
		add(OverTime(s, rs, t))
	}
	var vs []semantics.Verdict
	for _, t := range tested {
		vs = append(vs, t.Verdict)
	}
	add(Faults(vs))
	add(HarnessCost(s))
	return fs
}
