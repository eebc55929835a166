package campaign

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/semantics"
	"waybill/results"
)

func TestNoTwoRoundsOfASoakHaveTheSameSeed(t *testing.T) {
	for _, seed := range []uint64{1, 2, 7, 1 << 40} {
		seen := map[uint64]int{}
		for n := range 100_000 {
			s := RoundSeed(seed, n)
			if at, taken := seen[s]; taken || s == 0 {
				t.Fatalf("seed %d: rounds %d and %d have seed %d", seed, at, n, s)
			}
			seen[s] = n
		}
	}
	first, again, other := RoundSeed(1, 1), RoundSeed(1, 1), RoundSeed(2, 1)
	if first != again || first == other {
		t.Errorf("a round's seed follows from the soak's: %d, %d, and %d of another soak", first, again, other)
	}
}

// What a round leaves is bounded but for those that somebody has to look at.
func TestARoundLeavesWhatItsResultNeeds(t *testing.T) {
	whole := []string{"brokers", "experiment.yaml", "history", "manifest.json", "schedule.yaml", "verdict.json"}
	for _, c := range []struct {
		name   string
		result semantics.Result
		err    error
		want   []string
	}{
		{"kept: nothing", semantics.Kept, nil, nil},
		{"inconclusive: the verdict", semantics.Inconclusive, nil, []string{"experiment.yaml", "manifest.json", "schedule.yaml", "verdict.json"}},
		{"broken: everything", semantics.Broken, nil, whole},
		{"kept, but it failed: everything", semantics.Kept, errors.New("disk full"), whole},
		{"not judged: everything", "", errors.New("the controller ended"), whole},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, _ := runDir(t, 1)
			if err := d.SaveVerdict(semantics.Verdict{}); err != nil {
				t.Fatal(err)
			}
			kept, err := thin(d, c.result, c.err)
			if err != nil {
				t.Fatal(err)
			}
			entries, err := os.ReadDir(string(d))
			if err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries {
				got = append(got, e.Name())
			}
			if diff := cmp.Diff(c.want, got); diff != "" || kept != (c.want != nil) {
				t.Errorf("kept %v; want (-), got (+):\n%s", kept, diff)
			}
		})
	}
	if kept, err := thin(results.Dir(""), semantics.Kept, nil); kept || err != nil {
		t.Errorf("of a run that never had a directory: %v, %v", kept, err)
	}
}

func TestTheDiskUseIsThatOfAllFilesBelow(t *testing.T) {
	dir := t.TempDir()
	for i, name := range []string{"a", "b/c", "b/d/e"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, make([]byte, 100<<i), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := diskUse(dir); n != 700 || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}
