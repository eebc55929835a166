package results

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"testing"

	"waybill/harness/golden"
	"waybill/harness/semantics"
	"waybill/results/junit"
)

func drawnJUnit(t *testing.T, v semantics.Verdict) (junit.Suites, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, v, "results/runs/nats/RUN"); err != nil {
		t.Fatal(err)
	}
	var s junit.Suites
	if err := xml.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatalf("not XML: %v\n%s", err, b.Bytes())
	}
	return s, b.Bytes()
}

func TestJUnitGolden(t *testing.T) {
	_, b := drawnJUnit(t, sampleVerdict())
	golden.Compare(t, "junit.xml", b)
}

func TestJUnitCountsWhatItHolds(t *testing.T) {
	s, _ := drawnJUnit(t, sampleVerdict())
	var got, want [4]int
	for _, u := range s.Suites {
		for _, c := range u.Cases {
			got[0]++
			if c.Failure != nil {
				got[1]++
			}
			if c.Error != nil {
				got[2]++
			}
			if c.Skipped != nil {
				got[3]++
			}
		}
	}
	want = [4]int{s.Tests, s.Failures, s.Errors, s.Skipped}
	if got != want {
		t.Errorf("cases, failures, errors, skipped: %v, attributes say %v", got, want)
	}
	// The run's own verdict and one cell; one cell and one assumption; three n/a and one observed.
	if s.Failures != 2 || s.Errors != 2 || s.Skipped != 4 {
		t.Errorf("%d failures, %d errors, %d skipped: want 2, 2, 4", s.Failures, s.Errors, s.Skipped)
	}
}

func TestARunWithoutCellsIsNotGreenInJUnit(t *testing.T) {
	for _, v := range []semantics.Verdict{{}, {Result: semantics.Inconclusive, ExitCode: 2}} {
		if s, _ := drawnJUnit(t, v); s.Errors == 0 {
			t.Errorf("verdict %q: JUnit has no error", v.Result)
		}
	}
}

// A case a cell, no more and no fewer, and of a broken one what is needed to go on: what was found, of which messages, and how to have it
// explained.
func TestJUnitHasACaseACell(t *testing.T) {
	v := sampleVerdict()
	s, _ := drawnJUnit(t, v)
	cases := map[string]int{}
	for _, u := range s.Suites {
		for _, c := range u.Cases {
			cases[c.Class+" "+c.Name]++
			if c.Failure == nil || c.Name == "verdict" || strings.HasPrefix(c.Name, "liveness") {
				continue
			}
			for _, want := range []string{"finding #1: ", "\n  wb1-", "\n  explain: waybill explain results/runs/nats/RUN 1"} {
				if !strings.Contains(c.Failure.Text, want) {
					t.Errorf("the failure of %q lacks %q:\n%s", c.Name, want, c.Failure.Text)
				}
			}
		}
	}
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			name := fmt.Sprintf("waybill.nats.r3.%s %s ", l.Name, c.Stage)
			n := 0
			for have, times := range cases {
				if strings.HasPrefix(have, name) && strings.HasSuffix(have, fmt.Sprintf(" under %d %s", c.Episode, c.Fault)) {
					n += times
				}
			}
			if n != 1 {
				t.Errorf("%d cases of %s under episode %d, want one", n, name, c.Episode)
			}
		}
	}
}

func TestABrokenLivenessNamesItsFinding(t *testing.T) {
	v := semantics.Verdict{Result: semantics.Broken, Lanes: []semantics.Lane{{Name: "core"}},
		Episodes: []semantics.Episode{{Number: 2, Fault: "kill-all", Liveness: map[string]semantics.Result{"core": semantics.Broken}, LiveWhy: map[string]string{"core": "stuck: not drained"}}},
		Findings: []semantics.Finding{{ID: 4, Lane: "core", Anomaly: "stuck", Episode: 2, Count: 1, Breaks: true}, {ID: 5, Lane: "other", Anomaly: "stuck", Episode: 2, Count: 1, Breaks: true}}}
	v.Lanes[0].Cells = []semantics.Cell{{Episode: 2, Fault: "kill-all", Stage: semantics.Applied, Result: semantics.Kept}}
	s, b := drawnJUnit(t, v)
	if want := "finding #4: stuck ×1 \n  explain: waybill explain results/runs/nats/RUN 4"; s.Failures != 2 || !strings.Contains(s.Suites[1].Cases[1].Failure.Text, want) || strings.Contains(string(b), "#5") {
		t.Errorf("want a failure with %q:\n%s", want, b)
	}
}
