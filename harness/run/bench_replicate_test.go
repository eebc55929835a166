package run

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

func TestAReplicateThatEndsEarlyHarmsNoOther(t *testing.T) {
	x := startBench(t, "nats")
	await := func(what string, there func() bool) {
		t.Helper()
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for limit := time.After(30 * time.Second); !there(); {
			select {
			case <-tick.C:
			case <-limit:
				t.Fatalf("%s: not within 30 s; processes: %v", what, x.processes())
			}
		}
	}
	sending := func() bool { return x.phase.Load() == "warm-up" || x.phase.Load() == measured }
	for _, c := range []struct {
		claim string
		end   func(cancel func())
		says  string
	}{
		{"whose context ends", func(cancel func()) { cancel() }, errInterrupted.Error()},
		{"that is interrupted", func(func()) {
			if err := x.Interrupt(); err != nil {
				t.Error(err)
			}
		}, errInterrupted.Error()},
		{"whose clients die", func(func()) {
			for _, pid := range x.workers() {
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Error(err)
				}
			}
		}, "ended by itself"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			j := x.replicate(t, "jetstream")
			j.Measure = time.Minute
			x.phase.Store("")
			go func() { await("clients send", sending); c.end(cancel) }()
			end, err := x.Replicate(ctx, j)
			if err != nil || !strings.Contains(end.Error, c.says) {
				t.Errorf("%v, %q: want %q", err, end.Error, c.says)
			}
			if pids := x.workers(); len(pids) > 0 {
				t.Errorf("workers %v are left", pids)
			}
			if _, err := history.Open(j.History()); err != nil {
				t.Error(err)
			}
		})
	}
	j := x.replicate(t, "core")
	x.carry(t, j)
	if v := verdict(t, j); v.Result != semantics.Kept {
		t.Errorf("the verdict of the next is %s: %+v", v.Result, v.Assumptions)
	}
	t.Run("and one that is killed with its lab leaves nothing behind", func(t *testing.T) {
		j := x.replicate(t, "jetstream")
		j.Measure = time.Minute
		x.phase.Store("")
		go func() { await("clients send", sending); x.Kill() }()
		if _, err := x.Replicate(t.Context(), j); !errors.Is(err, ErrBenchOver) {
			t.Errorf("a replicate whose lab was killed: %v", err)
		}
		if left := x.processes(); len(left) > 0 {
			t.Errorf("processes are left: %v", left)
		}
		h, err := history.Open(j.History())
		if err == nil {
			err = h.Verify()
		}
		if err != nil {
			t.Error(err)
		}
		if err := x.Close(); err == nil {
			t.Error("closing a lab that was killed is no error")
		}
	})
}
