package main

import (
	"bytes"
	"context"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"waybill/checkers"
	"waybill/checkers/naive"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// largest calls back near the end of a history, when the audit knows the most.
type largest struct {
	history.Source
	at func()
}

func (l largest) Events() iter.Seq2[*history.Event, error] {
	return func(yield func(*history.Event, error) bool) {
		for e, err := range l.Source.Events() {
			if err == nil && e.Kind == history.EpisodeEnd {
				l.at()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// audited records a history, audits it, and returns the heap that this took at its largest and the time of an event.
func audited(t *testing.T, p profile, messages uint64) (held int64, each time.Duration) {
	t.Helper()
	dir := t.TempDir()
	events, want, err := generate(dir, p, 1, messages)
	if err != nil {
		t.Fatal(err)
	}
	h, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	before := heap()
	in := checkers.Input{Experiment: p.experiment(), Source: largest{h, func() { held = heap() - before }}}
	for _, s := range h.Segments() {
		in.Segments = append(in.Segments, checkers.Segment{Name: filepath.Base(s.Path), Life: s.Header.Life, Cut: s.Cut, Sealed: s.Sealed != history.Unsealed})
	}
	started := processorTime()
	v, err := checkers.Audit(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	each = (processorTime() - started) / time.Duration(events)
	m := made{events, want}
	if err := m.check(measurement{Ledger: v.Lanes[0].Ledger, Result: string(v.Result), Findings: len(v.Findings)}, true); err != nil {
		t.Fatal(err)
	}
	return held, each
}

func TestMemoryAndTimeGrowWithTheNumberOfMessages(t *testing.T) {
	for _, name := range []string{"short", "long"} {
		t.Run(name, func(t *testing.T) {
			p, err := profileOf(name)
			if err != nil {
				t.Fatal(err)
			}
			const few, many = 100_000, 1_000_000
			small, fast := audited(t, p, few)
			large, slow := audited(t, p, many)
			each := float64(large-small) / (many - few)
			t.Logf("%.3f bytes a message more; %d KB and %v an event at %d, %d KB and %v at %d", each, small>>10, fast, few, large>>10, slow, many)
			if each > 1 {
				t.Errorf("%.3f bytes for each further message", each)
			}
			if slow > 5*fast+100 {
				t.Errorf("%v an event, %v in a history a quarter as long", slow, fast)
			}
		})
	}
}

func TestTheNaiveAuditCountsTheSame(t *testing.T) {
	for _, name := range []string{"short", "long"} {
		p, err := profileOf(name)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			dir, seed := t.TempDir(), rand.Uint64N(1000)
			events, want, err := generate(dir, p, seed, 2000)
			if err != nil {
				t.Fatal(err)
			}
			h, err := history.Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			r, err := naive.Audit(h, p.experiment())
			if err != nil {
				t.Fatal(err)
			}
			if err := (made{events, want}).check(measurement{Ledger: r.Lanes[0].Ledger}, false); err != nil {
				t.Errorf("%s, seed %d: %v", name, seed, err)
			}
		}
	}
}

func TestAMeasurementOfAWrongVerdictIsRefused(t *testing.T) {
	m := made{Want: semantics.Ledger{Sent: 3}}
	right := measurement{Ledger: m.Want, Result: "kept"}
	if err := m.check(right, true); err != nil {
		t.Error(err)
	}
	for what, wrong := range map[string]func(*measurement){
		"counts":   func(a *measurement) { a.Ledger.Sent-- },
		"findings": func(a *measurement) { a.Findings++ },
		"verdict":  func(a *measurement) { a.Result = "inconclusive" },
	} {
		a := right
		wrong(&a)
		if m.check(a, true) == nil {
			t.Errorf("wrong %s are accepted", what)
		}
	}
}

func TestThePlotAndTheTableAreWritten(t *testing.T) {
	some := func(messages uint64) row {
		a := measurement{Wall: time.Duration(messages), CPU: time.Duration(messages), Heap: messages, Resident: messages, Events: int64(messages)}
		return row{messages: messages, events: int64(messages), audits: []measurement{a}, naive: []measurement{a}}
	}
	rows := []row{some(1e5), some(1e6)}
	path := filepath.Join(t.TempDir(), "growth")
	if err := draw(path, rows); err != nil {
		t.Fatal(err)
	}
	for _, ext := range []string{".svg", ".png"} {
		if b, err := os.ReadFile(path + ext); err != nil || len(b) < 1000 {
			t.Errorf("%s: %d bytes, %v", ext, len(b), err)
		}
	}
	if table := markdown(rows); strings.Count(table, "\n") != 4 || !strings.Contains(table, "| 1000000 |") {
		t.Error(table)
	}
}

func TestTheCommandRefusesNonsense(t *testing.T) {
	for _, args := range [][]string{{"-sizes", "many"}, {"-sizes", "-1"}, {"-sizes", "1.5"}, {"-profile", "wide"}, {"more"}} {
		var out, log bytes.Buffer
		if err := command(context.Background(), args, &out, &log); err == nil {
			t.Errorf("%v is accepted", args)
		}
	}
}
