package measure_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/goccy/go-yaml"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results/measure"
)

// Runs with faults, recorded by real brokers: what clients say they sent, had acknowledged and applied is what the audit counts. It
// also looks whether the effects are there: those of a broken Kafka that were told to be committed and are not.
func TestCountsAreThoseOfTheAuditsLedger(t *testing.T) {
	dirs, err := filepath.Glob(filepath.Join("..", "..", "checkers", "testdata", "runs", "*", "verdict.json"))
	if err != nil || len(dirs) < 5 {
		t.Fatalf("recorded runs: %d, %v", len(dirs), err)
	}
	for _, file := range dirs {
		dir := filepath.Dir(file)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			var v semantics.Verdict
			var e experiment.Experiment
			if err := errFirst(read(file, &v, json.Unmarshal), read(filepath.Join(dir, "experiment.yaml"), &e, yaml.Unmarshal)); err != nil {
				t.Fatal(err)
			}
			h, err := history.Open(filepath.Join(dir, "history"))
			if err != nil {
				t.Fatal(err)
			}
			for i, lane := range v.Lanes {
				f, err := measure.Run(t.Context(), h, measure.Job{Lane: e.Lanes[i], Index: uint32(i), Load: e.Load, Window: measure.Window{From: 0, To: 1 << 60}})
				if err != nil {
					t.Fatal(err)
				}
				got, want := f.Counts, lane.Ledger
				if got.Sent != want.Sent || got.Acked != want.Acked || got.Unknown != want.Unknown || got.Applied != want.Applied+want.Lost.InEffect {
					t.Errorf("%s: sent %d, acked %d, unknown %d, applied %d; the audit says %d, %d, %d, %d and %d lost in the effect store", lane.Name,
						got.Sent, got.Acked, got.Unknown, got.Applied, want.Sent, want.Acked, want.Unknown, want.Applied, want.Lost.InEffect)
				}
			}
		})
	}
}

func read(file string, into any, unmarshal func([]byte, any) error) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return unmarshal(b, into)
}

func errFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
