package results

import (
	"bytes"
	"encoding/xml"
	"testing"

	"waybill/harness/golden"
	"waybill/harness/semantics"
)

func junit(t *testing.T, v semantics.Verdict) (junitSuites, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, v); err != nil {
		t.Fatal(err)
	}
	var s junitSuites
	if err := xml.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatalf("not XML: %v\n%s", err, b.Bytes())
	}
	return s, b.Bytes()
}

func TestJUnitGolden(t *testing.T) {
	_, b := junit(t, sampleVerdict())
	golden.Compare(t, "junit.xml", b)
}

func TestJUnitCountsWhatItHolds(t *testing.T) {
	s, _ := junit(t, sampleVerdict())
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
		if s, _ := junit(t, v); s.Errors == 0 {
			t.Errorf("verdict %q: JUnit has no error", v.Result)
		}
	}
}
