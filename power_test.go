package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"waybill/harness/lab/labtest"
	"waybill/harness/run"
	"waybill/harness/semantics"
)

// What a plain kill cannot show: servers that acknowledge what is in memory lose it when all lose power at once, and servers that sync
// first do not.
func TestALossOfPowerTellsTheServersThatSyncFromThoseThatDoNot(t *testing.T) {
	labtest.Hold(t)
	labtest.Need(t, "disks that forget", run.DisksHere(t.Context()) == "")
	for _, c := range []struct {
		mode, exit string
		result     semantics.Result
		vanish     bool
	}{
		{"jetstream", "2", semantics.Observed, true}, // nothing is promised, so nothing is kept
		{"jetstream-sync", "0", semantics.Kept, false},
	} {
		t.Run(c.mode, func(t *testing.T) {
			out := t.TempDir()
			said, err := waybill("power", "test", "--mode", c.mode, "--fault", "power-failure", "--seed", "1", "--out", out).CombinedOutput()
			exit := "0"
			if err != nil {
				exit = exitCode(err)
			}
			if exit != c.exit {
				t.Fatalf("exit %s, want %s\n%s", exit, c.exit, said)
			}
			text, err := os.ReadFile(filepath.Join(runDir(t, out), "verdict.json"))
			if err != nil {
				t.Fatal(err)
			}
			var v semantics.Verdict
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			for _, x := range v.Lanes[0].Cells {
				if x.Fault == "power-failure" && x.Stage == semantics.Stored && x.Result != c.result {
					t.Errorf("stored: %s, %s; want %s", x.Result, x.Why, c.result)
				}
				for _, e := range x.Exposure {
					if strings.HasPrefix(e.What, "disks") && e.Seen != 3 {
						t.Errorf("%s: %d, want 3", e.What, e.Seen)
					}
				}
			}
			vanished := int64(0)
			for _, f := range v.Findings {
				if strings.Contains(f.Anomaly, "vanished") {
					vanished += f.Count
				}
			}
			if (vanished > 0) != c.vanish {
				t.Errorf("%d acknowledged messages vanished from the store", vanished)
			}
			facts, err := os.ReadFile(filepath.Join(runDir(t, out), "manifest.json"))
			if err != nil || !strings.Contains(string(facts), "model lazy; writes of 1 MiB at") {
				t.Errorf("%v: the manifest does not say on which disks the brokers were:\n%s", err, facts)
			}
		})
	}
}
