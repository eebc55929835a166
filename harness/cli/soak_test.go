package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/campaign"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results"
)

func TestTheCommandOfARoundLeavesOutWhatConcernsTheSoak(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"waybill test --soak 24h", "waybill test --seed 9"},
		{"waybill test --target kafka --soak=24h --seed 3 --stop-on broken", "waybill test --target kafka --seed 9"},
		{"waybill test file.yaml --expect=kept --seed=3 --rate 10 --soak 1h --live=false", "waybill test file.yaml --rate 10 --live=false --seed 9"},
	} {
		if diff := cmp.Diff(strings.Fields(c.want), roundCommand(strings.Fields(c.given), 9)); diff != "" {
			t.Errorf("%s: want (-), got (+):\n%s", c.given, diff)
		}
	}
}

func aFinding() campaign.Certain {
	return campaign.Certain{Fault: "kill-leader", Cell: "exactly once stored", Finding: semantics.Finding{
		Lane: "jetstream", Anomaly: "duplicate in store", Episode: 3, Count: 1, Tokens: []string{"wb1-abc-1-2"}, Breaks: true}}
}

func TestAFindingIsToldInOneLine(t *testing.T) {
	many, permitted, stall := aFinding(), aFinding(), aFinding()
	many.Count = 12
	permitted.Cell = ""
	stall.Anomaly, stall.Tokens, stall.Detail, stall.Cell, stall.Fault = "stuck", nil, "not drained within 30s", "liveness", ""
	for _, c := range []struct {
		told campaign.Certain
		want string
	}{
		{aFinding(), "jetstream: duplicate in store: wb1-abc-1-2 (episode 3, kill-leader) breaks exactly once stored"},
		{many, "jetstream: duplicate in store: 12 messages, wb1-abc-1-2 first (episode 3, kill-leader) breaks exactly once stored"},
		{permitted, "jetstream: duplicate in store: wb1-abc-1-2 (episode 3, kill-leader) breaks no promise there"},
		{stall, "jetstream: stuck: not drained within 30s (episode 3) breaks liveness"},
	} {
		if got := found(c.told); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestAFindingStandsAboveTheRepaintedLine(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var out bytes.Buffer
		p := newProgress(screen{out: &out, err: &out, width: 80, terminal: terminal}, aPlan())
		p.Planned(aPlan(), results.Dir("runs/x"))
		p.Told(run.Progress{Episode: 1, Fault: "kill-broker", Phase: "calm"})
		p.Found(aFinding())
		got := out.String()
		if !strings.Contains(got, "0:00  ! jetstream: duplicate in store: wb1-abc-1-2 (episode 3, kill-leader) breaks exactly once stored\n") {
			t.Errorf("terminal %v: %q", terminal, got)
		}
		if painted := strings.HasSuffix(got, "calm  "); painted != terminal {
			t.Errorf("terminal %v: ends with %q", terminal, got)
		}
	}
}

// Without a terminal, a round is a line, and so is each finding: a night has hundreds of rounds.
func TestASoakIsALineARoundAndALineAFinding(t *testing.T) {
	var out bytes.Buffer
	s := screen{out: &out, err: &out, width: 80}
	for n := range 2 {
		p := &soaking{progress: progress{s: s, started: time.Now()}, round: n + 1, seed: 42, first: n == 0, length: time.Hour}
		p.Planned(aPlan(), results.Dir("runs/x"))
		p.Told(run.Progress{Episode: 1, Fault: "kill-broker", Phase: "calm", Warning: "kill-broker bit nothing"})
		p.Found(aFinding())
		p.Judged(semantics.Verdict{}, "", nil)
	}
	r := results.Round{Number: 2, Result: semantics.Broken, Seconds: 61, Sent: 1234, Command: "waybill test --seed 9", Memory: results.Memory{Parent: 20 << 20, Lab: 300 << 20}}
	out.WriteString(roundLine(90*time.Second, r) + "\n")
	want := `nats 2, profile default, 3 nodes; seed 42
  soak    for 1h0m0s; a round takes about 22s

0:00  ! round 1: jetstream: duplicate in store: wb1-abc-1-2 (episode 3, kill-leader) breaks exactly once stored
0:00  ! round 2: jetstream: duplicate in store: wb1-abc-1-2 (episode 3, kill-leader) breaks exactly once stored
1:30  round 2: broken in 61 s, 1234 messages; memory 20.0 MiB, lab 300.0 MiB at most, disk 0.0 MiB; repeat it alone: waybill test --seed 9
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}
