package measure_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/results/bench"
	"waybill/results/latency"
	"waybill/results/measure"
	"waybill/workloads/ceiling"
)

// The load, and the pause in it.
const (
	pauseRate = 2000 // messages a second
	pauseWarm = 200 * time.Millisecond
	pauseIn   = 4 * time.Second
	pause     = 1400 * time.Millisecond
)

// A broker stands still for a while at a fixed load. Of the messages meant to be sent within the measured time a share of pause / time is meant to be
// sent while it does, evenly; those of the first instants wait for the whole pause, those of the last for none of it. One in a hundred of all
// therefore waits longer than pause - time / 100: that is the corrected p99, whatever the client does meanwhile. A machine that is busy or stands still
// adds to that and takes nothing away: with WAYBILL_VERIFY=1, on a machine that does nothing else, 2 % are allowed, by default 15 %.
func TestThePlantedPauseIsSeenAsItMustBe(t *testing.T) {
	for name, window := range map[string]int{
		"of a client that sends on":                    8192, // than can be sent in the pause
		"of a client that waits for answers meanwhile": 16,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var off []string
			for range 3 {
				f, w := paused(t, window)
				if f.Counts.Sent != f.Counts.Acked || f.Counts.Sent != f.Counts.Applied || f.Counts.Lost+f.Counts.Missing+f.Counts.Duplicates != 0 {
					t.Errorf("a broker that is never at fault: %+v", f.Counts)
				}
				if off = offAnalysis(t, f, w, window); len(off) == 0 {
					return
				}
				t.Logf("%q", off)
			}
			t.Errorf("three times in a row: %q", off)
		})
	}
}

// paused are the figures of a run with the pause.
func paused(t *testing.T, window int) (measure.Figures, measure.Window) {
	t.Helper()
	dir := t.TempDir()
	r, err := ceiling.Run(t.Context(), ceiling.Config{Dir: dir, Run: "pausepau", Seed: 1, Rate: pauseRate, Window: window, Warm: pauseWarm, Measure: pauseIn,
		Pauses: []ceiling.Pause{{At: time.Second, Length: pause}}})
	if err != nil {
		t.Fatal(err)
	}
	h, err := history.Open(filepath.Join(dir, "history"))
	if err != nil {
		t.Fatal(err)
	}
	w := measure.Window{From: r.FromTick, To: r.ToTick}
	f, err := measure.Run(t.Context(), h, measure.Job{Lane: r.Experiment.Lanes[0], Load: r.Experiment.Load, Window: w})
	if err != nil {
		t.Fatal(err)
	}
	return f, w
}

// offAnalysis says which times are not what the pause makes them.
func offAnalysis(t *testing.T, f measure.Figures, w measure.Window, window int) (off []string) {
	t.Helper()
	want := float64(pause.Microseconds()) - w.Seconds()*1e6/100
	more, little := 0.15, want/2
	if os.Getenv("WAYBILL_VERIFY") != "" {
		more, little = 0.02, want/10
	}
	as := func(got float64) bool { return got >= 0.98*want && got <= (1+more)*want }
	for _, to := range []string{"confirmed", "delivered", "applied"} {
		got := quantile(t, f, to, true, 0.99)
		t.Logf("%s: corrected p99 %.1f ms, analytically %.1f ms (%+.2f %%); uncorrected %.1f ms", to, got/1e3, want/1e3, 100*(got/want-1), quantile(t, f, to, false, 0.99)/1e3)
		if !as(got) {
			off = append(off, fmt.Sprintf("%s: corrected p99 is %.1f ms, %.1f ms were expected", to, got/1e3, want/1e3))
		}
	}
	// What was sent into the pause took as long; the rest was not sent until it was over, and looks as if it had not waited.
	into := float64(min(float64(window), pauseRate*pause.Seconds()))
	got := quantile(t, f, "confirmed", false, 0.99)
	switch share := into / (pauseRate * w.Seconds()); {
	case share < 0.005 && got > little:
		off = append(off, fmt.Sprintf("uncorrected p99 is %.1f ms, though only one in %.0f was sent into the pause", got/1e3, 1/share))
	case share >= 0.005 && !as(got):
		off = append(off, fmt.Sprintf("uncorrected p99 is %.1f ms, though all were sent as they were meant to be, %.1f ms were expected", got/1e3, want/1e3))
	}
	return off
}

// quantile of the times to a stage, microseconds.
func quantile(t *testing.T, f measure.Figures, to string, corrected bool, q float64) float64 {
	t.Helper()
	for _, l := range f.Latency {
		if l.To == to && l.Corrected == corrected {
			return float64(parsed(t, l).Quantile(q))
		}
	}
	t.Fatalf("no times to %s, corrected: %v", to, corrected)
	return 0
}

// parsed is a histogram that must be one.
func parsed(t interface {
	Helper()
	Fatal(...any)
}, l bench.Latencies) *latency.Histogram {
	t.Helper()
	h, err := latency.Parse(l.Histogram)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
