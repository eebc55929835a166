package export

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/harness/history"
)

// record writes a generated history with flight recorders, a segment a life, and opens it as a run directory's is.
func record(t *testing.T, h checkertest.History) *history.History {
	t.Helper()
	dir := t.TempDir()
	recs := map[history.Life]*history.Recorder{}
	origin := history.CeilTicks(history.Clock())
	for i, e := range h.Events {
		e.Time = origin + int64(i)
		r, ok := recs[e.Life]
		if !ok {
			var err error
			if r, err = history.Create(filepath.Join(dir, fmt.Sprintf("%05d.seg", e.Life)), history.Header{Run: h.Experiment.Run, Life: e.Life}); err != nil {
				t.Fatal(err)
			}
			recs[e.Life] = r
		}
		if err := r.Record(&e); err != nil {
			t.Fatal(err)
		}
	}
	var errs []error
	for _, r := range recs {
		errs = append(errs, r.Close())
	}
	opened, err := history.Open(dir)
	if err := errors.Join(append(errs, err)...); err != nil {
		t.Fatal(err)
	}
	return opened
}

// In a history that breaks no promise, what was acknowledged was polled, and every operation has its end.
func TestEveryLaneOfARecordedRunCanBeChecked(t *testing.T) {
	for seed := range uint64(3) {
		h := checkertest.Generate(seed, checkertest.Options{})
		src := record(t, h)
		for i, lane := range h.Experiment.Lanes {
			var b bytes.Buffer
			left, err := Jepsen(&b, src, h.Experiment, i)
			if err != nil || left != (Left{}) {
				t.Fatalf("seed %d, %s: %v, left out %+v", seed, lane.Name, err, left)
			}
			c := newSoundness()
			acked, faults := map[int64]bool{}, 0
			for _, o := range operations(t, b.String()) {
				c.see(t, o)
				if o.process == keyword("nemesis") {
					faults++
				}
				for _, m := range microOps(o) {
					if pair, ok := m[len(m)-1].([]any); ok && m[0] == keyword("send") {
						acked[pair[1].(int64)] = true
					}
				}
			}
			c.end(t)
			read := map[int64]bool{}
			for x := range c.reads {
				read[x[1]] = true
			}
			for v := range acked {
				if !read[v] && !lane.Mode.Traits.Transactional {
					t.Errorf("seed %d, %s: %d was acknowledged and is polled nowhere", seed, lane.Name, v)
				}
			}
			if lane.Mode.Traits.Confirms && len(acked) < 50 || len(read) < 50 || faults == 0 {
				t.Errorf("seed %d, %s: %d acknowledged, %d polled, %d operations of faults: this proves little", seed, lane.Name, len(acked), len(read), faults)
			}
		}
	}
}

func TestAHistoryThatIsDamagedIsNotExportedInSilence(t *testing.T) {
	broken := errors.New("broken")
	src := failing{aLog().Memory, broken}
	if _, err := Jepsen(new(bytes.Buffer), src, oneLane, 0); !errors.Is(err, broken) {
		t.Errorf("jepsen: %v", err)
	}
	if err := JSONL(new(bytes.Buffer), src, -1); !errors.Is(err, broken) {
		t.Errorf("jsonl: %v", err)
	}
	for room := range 3 {
		if _, err := Jepsen(&small{room * 100}, aLog().Memory, oneLane, 0); !errors.Is(err, errSmall) {
			t.Errorf("jepsen into %d bytes: %v", room*100, err)
		}
		if err := JSONL(&small{room * 100}, aLog().Memory, -1); !errors.Is(err, errSmall) {
			t.Errorf("jsonl into %d bytes: %v", room*100, err)
		}
	}
}

func TestJSONLinesHoldEveryEventByName(t *testing.T) {
	h := checkertest.Generate(1, checkertest.Options{})
	src := record(t, h)
	all := jsonLines(t, src, -1)
	var events []history.Event
	for e, err := range src.Events() {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, *e)
	}
	if len(all) != len(events) {
		t.Fatalf("%d lines of %d events", len(all), len(events))
	}
	for i, l := range all {
		e := events[i]
		if l["kind"] != e.Kind.String() || l["time"] != float64(e.Time) || l["life"] != float64(e.Life) {
			t.Fatalf("line %d is %v, the event %+v", i, l, e)
		}
		if p, ok := l["pos"].(map[string]any); ok != (e.Pos != history.Position{}) || ok && p["offset"] != float64(e.Pos.Offset) {
			t.Fatalf("line %d is %v, the event %+v", i, l, e)
		}
	}
	one := jsonLines(t, src, 1)
	faults := 0
	for _, l := range one {
		if l["kind"] == "fault-inject" {
			faults++
		}
		if l["kind"] == "send" && l["lane"] != 1.0 {
			t.Fatalf("%v is not of lane 1", l)
		}
	}
	if len(one) >= len(all) || len(one) < len(all)/10 || faults == 0 {
		t.Errorf("%d of %d lines are of lane 1, %d of faults", len(one), len(all), faults)
	}
}

func jsonLines(t *testing.T, src history.Source, lane int) (out []map[string]any) {
	t.Helper()
	var b bytes.Buffer
	if err := JSONL(&b, src, lane); err != nil {
		t.Fatal(err)
	}
	for _, text := range strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n") {
		var l map[string]any
		if err := json.Unmarshal([]byte(text), &l); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		out = append(out, l)
	}
	return out
}
