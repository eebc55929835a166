package checkers_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
)

// A verdict names the first messages of a finding, and Named has all of them: those first, in the same order, and as many as are counted.
func TestNamedHasEveryMessageOfAFinding(t *testing.T) {
	h := checkertest.Generate(2, checkertest.Options{Messages: 40, Faults: []string{"kill-leader"}})
	in, cut := h.Input(), 0
	for _, p := range plant.All() {
		events := h.Events
		for n := range uint64(25) { // more than a verdict names, where there is room for them
			for lane, l := range h.Experiment.Lanes {
				if out, ok := p.Apply(rand.New(rand.NewPCG(n, 3)), events, uint32(lane)); ok && p.Fits(l.Mode) {
					events = out.Events
				}
			}
			if n > 0 && p.Anomaly != "lost: vanished" {
				break
			}
		}
		in.Source = events
		v, named, err := checkers.AuditNamed(context.Background(), in)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range v.Findings {
			all := slices.Collect(named.Of(f.ID))
			if f.Anomaly == "foreign" || len(f.Tokens) == 0 {
				if len(all) > 0 {
					t.Errorf("%s: %q is about no message of this run, and has %v", p.Name, f.Anomaly, all)
				}
				continue
			}
			if int64(len(all)) != f.Count {
				t.Errorf("%s: %q has %d messages, %d are counted", p.Name, f.Anomaly, len(all), f.Count)
			}
			for i, token := range f.Tokens {
				if all[i].Prefix(v.Run) != token {
					t.Errorf("%s: message %d of %q is %s, the verdict names %s", p.Name, i, f.Anomaly, all[i].Prefix(v.Run), token)
				}
				if !slices.Contains(named.Findings(v, all[i]), f.ID) {
					t.Errorf("%s: %s is not said to be of finding %d", p.Name, token, f.ID)
				}
			}
			if len(all) > len(f.Tokens) {
				cut++
			}
		}
	}
	if cut == 0 {
		t.Error("no finding had more messages than a verdict names")
	}
}
