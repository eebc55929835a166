package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/results"
)

func aPlan() campaign.Plan {
	return campaign.Plan{
		Experiment: experiment.Experiment{Target: "nats", Version: "2", Profile: "default", Nodes: 3, Seed: 7,
			Lanes: []experiment.Lane{{Name: "core"}}, Load: experiment.Load{Rate: 200}},
		Schedule: experiment.Schedule{Episodes: []experiment.Episode{{Number: 1, Fault: "kill-broker", Length: 2 * time.Second}}, LeftOut: []string{"kill-all"}},
	}
}

func TestProgressWithoutATerminalIsPlainLines(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(screen{out: &out, err: &out, width: 80}, aPlan())
	p.Planned(aPlan(), results.Dir("runs/x"))
	p.Told(run.Progress{Episode: 1, Fault: "kill-broker", Phase: "fault", Line: "kill n2"})
	p.Told(run.Progress{Lanes: []run.LaneRate{{Name: "core", Acked: 200, Applied: 199}}}) // too soon after a line to be told
	p.Told(run.Progress{Warning: "n2 \x1b[31mlags"})
	p.close()
	got := out.String()
	for _, want := range []string{
		"seed 7", "1. kill-broker", "left out for want of time: kill-all", "run directory runs/x",
		"0:00  episode 1 of 1, kill-broker: fault\n", "0:00  kill-broker: kill n2\n", "0:00  ! n2  [31mlags\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
	for _, unwanted := range []string{"\r", "\x1b", "199"} {
		if strings.Contains(got, unwanted) {
			t.Errorf("has %q:\n%s", unwanted, got)
		}
	}
}

func TestProgressOnATerminalRepaintsOneLineWithinItsWidth(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(screen{out: &out, err: &out, width: 40, terminal: true}, aPlan())
	p.Planned(aPlan(), results.Dir("runs/x"))
	out.Reset()
	p.Told(run.Progress{Episode: 1, Fault: "kill-broker", Phase: "calm"})
	for range 3 {
		p.Told(run.Progress{Lanes: []run.LaneRate{{Name: "core", Acked: 200, Applied: 199, Flying: 12}, {Name: "another-long-lane"}}})
	}
	p.close()
	got := out.String()
	if strings.Contains(got, "\n") {
		t.Errorf("the painted line moved on:\n%q", got)
	}
	for _, line := range strings.Split(got, "\r\x1b[K") {
		if n := len([]rune(line)); n >= 40 {
			t.Errorf("a line of %d does not fit into 40 columns: %q", n, line)
		}
	}
	if !strings.HasSuffix(got, "\r\x1b[K") {
		t.Errorf("close leaves the painted line: %q", got)
	}
}
