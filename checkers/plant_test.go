package checkers_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/semantics"
)

// tolerated are the other anomalies that a plant cannot help showing: they have causes of their own.
var tolerated = map[string][]string{
	"confirm another position":                                     {"reordered"},        // the message itself, or those behind it
	"show the outputs of an aborted transaction":                   {"duplicate effect"}, // its inputs were processed again
	"show the outputs of a transaction whose commit nobody called": {"duplicate effect"},
	"reuse the position of a stored message in its own epoch":      {"vanished", "nonlinear"}, // what lies between was appended before
	"reuse the position of a stored message in another epoch":      {"nonlinear"},
	"swap the positions of two messages sent in order":             {"nonlinear"}, // those between, of other keys
}

// breakNothing are anomalies of consumers, which none of the modes forbids.
var breakNothing = []string{"illegal redelivery", "early redelivery", "skipped", "nonmonotonic", "nonlinear"}

func TestThePlantedAnomalyIsNamedInItsEpisode(t *testing.T) {
	var made []checkertest.History
	for seed := range uint64(10) {
		for _, o := range families() {
			if seed%2 == 1 {
				o.Faults = []string{"kill-consumer", "lose-confirms"}
			}
			made = append(made, checkertest.Generate(seed, o))
		}
	}
	for _, p := range plant.All() {
		t.Run(p.Name, func(t *testing.T) {
			planted := 0
			for n, h := range made {
				seed := h.Experiment.Seed
				rng := rand.New(rand.NewPCG(uint64(n), 7))
				for i, l := range h.Experiment.Lanes {
					if !p.Fits(l.Mode) {
						continue
					}
					out, ok := p.Apply(rng, h.Events, uint32(i))
					if !ok {
						continue
					}
					planted++
					in := h.Input()
					in.Source = out.Events
					v := audit(t, in)
					if !named(v, p, out, l.Name) {
						t.Fatalf("seed %d, lane %s: planted %v in episode %d, found %+v", seed, l.Name, out.Msgs, out.Episode, v.Findings)
					}
					for _, f := range v.Findings {
						if fine(f) {
							continue
						}
						if f.Lane != l.Name || !strings.HasPrefix(f.Anomaly, p.Anomaly) && !strings.Contains(strings.Join(tolerated[p.Name], ","), f.Anomaly) {
							t.Fatalf("seed %d, lane %s: planted %v, found %+v as well", seed, l.Name, out.Msgs, f)
						}
					}
				}
			}
			if planted < 5 {
				t.Fatalf("only %d places for it in %d histories", planted, len(made))
			}
		})
	}
}

// named reports whether a verdict has exactly the planted finding, and the run's result follows from it.
func named(v semantics.Verdict, p plant.Plant, out plant.Planted, lane string) bool {
	want := map[string]bool{}
	for _, m := range out.Msgs {
		want[m.Prefix(v.Run)] = true
	}
	for _, f := range v.Findings {
		if f.Lane != lane || !strings.HasPrefix(f.Anomaly, p.Anomaly) || f.Episode != out.Episode || !strings.Contains(f.Detail, p.Detail) {
			continue
		}
		if len(want) > 0 && int(f.Count) != len(want) {
			continue
		}
		for _, token := range f.Tokens {
			if len(want) > 0 && !want[token] {
				return false
			}
		}
		switch {
		case f.Breaks:
			return v.Result == semantics.Broken && v.ExitCode == 1
		case p.Anomaly == "foreign":
			return v.Result == semantics.Inconclusive
		default:
			return slices.Contains(breakNothing, p.Anomaly) || // at least once permits it,
				strings.HasPrefix(p.Anomaly, "lost: ") && lane == "autocommit-early" // and at most once that
		}
	}
	return false
}
