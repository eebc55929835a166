package run

import (
	"context"
	"strings"
	"testing"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

func TestReplicatesTakeTurns(t *testing.T) {
	x := startBench(t, "nats")
	job := func(change func(*experiment.Load)) ReplicateJob {
		j := x.replicate(t, "jetstream")
		j.Experiment.Load.Flood, j.Late, j.Measure, j.Experiment.Limits.Drain = true, true, time.Second, time.Minute
		change(&j.Experiment.Load)
		return j
	}
	js := []ReplicateJob{
		job(func(*experiment.Load) {}),
		job(func(l *experiment.Load) { l.Record = experiment.NoEvents }),
		job(func(l *experiment.Load) { l.Window = 2 }),
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ends, err := x.Replicates(ctx, js)
	if err != nil || len(ends) != len(js) {
		t.Fatalf("%d ends: %v", len(ends), err)
	}
	rates := make([]int64, len(ends))
	for i, end := range ends {
		if end.Error != "" {
			t.Fatalf("replicate %d: %s", i, end.Error)
		}
		if got, want := time.Duration(end.To-end.From)*benchBin, leastTurns*turn; got != want {
			t.Errorf("replicate %d was measured for %s, want %s of its own turns", i, got, want)
		}
		if end.FromTick >= end.ToTick || end.Clients <= 0 || end.Brokers <= 0 {
			t.Errorf("replicate %d: ticks %d to %d, %g and %g seconds of processors", i, end.FromTick, end.ToTick, end.Clients, end.Brokers)
		}
		for _, n := range end.Acked[end.From:end.To] {
			rates[i] += n
		}
	}
	if rates[2] == 0 || rates[2] > rates[0]/2 || rates[2] > rates[1]/2 {
		t.Errorf("%d messages a second; the last one has a window of two, and must be far behind", rates)
	}
	for _, i := range []int{0, 2} {
		if v := verdict(t, js[i]); v.Result != semantics.Kept {
			t.Errorf("the verdict of replicate %d is %s: %+v", i, v.Result, v.Assumptions)
		}
	}
	if pids := x.workers(); len(pids) > 0 {
		t.Errorf("workers %v are left", pids)
	}
	t.Run("but for those that have no load of their own, and no other is harmed", func(t *testing.T) {
		js := []ReplicateJob{job(func(*experiment.Load) {}), job(func(*experiment.Load) {})}
		js[1].Search = &Search{From: 100, Step: time.Second, Tries: 1}
		ends, err := x.Replicates(ctx, js)
		if err != nil || len(ends) != 2 || !strings.Contains(ends[0].Error, "take turns") || !strings.Contains(ends[1].Error, "take turns") {
			t.Errorf("%v: %+v", err, ends)
		}
		x.carry(t, x.replicate(t, "core"))
	})
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}
