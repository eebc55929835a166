package results

import (
	"errors"
	"os"
	"strings"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// appending is a history of two producers that append by turns, two in flight at any time; late is given the position before an earlier one.
func appending(n int, late uint64) history.Memory {
	var out history.Memory
	add := func(kind history.Kind, i uint64, at, position int64) {
		e := history.Event{Kind: kind, Time: at, Life: history.Life(2 + i%2), Msg: history.Msg{Life: history.Life(2 + i%2), Seq: 1 + i/2}, Attempt: 1, Lane: 1}
		if kind == history.Outcome {
			e.Status, e.Pos = history.Acked, history.Position{Offset: position}
		}
		out = append(out, e)
	}
	for i := range uint64(n) {
		add(history.Send, i, int64(i)*10+1, 0)
		if i == 0 {
			continue
		}
		position := int64(i) * 2
		if i-1 == late {
			position -= 7
		}
		add(history.Outcome, i-1, int64(i)*10+2, position)
	}
	return out
}

func TestAFindingAboutOrderIsDrawnAndNoOther(t *testing.T) {
	exp := experiment.Experiment{Run: "testtest", Lanes: []experiment.Lane{{Name: "other"}, {Name: "lane"}}}
	h := appending(2000, 1000)
	of := func(id int, anomaly string, i uint64) semantics.Finding {
		return semantics.Finding{ID: id, Lane: "lane", Anomaly: anomaly, Count: 1,
			Tokens: []string{history.Msg{Life: history.Life(2 + i%2), Seq: 1 + i/2}.Prefix("testtest")}}
	}
	foreign := of(5, "nonlinear", 1000)
	foreign.Tokens = []string{strings.Replace(foreign.Tokens[0], "testtest", "anotherr", 1)}
	v := semantics.Verdict{Findings: []semantics.Finding{of(1, "nonlinear", 1000), of(2, "reordered", 1000), of(3, "lost: vanished", 1000),
		of(4, "nonlinear", 700), foreign, {ID: 6, Lane: "lane", Anomaly: "nonlinear"}}}
	d := Dir(t.TempDir())
	if err := WriteWindows(d, h, exp, v); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[int]bool{1: true, 2: true, 3: false, 4: false, 5: false, 6: false} {
		b, err := os.ReadFile(d.Path(windowsOf(id)))
		if drawn := err == nil; drawn != want {
			t.Errorf("finding %d is drawn: %v, %v", id, drawn, err)
		}
		if !want {
			continue
		}
		page := string(b)
		if n := strings.Count(page, " → "); n < 4 || n > 2*windowSize {
			t.Errorf("finding %d: %d operations, want the two and what was in flight with them", id, n)
		}
		if !strings.Contains(page, "append 00002-0000000501 ") || !strings.Contains(page, "witness") {
			t.Errorf("finding %d: the late message is not on the page", id)
		}
	}
}

func TestWithoutSuchAFindingNothingIsReadOrMade(t *testing.T) {
	d := Dir(t.TempDir())
	v := semantics.Verdict{Findings: []semantics.Finding{{ID: 1, Anomaly: "lost: vanished"}}}
	if err := WriteWindows(d, failing{}, experiment.Experiment{}, v); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(d.Path(windowsDir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
}
