package bench

import (
	"math"
	"slices"

	"waybill/results/latency"
)

// perRun are the quantiles that are also told of each run, and the fewest values that a run must have for it: some ten lie beyond.
var perRun = []struct {
	name   string
	at     float64
	values int64
}{{"p50", 0.5, 20}, {"p90", 0.9, 100}, {"p99", 0.99, 1000}, {"p999", 0.999, 10_000}}

// beyond is how many values must lie beyond a quantile of a merged histogram for it to be told.
const beyond = 10

// loads are the latencies of the modes at offered loads.
func (a *analysis) loads() (out []Load) {
	for _, arm := range a.arms(PhaseLatency, Audited) {
		rs := a.blocks(arm.Name)
		if len(rs) == 0 {
			continue
		}
		var offered []float64
		for _, r := range rs {
			offered = append(offered, r.Offered)
		}
		l := Load{Arm: arm, Offered: median(offered).Estimate, Goodput: median(a.rates(arm)), Stages: stages(rs), Struck: a.struck(arm.Name), Mark: a.marks[modeOf(arm)]}
		l.Hatched = a.hatched(l.Goodput.Estimate)
		out = append(out, l)
	}
	return out
}

// stages merges what each run says of a stage. Histograms that cannot be read are left out here; warnings name them.
func stages(rs []Replicate) (out []StageLatency) {
	type key struct {
		to        string
		corrected bool
	}
	var order []key
	failed, histograms := map[key]int64{}, map[key][]*latency.Histogram{}
	for _, r := range rs {
		for _, l := range r.Latency {
			h, err := latency.Parse(l.Histogram)
			if err != nil || h.N() == 0 {
				continue
			}
			k := key{l.To, l.Corrected}
			if histograms[k] == nil {
				order = append(order, k)
			}
			histograms[k] = append(histograms[k], h)
			failed[k] += l.Failed
		}
	}
	for _, k := range order {
		all := latency.New()
		s := StageLatency{To: k.to, Corrected: k.corrected, Failed: failed[k], PerRun: map[string]Interval{}}
		for _, h := range histograms[k] {
			all.Add(h)
		}
		for _, q := range perRun {
			if !slices.ContainsFunc(histograms[k], func(h *latency.Histogram) bool { return h.N() < q.values }) {
				s.PerRun[q.name] = median(eachQuantile(histograms[k], q.at))
			}
		}
		s.N, s.Merged = all.N(), quantiles(all)
		out = append(out, s)
	}
	return out
}

// quantiles are those that are drawn: evenly spaced on the axis of log 1/(1-q), and the usual ones among them, as far out as there are values
// to support them; at last the longest.
func quantiles(h *latency.Histogram) (out []Quantile) {
	add := func(at float64) { out = append(out, Quantile{At: at, Value: h.Quantile(at)}) }
	const perDecade = 8
	add(0)
	usual := []float64{0.25, 0.5, 0.75, 0.95}
	for k := 1; ; k++ {
		at := 1 - math.Pow(10, -float64(k)/perDecade)
		if k%perDecade == 0 {
			at = 1 - 1/math.Round(math.Pow(10, float64(k)/perDecade)) // 0.99, to the last bit
		}
		for len(usual) > 0 && usual[0] < at {
			if float64(h.N())*(1-usual[0]) >= beyond {
				add(usual[0])
			}
			usual = usual[1:]
		}
		if float64(h.N())*(1-at) < beyond*(1-1e-9) {
			break
		}
		add(at)
	}
	add(1)
	return out
}

// ends are the stages at which a message has arrived, the last one first.
var ends = []string{"visible", "applied", "delivered", "confirmed"}

// arrivals are each run's corrected times to the last stage that is observed, and which that is.
func arrivals(rs []Replicate) (hs []*latency.Histogram, to string) {
	for _, to := range ends {
		for _, r := range rs {
			for _, l := range r.Latency {
				if l.To != to || !l.Corrected {
					continue
				}
				if h, err := latency.Parse(l.Histogram); err == nil && h.N() > 0 {
					hs = append(hs, h)
				}
			}
		}
		if len(hs) > 0 {
			return hs, to
		}
	}
	return nil, ""
}

// eachQuantile is one quantile of each histogram.
func eachQuantile(hs []*latency.Histogram, at float64) (out []float64) {
	for _, h := range hs {
		out = append(out, float64(h.Quantile(at)))
	}
	return out
}
