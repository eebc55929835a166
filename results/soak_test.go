package results

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"waybill/harness/semantics"
)

// aRound is a round with one lane, in which one fault was injected so many times at the full.
func aRound(n, injections int, result semantics.Result) Round {
	v := semantics.Verdict{Result: result, Lanes: []semantics.Lane{{Name: "jetstream", Ledger: semantics.Ledger{Sent: 1000, Acked: 990}}}}
	for i := range injections {
		v.Episodes = append(v.Episodes, semantics.Episode{Number: i + 1, Fault: "kill-leader", Bit: true, Strikes: 1})
		v.Lanes[0].Cells = append(v.Lanes[0].Cells, semantics.Cell{Episode: i + 1, Fault: "kill-leader", Stage: semantics.Stored,
			Guarantee: semantics.ExactlyOnce, Result: result, N: injections})
	}
	v.Lanes[0].Cells = append(v.Lanes[0].Cells, semantics.Cell{Fault: "final", Stage: semantics.Stored, Result: semantics.Kept})
	if result == semantics.Broken {
		v.Findings = []semantics.Finding{{Lane: "jetstream", Anomaly: "vanished", Episode: 1, Count: 3, Breaks: true}, {Anomaly: "vanished"}}
	}
	r := Round{Number: n, Seconds: 60, Command: "waybill test --seed 9", Memory: Memory{Parent: int64(20+n) << 20, Lab: 300 << 20}}
	r.Take(v)
	return r
}

func TestASoakAddsInjectionsAndNotCells(t *testing.T) {
	var s Soak
	for n := range 10 {
		s.Add(aRound(n+1, 2, semantics.Kept))
	}
	if len(s.Cells) != 1 || s.Cells[0].N != 20 || s.Cells[0].Bound != semantics.Bound(20) || s.Faults["kill-leader"] != 20 {
		t.Fatalf("%+v", s)
	}
	if s.Result() != semantics.Kept || s.Sent != 10_000 || s.First.Number != 1 || s.Last.Number != 10 {
		t.Fatalf("%+v", s)
	}
	s.Add(aRound(11, 1, semantics.Inconclusive))
	if s.Result() != semantics.Inconclusive {
		t.Errorf("%s after an inconclusive round", s.Result())
	}
	s.Add(aRound(12, 1, semantics.Broken))
	s.Add(aRound(13, 1, semantics.Kept))
	if s.Result() != semantics.Broken || s.Cells[0].Bound != 0 || len(s.Broken) != 1 || s.Findings != 1 {
		t.Errorf("a broken round is hidden by a later one: %+v", s)
	}
}

func TestASoakIsToldWithItsBoundsAndItsMemory(t *testing.T) {
	var s Soak
	s.Add(aRound(1, 20, semantics.Kept))
	broken := aRound(2, 1, semantics.Broken)
	broken.Dirs = []Dir{"runs/soak/nats/x"}
	var out bytes.Buffer
	if err := WriteSoak(&out, s); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "20  ≤14%") {
		t.Errorf("lacks the bound of 20 injections:\n%s", &out)
	}
	s.Add(broken)
	out.Reset()
	if err := WriteSoak(&out, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"BROKEN", "round 2: jetstream: vanished (3) in episode 1", "repeat: waybill test --seed 9", "kept whole: runs/soak/nats/x",
		"21.0 MiB after round 1, 22.0 MiB after round 2", "injected  kill-leader 21",
		"Soak: 2 rounds in 2m0s: 1 kept, 1 broken, 0 inconclusive; 2,000 messages sent, 1,980 acknowledged; 1 finding against a promise."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("lacks %q:\n%s", want, &out)
		}
	}
}

func TestASoakLeavesALineARoundAndASummary(t *testing.T) {
	d, err := NewSoakDir(filepath.Join(t.TempDir(), "runs"), time.Unix(0, 0), 7)
	if err != nil {
		t.Fatal(err)
	}
	if filepath.Base(string(d)) != "soak-19700101T000000Z-7" {
		t.Errorf("%s", d)
	}
	var s Soak
	for n := range 3 {
		r := aRound(n+1, 1, semantics.Kept)
		s.Add(r)
		if err := d.Note(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.SaveSummary(s); err != nil {
		t.Fatal(err)
	}
	lines, err := os.ReadFile(filepath.Join(string(d), "rounds.jsonl"))
	if err != nil || bytes.Count(lines, []byte("\n")) != 3 {
		t.Errorf("%v; %s", err, lines)
	}
	text, err := os.ReadFile(filepath.Join(string(d), "soak.json"))
	if err != nil {
		t.Fatal(err)
	}
	var back Soak
	if err := json.Unmarshal(text, &back); err != nil || back.Rounds != 3 || back.Cells[0].N != 3 {
		t.Errorf("%v; %+v", err, back)
	}
	if _, err := NewSoakDir(filepath.Dir(string(d)), time.Unix(0, 0), 7); err == nil {
		t.Error("two soaks share a directory")
	}
}
