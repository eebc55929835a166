package checkers_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

func audit(t testing.TB, in checkers.Input) semantics.Verdict {
	t.Helper()
	v, err := checkers.Audit(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	if small, ok := in.Source.(history.Memory); ok && len(small) < 400 && !slices.ContainsFunc(in.Segments, func(s checkers.Segment) bool { return !s.Sealed || s.Cut != "" }) {
		if d := disagreement(t, in); d != "" {
			t.Errorf("the naive audit says otherwise (-naive +audit):\n%s", d)
		}
	}
	for _, l := range v.Lanes {
		g := l.Ledger
		if g.Acked-g.AckedApplied != g.Lost.Sum()+g.Undecided {
			t.Fatalf("%s: the parts of lost do not sum up: %+v", l.Name, g)
		}
		if g.Acked+g.Rejected+g.Unknown != g.Sent {
			t.Fatalf("%s: the outcomes do not sum up: %+v", l.Name, g)
		}
	}
	return v
}

// wrong lists what keeps a verdict from being clean.
func wrong(v semantics.Verdict) []string {
	var out []string
	for _, f := range v.Findings {
		if !fine(f) {
			out = append(out, fmt.Sprintf("found %+v", f))
		}
	}
	for _, l := range v.Lanes {
		for _, c := range l.Cells {
			if bare := c.Guarantee == semantics.None; bare && c.Result != semantics.Observed || !bare && c.Result != semantics.Kept && c.Result != semantics.NotAffected {
				out = append(out, fmt.Sprintf("%s, episode %d (%s), %s %s: %s, %s", l.Name, c.Episode, c.Fault, c.Guarantee, c.Stage, c.Result, c.Why))
			}
		}
	}
	for _, a := range v.Assumptions {
		if !a.Held {
			out = append(out, a.Name+": "+a.Why)
		}
	}
	if v.Result != semantics.Kept || v.ExitCode != 0 {
		out = append(out, string(v.Result))
	}
	return out
}

func TestWithoutAPlantTheAuditFindsNothing(t *testing.T) {
	for seed := range uint64(1000) {
		h := checkertest.Generate(seed, checkertest.Options{})
		v := audit(t, h.Input())
		if w := wrong(v); len(w) > 0 {
			t.Fatalf("seed %d, %v:\n%v", seed, h.Schedule.Episodes, w)
		}
		for _, l := range v.Lanes {
			if l.Ledger.Undecided != 0 || l.Ledger.Lost.Sum() != 0 {
				t.Fatalf("seed %d: %+v", seed, l.Ledger)
			}
		}
	}
}
