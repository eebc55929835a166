package plot

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"waybill/results/bench"
	"waybill/results/bench/benchtest"
)

// TestFiguresForTheEye writes every figure of the samples to a folder, to be looked at.
func TestFiguresForTheEye(t *testing.T) {
	dir := os.Getenv("WAYBILL_PLOT_DIR")
	if dir == "" {
		t.Skip("writes pictures to WAYBILL_PLOT_DIR, which is not set")
	}
	for name, fs := range sampleFigures() {
		for _, f := range fs {
			t.Run(name+"-"+f.Name, func(t *testing.T) {
				for _, theme := range Themes() {
					for _, w := range []int{Phone, Page, Wide} {
						b, err := f.PNG(theme, w)
						if err != nil {
							t.Fatal(err)
						}
						if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%s-%s-%d.png", name, f.Name, theme, w)), b, 0o644); err != nil {
							t.Fatal(err)
						}
					}
				}
			})
		}
	}
}

// sampleFigures are the figures of samples: one target and several, with enough runs and with too few.
var sampleFigures = sync.OnceValue(func() map[string][]Figure {
	out := map[string][]Figure{}
	for name, opts := range map[string][]benchtest.Option{"struck": {benchtest.Struck(), benchtest.Misses(), benchtest.Unsettled()}, "hostile": {benchtest.Hostile(), benchtest.Blocks(3)}} {
		plan, rs, tested := benchtest.Sample(opts...)
		out[name] = Of(bench.Analyze(plan, rs, tested, nil), rs, tested)
	}
	for name, ts := range map[string][]sampleTarget{"single": {{"nats", "NATS", "2.15.2", natsModes[:1]}}, "many": {{"many", "A product with a rather long title indeed", "12.0.0-rc.1", manyModes()}}} {
		s, reps := sampleSummary(ts, 6)
		out[name] = append(Of(s, reps, nil), Silences(sampleSilences(ts))...)
	}
	for name, ts := range map[string][]sampleTarget{"two": twoTargets} {
		for _, n := range []int{10, 3} {
			s, reps := sampleSummary(ts, n)
			fs := Of(s, reps, nil)
			if n == 10 {
				if f, ok := Faults(sampleVerdicts(ts)); ok {
					fs = append(fs, f)
				}
				fs = append(fs, Silences(sampleSilences(ts))...)
				fs = append(fs, OfRun(sampleRun(ts[len(ts)-1].modes, 4*len(ts)))...)
			}
			out[fmt.Sprintf("%s%d", name, n)] = fs
		}
	}
	return out
})
