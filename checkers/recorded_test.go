package checkers_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"waybill/checkers"
	"waybill/harness/golden"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
)

// recordedRuns are run directories of real runs, and what each is there for. Their verdicts are in files beside them, which -update
// rewrites; what is said here stays.
var recordedRuns = map[string]struct {
	result semantics.Result
	needs  func(semantics.Verdict) bool // what makes it worth keeping
}{
	"nats-kept":                {semantics.Kept, func(v semantics.Verdict) bool { return cellsOf(v, semantics.Applied, semantics.AtMostOnce) > 0 }},
	"nats-power-kept":          {semantics.Kept, func(v semantics.Verdict) bool { return v.Episodes[0].Fault == "power-failure" }},
	"kafka-transactional-kept": {semantics.Kept, func(v semantics.Verdict) bool { return cellsOf(v, semantics.Applied, semantics.ExactlyOnce) > 0 }},
	"rabbitmq-kept":            {semantics.Kept, func(v semantics.Verdict) bool { return cellsOf(v, semantics.Applied, semantics.AtLeastOnce) > 0 }},
	// A transaction's end that arrived late committed what the client had aborted: mended in 4.0.
	"kafka-3.9.1-broken": {semantics.Broken, broke("resurrected")},
	// Made with a Waybill that was wrong on purpose: its producers sent no message ids, its consumers asked no ledger, and it promised what
	// the vendor leaves out.
	"nats-without-ids-broken":    {semantics.Broken, broke("duplicate in store")},
	"nats-without-ledger-broken": {semantics.Broken, broke("duplicate effect")},
	"nats-unsynced-broken":       {semantics.Broken, broke("vanished")},
	"nats-not-exercised":         {semantics.Inconclusive, func(v semantics.Verdict) bool { return v.CutShort == "" }},
	"nats-cut-short":             {semantics.Inconclusive, func(v semantics.Verdict) bool { return v.CutShort != "" }},
}

// broke reports whether an anomaly broke a promise.
func broke(anomaly string) func(semantics.Verdict) bool {
	return func(v semantics.Verdict) bool {
		return slices.ContainsFunc(v.Findings, func(f semantics.Finding) bool { return f.Breaks && f.Anomaly == anomaly })
	}
}

func cellsOf(v semantics.Verdict, s semantics.Stage, g semantics.Guarantee) (n int) {
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			if c.Stage == s && c.Guarantee == g {
				n++
			}
		}
	}
	return n
}

const recordedDir = "testdata/runs"

// A later version cannot change its mind about a run in silence: what it says of each is compared with what was said before.
func TestTheVerdictOfARecordedRunIsTheRecordedOne(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../docs/verdict.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range recordedRuns {
		t.Run(name, func(t *testing.T) {
			v := auditRecorded(t, results.Dir(filepath.Join(recordedDir, name)))
			b, err := json.MarshalIndent(v, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, filepath.Join("runs", name, "verdict.json"), append(b, '\n'))
			if v.Result != want.result || !want.needs(v) {
				t.Errorf("the run is %s, want %s, and what it is kept for", v.Result, want.result)
			}
			x, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if err := schema.Validate(x); err != nil {
				t.Errorf("not as docs/verdict.schema.json says: %v", err)
			}
			if _, err := results.Dir(filepath.Join(recordedDir, name)).LoadVerdict(); err != nil {
				t.Error(err)
			}
		})
	}
	entries, err := os.ReadDir(recordedDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if _, known := recordedRuns[e.Name()]; !known && e.IsDir() {
			t.Errorf("%s is audited by nobody", e.Name())
		}
	}
}

// auditRecorded audits a run directory as the command does.
func auditRecorded(t *testing.T, d results.Dir) semantics.Verdict {
	t.Helper()
	x, err := d.LoadExperiment()
	if err != nil {
		t.Fatal(err)
	}
	s, err := d.LoadSchedule()
	if err != nil {
		t.Fatal(err)
	}
	h, err := history.Open(d.History())
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Verify(); err != nil {
		t.Fatal(err)
	}
	in := checkers.Input{Source: h, Experiment: x, Schedule: s}
	for _, seg := range h.Segments() {
		in.Segments = append(in.Segments, checkers.Segment{Name: filepath.Base(seg.Path), Life: seg.Header.Life, Cut: seg.Cut, Sealed: seg.Sealed != history.Unsealed})
	}
	v, err := checkers.Audit(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var ofAMachine = regexp.MustCompile(`/(home|root|work|tmp/[a-z]+/)[a-z0-9/]*`)

// What is committed names no folder of the machine that it was recorded on.
func TestRecordedRunsNameNoMachine(t *testing.T) {
	err := filepath.WalkDir(recordedDir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if m := ofAMachine.Find(b); m != nil {
			t.Errorf("%s holds %q", path, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
