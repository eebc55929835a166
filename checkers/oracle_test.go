package checkers_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/checkers/naive"
	"waybill/checkers/plant"
	"waybill/harness/history"
)

// disagreement compares what the audit finds and counts with what the naive one does: every message of every finding, at its stage and in
// its episode, and every field of every ledger. It returns "" where they agree.
func disagreement(t testing.TB, in checkers.Input) string {
	t.Helper()
	want, err := naive.Audit(in.Source, in.Experiment)
	if err != nil {
		t.Fatal(err)
	}
	return gocmp.Diff(want, told(t, in))
}

// told is what the audit says, as the naive one would: findings that differ in their details only are one, and liveness is left out.
func told(t testing.TB, in checkers.Input) naive.Report {
	t.Helper()
	v, named, err := checkers.AuditNamed(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	var out naive.Report
	for _, l := range v.Lanes {
		lane := naive.Lane{Name: l.Name, Ledger: l.Ledger}
		for _, f := range v.Findings {
			if f.Lane == l.Name && f.Anomaly != "stuck" && f.Anomaly != "unavailable" {
				lane.Findings = add(lane.Findings, naive.Finding{Anomaly: f.Anomaly, Stage: f.Stage, Episode: f.Episode, Count: f.Count,
					Msgs: slices.Collect(named.Of(f.ID))})
			}
		}
		slices.SortFunc(lane.Findings, func(a, b naive.Finding) int {
			return cmp.Or(cmp.Compare(a.Anomaly, b.Anomaly), cmp.Compare(a.Stage, b.Stage), cmp.Compare(a.Episode, b.Episode))
		})
		out.Lanes = append(out.Lanes, lane)
	}
	return out
}

func add(list []naive.Finding, f naive.Finding) []naive.Finding {
	for i := range list {
		o := &list[i]
		if o.Anomaly != f.Anomaly || o.Stage != f.Stage || o.Episode != f.Episode {
			continue
		}
		o.Msgs = append(o.Msgs, f.Msgs...)
		slices.SortFunc(o.Msgs, func(a, b history.Msg) int { return cmp.Or(cmp.Compare(a.Life, b.Life), cmp.Compare(a.Seq, b.Seq)) })
		o.Msgs = slices.Compact(o.Msgs)
		o.Count = int64(len(o.Msgs))
		return list
	}
	return append(list, f)
}

func TestTheAuditAgreesWithTheNaiveOne(t *testing.T) {
	var made []checkertest.History
	for seed := range uint64(4) {
		for _, o := range families() {
			o.Messages, o.Faults = 4, []string{checkertest.Faults()[seed], "lose-confirms", "kill-consumer"}
			made = append(made, checkertest.Generate(seed, o))
		}
	}
	plants := plant.All()
	for n, p := range plants {
		places := 0
		for k, h := range made {
			if places == 3 {
				break
			}
			rng := rand.New(rand.NewPCG(uint64(n), uint64(k)))
			in := h.Input()
			for i, l := range h.Experiment.Lanes {
				if !p.Fits(l.Mode) {
					continue
				}
				out, ok := p.Apply(rng, h.Events, uint32(i))
				if !ok {
					continue
				}
				places++
				other := plants[rng.IntN(len(plants))] // and something else, in any lane
				if j := rng.IntN(len(h.Experiment.Lanes)); other.Fits(h.Experiment.Lanes[j].Mode) {
					if more, ok := other.Apply(rng, out.Events, uint32(j)); ok {
						out = more
					}
				}
				in.Source = out.Events
				if d := disagreement(t, in); d != "" {
					t.Fatalf("%s in lane %s of history %d, and perhaps %s (-naive +audit):\n%s", p.Name, l.Name, k, other.Name, d)
				}
				break
			}
		}
		if places == 0 {
			t.Errorf("nowhere did it %s", p.Name)
		}
	}
}
