package mutate_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/checkers/mutate"
	"waybill/checkers/naive"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// specimens are a history of each kind of product.
func specimens() []checkertest.History {
	var out []checkertest.History
	for _, o := range []checkertest.Options{{}, {Modes: checkertest.LogModes(), Partitions: 3}, {Modes: checkertest.QueueModes()}} {
		o.Messages = 4
		out = append(out, checkertest.Generate(5, o))
	}
	return out
}

func TestEveryMutatorFindsAPlaceAndLeavesTheHistoryAsItWas(t *testing.T) {
	histories := specimens()
	var before []history.Memory
	for _, h := range histories {
		before = append(before, slices.Clone(h.Events))
	}
	places := map[string]int{}
	for _, m := range mutate.All() {
		name := m.Family + " " + m.Name
		if m.Family == "late" || m.Family == "early" {
			name = m.Family // what a process did in one go has no room between
		}
		for k, h := range histories {
			for try := range uint64(8) {
				lane := uint32(try) % uint32(len(h.Experiment.Lanes))
				out, ok := m.Apply(rand.New(rand.NewPCG(try, 1)), h.Events, lane)
				if !ok {
					continue
				}
				inOrder(t, out)
				if !slices.Equal(before[k], out) {
					places[name]++
					break
				}
			}
		}
		if places[name] == 0 && name != m.Family {
			t.Errorf("%s: no history was changed", name)
		}
	}
	if places["late"] == 0 || places["early"] == 0 {
		t.Errorf("nothing was moved in time: %v", places)
	}
	for k, h := range histories {
		if !slices.Equal(before[k], h.Events) {
			t.Errorf("history %d itself was edited", k)
		}
	}
}

// inOrder wants times to go forward.
func inOrder(t *testing.T, h history.Memory) {
	t.Helper()
	for i := 1; i < len(h); i++ {
		if h[i].Time < h[i-1].Time {
			t.Fatalf("event %d is at %d, and the one before at %d", i, h[i].Time, h[i-1].Time)
		}
	}
}

func TestWhatAProcessRecordedKeepsItsOrder(t *testing.T) {
	h := specimens()[1]
	before := bySegment(h.Events)
	for _, m := range mutate.All() {
		if m.Family != "late" && m.Family != "early" {
			continue
		}
		for seed := range uint64(20) {
			out, ok := m.Apply(rand.New(rand.NewPCG(seed, 2)), h.Events, 1)
			if ok && !maps.EqualFunc(before, bySegment(out), slices.Equal) {
				t.Errorf("%s %s, seed %d: a process did things in another order", m.Family, m.Name, seed)
			}
		}
	}
}

// bySegment is what each segment says, without the times.
func bySegment(h history.Memory) map[int][]history.Event {
	out := map[int][]history.Event{}
	for _, e := range h {
		e.Time = 0
		out[e.Segment] = append(out[e.Segment], e)
	}
	return out
}

func TestTheMatrixCountsWhatWasMissedAndWhatWasWrong(t *testing.T) {
	report := func(anomalies ...string) naive.Report {
		l := naive.Lane{Name: "lane"}
		for _, a := range anomalies {
			l.Findings = append(l.Findings, naive.Finding{Anomaly: a, Stage: semantics.Stored, Episode: 1, Msgs: []history.Msg{{Life: 1, Seq: 1}}, Count: 1})
		}
		return naive.Report{Lanes: []naive.Lane{l}}
	}
	m := mutate.All()[0]
	for _, c := range []struct {
		claim                  string
		before, after, audited naive.Report
		agrees                 bool
		cells, found, wrong    int
		cell                   string
	}{
		{"nothing changed, and nobody says so", report(), report(), report(), true, 0, 0, 0, ""},
		{"what was there is still there", report("torn"), report("torn"), report("torn"), true, 0, 0, 0, ""},
		{"a change that is found", report(), report("torn"), report("torn"), true, 1, 1, 0, "1/1"},
		{"a change that is missed", report(), report("torn"), report(), false, 1, 0, 0, "0/1"},
		{"an accusation out of nowhere", report(), report(), report("torn"), false, 0, 0, 1, "0/0 and 1 wrong"},
		{"one anomaly taken for another", report(), report("torn"), report("vanished"), false, 1, 0, 1, "0/1"},
		{"an anomaly that goes away", report("torn"), report(), report(), true, 1, 1, 0, "1/1"},
	} {
		var x mutate.Matrix
		agrees, _ := x.Note(m, c.before, c.after, c.audited)
		tried, _, cells, found, wrong := x.Sums()
		if agrees != c.agrees || tried != 1 || cells != c.cells || found != c.found || wrong != c.wrong {
			t.Errorf("%s: agrees %v, %d cells, %d found, %d wrong", c.claim, agrees, cells, found, wrong)
		}
		var b strings.Builder
		if err := x.Markdown(&b); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), c.cell) {
			t.Errorf("%s: the table lacks %q:\n%s", c.claim, c.cell, b.String())
		}
	}
}
