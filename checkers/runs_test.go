package checkers_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"waybill/harness/history"
	"waybill/results"
)

// runs are the recorded histories of real runs: those below testdata, and those below the folders of WAYBILL_RUNS (a list, like PATH).
func runs(t *testing.T) []recorded {
	t.Helper()
	var out []recorded
	for _, root := range append([]string{"testdata"}, filepath.SplitList(os.Getenv("WAYBILL_RUNS"))...) {
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.Name() != "manifest.json" {
				return err
			}
			out = append(out, load(t, filepath.Dir(path)))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

func load(t *testing.T, path string) recorded {
	t.Helper()
	dir, err := results.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	out := recorded{name: filepath.Base(path)}
	if out.experiment, err = dir.LoadExperiment(); err != nil {
		t.Fatal(err)
	}
	h, err := history.Open(dir.History())
	if err != nil {
		t.Fatal(err)
	}
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		out.events = append(out.events, *e)
	}
	return out
}

func TestTheAuditAgreesWithTheNaiveOneOnRecordedRuns(t *testing.T) {
	for _, r := range runs(t) {
		if d := disagreement(t, r.input(r.events)); d != "" {
			t.Errorf("%s (-naive +audit):\n%s", r.name, d)
		}
		t.Logf("%s: %d events", r.name, len(r.events))
	}
}

// bySize puts the runs with the fewest events first.
func bySize(all []recorded) []recorded {
	slices.SortStableFunc(all, func(a, b recorded) int { return len(a.events) - len(b.events) })
	return all
}
