package lab_test

import (
	"fmt"
	"testing"
	"time"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-spin", func([]string) int { spin(300 * time.Millisecond); return 0 })
	reexec.Register("t-spin-below", func([]string) int {
		if err := reexec.Command("t-spin").Run(); err != nil {
			fmt.Println(err)
			return 1
		}
		return 0
	})
}

// spin uses processor time until so much wall time has passed.
func spin(d time.Duration) {
	for until := time.Now().Add(d); time.Now().Before(until); {
	}
}

func TestProcessorCountsWhatHasEndedAndNothingOfOtherHosts(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		used := func(h *lab.Host) time.Duration {
			t.Helper()
			d, err := h.Processor()
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		hosts := addHosts(t, l, "busy", "idle")
		busy, idle := hosts[0], hosts[1]
		busyBefore, idleBefore := used(busy), used(idle)
		began := time.Now()
		for _, program := range []string{"t-spin", "t-spin-below"} {
			p, err := busy.Start(t.Context(), lab.Proc{Name: program, Program: program})
			if err != nil {
				t.Fatal(err)
			}
			<-p.Done()
			if x := p.Exit(); x.Code != 0 {
				t.Fatalf("%s: %+v", program, x)
			}
		}
		// A machine with more to do gives each of them only a part of its time.
		if got, most := used(busy)-busyBefore, 2*time.Since(began)+200*time.Millisecond; got < 100*time.Millisecond || got > most {
			t.Errorf("two programs that spin for 300 ms used %s, want 100 ms to %s", got, most)
		}
		if got := used(idle) - idleBefore; got > 50*time.Millisecond {
			t.Errorf("a host with nothing on it used %s", got)
		}
		if err := idle.Kill(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := idle.Processor(); err == nil {
			t.Error("a host that is down has processor time")
		}
	})
}
