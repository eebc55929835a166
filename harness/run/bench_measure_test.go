package run

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// total is what a series has in the bins measured.
func (e ReplicateEnd) total(series []int64) (n int64) {
	for _, x := range series[e.From:e.To] {
		n += x
	}
	return n
}

func TestReplicatesFollowOneAnotherInOneLab(t *testing.T) {
	x := startBench(t, "nats")
	for _, c := range []struct {
		claim string
		mode  string
		set   func(*ReplicateJob)
	}{
		{"a mode without confirmations", "core", func(*ReplicateJob) {}},
		{"another mode on the same hosts", "jetstream", func(*ReplicateJob) {}},
		{"consumers that start when the measurement is over", "jetstream", func(j *ReplicateJob) { j.Late = true }},
	} {
		t.Run(c.claim, func(t *testing.T) {
			j := x.replicate(t, c.mode)
			c.set(&j)
			end := x.carry(t, j)
			if v := verdict(t, j); v.Result != semantics.Kept {
				t.Errorf("the verdict is %s: %+v\n%+v", v.Result, v.Lanes[0].Cells, v.Assumptions)
			}
			compare(t, j, end)
			if pids := x.workers(); len(pids) > 0 {
				t.Errorf("workers %v are left", pids)
			}
			x.left(t, j)
		})
	}
	t.Run("nothing is recorded, and all is counted", func(t *testing.T) {
		j := x.replicate(t, "jetstream")
		j.Experiment.Load.Record = experiment.NoEvents
		end := x.carry(t, j)
		if n := end.total(end.Applied); n == 0 {
			t.Error("nothing was applied in the bins measured")
		}
		if sent := events(t, j, history.Send); len(sent) > 0 {
			t.Errorf("%d sends are recorded", len(sent))
		}
	})
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	if left := x.processes(); len(left) > 0 {
		t.Errorf("processes are left: %v", left)
	}
	if _, err := os.Stat(filepath.Join(x.dir, "lab", "brokers", "n1", "configuration")); err != nil {
		t.Error(err)
	}
	if _, err := x.Replicate(t.Context(), x.replicate(t, "core")); !errors.Is(err, ErrBenchOver) {
		t.Errorf("a replicate in a lab that was closed: %v", err)
	}
}

// late is how far live figures may be from the history on a busy machine, in microseconds: they are added up for many messages at once.
const late = 300_000

// compare holds what the lab said against the history.
func compare(t *testing.T, j ReplicateJob, end ReplicateEnd) {
	t.Helper()
	if span := end.ToTick - end.FromTick; span != j.Measure.Microseconds() || int64(end.To-end.From)*int64(end.Bin) != span {
		t.Errorf("measured %d µs in bins %d to %d, want %s", span, end.From, end.To, j.Measure)
	}
	begin, stop := events(t, j, history.PhaseBegin), events(t, j, history.PhaseEnd)
	marked := func(es []history.Event, at int64) bool {
		return slices.ContainsFunc(es, func(e history.Event) bool { return e.Name == measured && e.Time == at })
	}
	if !marked(begin, end.FromTick) || !marked(stop, end.ToTick) {
		t.Errorf("the phase %q is not marked from %d to %d", measured, end.FromTick, end.ToTick)
	}
	for _, c := range []struct {
		what   string
		series []int64
		kind   history.Kind
		want   bool
	}{
		{"sent", end.Sent, history.Send, true},
		{"acknowledged", end.Acked, history.Outcome, j.Experiment.Lanes[0].Mode.Traits.Confirms},
		{"applied", end.Applied, history.ApplyEnd, !j.Late},
	} {
		within := func(from, to int64) (n int64) {
			for _, e := range events(t, j, c.kind) {
				if e.Time >= from && e.Time < to && c.want {
					n++
				}
			}
			return n
		}
		least := within(end.FromTick+late, end.ToTick-late)
		most := within(end.FromTick-late, end.ToTick+late)
		if counted := end.total(c.series); counted < least || counted > most || c.want && counted == 0 {
			t.Errorf("%d %s by live figures, %d to %d by the history", counted, c.what, least, most)
		}
	}
	if end.Clients <= 0 || end.Clients > 2 || end.Brokers <= 0 || end.Brokers > 2 {
		t.Errorf("processor seconds of clients %g, of brokers %g, in %s", end.Clients, end.Brokers, j.Measure)
	}
}
