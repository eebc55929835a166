package jepsen_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/harness/experiment"
	"waybill/harness/export"
	"waybill/harness/history"
	"waybill/harness/jepsen"
	"waybill/harness/semantics"
)

// atLeastOnce is what is promised of a history while it is compared: it forbids every loss and minds no second copy.
var atLeastOnce = []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.AtLeastOnce}, {Stage: semantics.Delivered, Guarantee: semantics.AtLeastOnce}}

// modes are those that can be told in Jepsen's words: outputs of transactions are messages of their own there, and what a consumer
// acknowledges and never applies it polled.
func modes() (out []semantics.Mode) {
	for _, m := range slices.Concat(checkertest.LogModes(), checkertest.QueueModes(), checkertest.Modes()) {
		if m.Traits.Confirms && !m.Traits.Transactional && !m.Traits.AcksFirst && m.Name != checkertest.Unroutable {
			m.Promises = atLeastOnce
			if !m.Traits.Scannable {
				m.Promises = atLeastOnce[1:]
			}
			out = append(out, m)
		}
	}
	return out
}

// imported exports a lane, reads what was written, and audits that.
func imported(t *rapid.T, src history.Source, x experiment.Experiment, promises []semantics.Promise) semantics.Verdict {
	var b bytes.Buffer
	if _, err := export.Jepsen(&b, src, x, 0); err != nil {
		t.Fatal(err)
	}
	h, err := jepsen.Read(&b)
	if err != nil {
		t.Fatal(err)
	}
	r, err := h.Run(jepsen.Options{Promises: promises, Drained: true})
	if err != nil {
		t.Fatal(err)
	}
	v, err := checkers.Audit(context.Background(), checkers.Input{Source: r.Events, Experiment: r.Experiment, Schedule: r.Schedule})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// messages are the tokens that a verdict names, by what both vocabularies tell apart.
func messages(v semantics.Verdict) map[string][]string {
	out := map[string][]string{}
	for _, f := range v.Findings {
		if kind, _, _ := strings.Cut(f.Anomaly, ":"); slices.Contains([]string{"lost", "resurrected", "duplicate in store"}, kind) {
			out[kind] = append(out[kind], f.Tokens...)
			slices.Sort(out[kind])
		}
	}
	return out
}

// What the audit says of a run's history it says of the same history as Jepsen's, read back: of clean ones nothing, and where messages
// were lost without a trace, or delivered though they were rejected, the same messages.
func TestAHistoryThatWasExportedAndReadBackHasTheSameFindings(t *testing.T) {
	all := modes()
	lost := 0
	rapid.Check(t, func(rt *rapid.T) {
		mode := rapid.SampledFrom(all).Draw(rt, "mode")
		g := checkertest.Generate(rapid.Uint64Range(0, 1<<20).Draw(rt, "seed"), checkertest.Options{Modes: []semantics.Mode{mode}, Faults: []string{"kill-leader"},
			Partitions: rapid.IntRange(1, 3).Draw(rt, "partitions")})
		events := mutated(rt, g.Events)
		in := g.Input()
		in.Source = events
		v, err := checkers.Audit(context.Background(), in)
		if err != nil {
			rt.Fatal(err)
		}
		want := messages(v)
		lost += len(want["lost"])
		got := messages(imported(rt, events, g.Experiment, mode.Promises))
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("%s (-recorded +read back):\n%s", mode.Name, diff)
		}
	})
	if lost == 0 {
		t.Error("no message was ever lost: this proves nothing")
	}
}

// mutated loses some messages without a trace, and rejects some that arrived.
func mutated(t *rapid.T, events history.Memory) history.Memory {
	var sent []history.Msg
	for _, e := range events {
		if e.Kind == history.Send && e.Attempt == 1 {
			sent = append(sent, e.Msg)
		}
	}
	away, refused := map[history.Msg]bool{}, map[history.Msg]bool{}
	for range rapid.IntRange(0, 3).Draw(t, "lost") {
		away[rapid.SampledFrom(sent).Draw(t, "lost message")] = true
	}
	for range rapid.IntRange(0, 2).Draw(t, "rejected") {
		refused[rapid.SampledFrom(sent).Draw(t, "rejected message")] = true
	}
	var out history.Memory
	for _, e := range events {
		switch e.Kind {
		case history.Delivery, history.AckCalled, history.AckOutcome, history.ApplyBegin, history.ApplyEnd, history.Copy, history.Readback:
			if away[e.Msg] {
				continue
			}
		case history.Outcome:
			if refused[e.Msg] {
				e.Status, e.Pos = history.Rejected, history.Position{}
			}
		}
		out = append(out, e)
	}
	return out
}

// A copy at a second position is a duplicate of the history that is read back, exactly if clients were given both.
func TestDuplicatesAreThoseThatClientsWereGiven(t *testing.T) {
	mode := checkertest.LogModes()[0]
	seen := 0
	rapid.Check(t, func(rt *rapid.T) {
		g := checkertest.Generate(rapid.Uint64Range(0, 1<<20).Draw(rt, "seed"), checkertest.Options{Modes: []semantics.Mode{mode}, Faults: []string{"lose-confirms"}, Messages: 5})
		at := map[history.Msg]map[history.Position]bool{}
		for _, e := range g.Events {
			if e.Kind == history.Delivery {
				if at[e.Msg] == nil {
					at[e.Msg] = map[history.Position]bool{}
				}
				at[e.Msg][history.Position{Partition: e.Pos.Partition, Offset: e.Pos.Offset}] = true
			}
		}
		var want []string
		for m, places := range at {
			if len(places) > 1 {
				want = append(want, m.Prefix(g.Experiment.Run))
			}
		}
		slices.Sort(want)
		seen += len(want)
		v := imported(rt, g.Events, g.Experiment, []semantics.Promise{{Stage: semantics.Stored, Guarantee: semantics.ExactlyOnce}})
		if got := messages(v)["duplicate in store"]; !slices.Equal(want[:min(len(want), 20)], got) {
			rt.Fatalf("duplicates %v, want %v", got, want)
		}
	})
	if seen == 0 {
		t.Error("no duplicate was ever delivered: this proves nothing")
	}
}

func TestTheUnionOfAllModesIsNotEmpty(t *testing.T) {
	names := map[string]bool{}
	for _, m := range modes() {
		names[fmt.Sprint(m.Traits.Scannable, m.Traits.Drainable)] = true
	}
	if want := map[string]bool{"true false": true, "false true": true}; !maps.Equal(names, want) {
		t.Errorf("modes are of kinds %v, want logs and queues", names)
	}
}
