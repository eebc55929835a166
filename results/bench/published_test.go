package bench_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/results/bench"
)

// What is published must be what its replicates say by the code beside it: waybill report results/published/* writes it again.
func TestPublishedFiguresFollowFromTheirReplicates(t *testing.T) {
	plans, err := filepath.Glob("../published/*/bench.yaml")
	if err != nil || len(plans) == 0 {
		t.Fatalf("nothing is published below results/published: %v", err)
	}
	for _, plan := range plans {
		d, err := bench.OpenDir(filepath.Dir(plan))
		if err != nil {
			t.Fatal(err)
		}
		s, _, err := d.Load()
		if err != nil {
			t.Fatal(err)
		}
		published, err := os.ReadFile(d.Path("summary.json"))
		if err != nil {
			t.Fatal(err)
		}
		follows, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		var x, y any
		if err := json.Unmarshal(published, &x); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(follows, &y); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(y, x); diff != "" {
			t.Errorf("%s: its summary.json is not what its replicates say (-follows +published):\n%s", d, diff)
		}
	}
}
