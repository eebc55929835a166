package ceiling_test

import (
	"context"
	"errors"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"waybill/checkers"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/workloads/ceiling"
)

// run makes a run that must succeed, with one processor, as workers have it.
func run(t testing.TB, c ceiling.Config) ceiling.Result {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	c.Dir, c.Run, c.Seed = t.TempDir(), "nullnull", 7
	r, err := ceiling.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { t.Logf("%.2f million a second, %.2f a second and core", r.Rate()/1e6, r.PerCore()/1e6) })
	verdict(t, c, r)
	return r
}

// verdict audits a run, which must be kept, with every message that was sent applied once.
func verdict(t testing.TB, c ceiling.Config, r ceiling.Result) {
	t.Helper()
	h, err := history.Open(filepath.Join(c.Dir, "history"))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Verify(); err != nil {
		t.Fatal(err)
	}
	if c.Record != "" {
		return
	}
	in := checkers.Input{Source: h, Experiment: r.Experiment}
	for _, s := range h.Segments() {
		in.Segments = append(in.Segments, checkers.Segment{Name: filepath.Base(s.Path), Life: s.Header.Life, Cut: s.Cut, Sealed: s.Sealed != history.Unsealed})
	}
	v, err := checkers.Audit(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if v.Result != semantics.Kept {
		t.Errorf("the verdict is %s: %+v %+v %+v", v.Result, v.Lanes, v.Findings, v.Assumptions)
	}
	if l := v.Lanes[0].Ledger; l.Sent == 0 || l.Acked != l.Sent || l.Applied != l.Sent || l.AppliedTwice != 0 {
		t.Errorf("of %d messages %d were acknowledged, %d applied and %d of them twice", l.Sent, l.Acked, l.Applied, l.AppliedTwice)
	}
}

func TestARunPassesTheAudit(t *testing.T) {
	for name, c := range map[string]ceiling.Config{
		"flood":          {},
		"flood, batched": {Batched: true},
		"at a rate":      {Rate: 20_000},
		"of a window":    {Window: 3, Batched: true},
	} {
		t.Run(name, func(t *testing.T) {
			c.Warm, c.Measure = 100*time.Millisecond, 300*time.Millisecond
			run(t, c)
		})
	}
}

func TestAPauseIsInTheLatenciesOfAllThatWasMeantToBeSentInIt(t *testing.T) {
	const rate, length = 2000, 300 * time.Millisecond
	c := ceiling.Config{Rate: rate, Measure: time.Second, Pauses: []ceiling.Pause{{At: 400 * time.Millisecond, Length: length}}}
	c.Dir, c.Run, c.Seed = t.TempDir(), "nullnull", 7
	r, err := ceiling.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	verdict(t, c, r)
	h, err := history.Open(filepath.Join(c.Dir, "history"))
	if err != nil {
		t.Fatal(err)
	}
	intended := map[uint64]int64{}
	late, longest := 0, int64(0)
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case history.Send:
			intended[e.Msg.Seq] = e.Intended
		case history.Outcome:
			took := e.Time - intended[e.Msg.Seq]
			longest = max(longest, took)
			if took > length.Microseconds()/2 {
				late++ // meant for the first half of the pause
			}
		}
	}
	half := int(rate * length.Seconds() / 2)
	if late < half*8/10 || late > half*3 || longest < length.Microseconds()*9/10 {
		t.Errorf("%d messages took longer than half of the pause and one took %d µs: want about %d, and the pause's %v", late, longest, half, length)
	}
}

func TestASlowBrokerLetsLessThrough(t *testing.T) {
	c := ceiling.Config{Slow: 200 * time.Microsecond, Window: 64, Measure: 300 * time.Millisecond}
	// The work is measured off in a moment in which the processor may be slower than it is later.
	if got := run(t, c).PerCore(); got > 2*5000 {
		t.Errorf("%.0f messages a second and core, of 5,000 at most that the broker can work on", got)
	}
}

func TestWithoutARecordARunHasFiguresAndNoEvents(t *testing.T) {
	for _, record := range []experiment.Record{experiment.NoEvents, experiment.NoTokens} {
		r := run(t, ceiling.Config{Record: record, Measure: 200 * time.Millisecond, Batched: true})
		if r.Messages() == 0 {
			t.Errorf("%q: no message is counted", record)
		}
	}
}

func TestARunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	_, err := ceiling.Run(ctx, ceiling.Config{Dir: t.TempDir(), Run: "nullnull", Rate: 1000, Measure: time.Hour})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func BenchmarkCeiling(b *testing.B) {
	for name, c := range map[string]ceiling.Config{
		"plain":   {},
		"batched": {Batched: true},
		"none":    {Batched: true, Record: experiment.NoEvents},
		"bare":    {Batched: true, Record: experiment.NoTokens},
	} {
		b.Run(name, func(b *testing.B) {
			c.Warm, c.Measure = 300*time.Millisecond, 2*time.Second
			b.ReportAllocs()
			for b.Loop() {
				r := run(b, c)
				b.ReportMetric(r.PerCore(), "msg/s/core")
				b.ReportMetric(r.Rate(), "msg/s")
			}
		})
	}
}
