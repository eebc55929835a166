package checkers_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"waybill/checkers/checkertest"
	"waybill/checkers/plant"
	"waybill/harness/semantics"
)

// tolerated are the other anomalies that a plant cannot help showing: they have causes of their own.
var tolerated = map[string][]string{
	"confirm another position":      {"reordered"}, // the message itself, or those behind it
	"swap two copies in every scan": {},
}

func TestThePlantedAnomalyIsNamedInItsEpisode(t *testing.T) {
	for _, p := range plant.All() {
		t.Run(p.Name, func(t *testing.T) {
			planted := 0
			for seed := range uint64(12) {
				h := checkertest.Generate(seed, checkertest.Options{})
				rng := rand.New(rand.NewPCG(seed, 7))
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
						if f.Lane != l.Name || !strings.HasPrefix(f.Anomaly, p.Anomaly) && !strings.Contains(strings.Join(tolerated[p.Name], ","), f.Anomaly) {
							t.Fatalf("seed %d, lane %s: planted %v, found %+v as well", seed, l.Name, out.Msgs, f)
						}
					}
				}
			}
			if planted < 5 {
				t.Fatalf("only %d places for it in 12 histories", planted)
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
		if f.Lane != lane || !strings.HasPrefix(f.Anomaly, p.Anomaly) || f.Episode != out.Episode {
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
			return p.Anomaly == "illegal redelivery" // at least once permits it
		}
	}
	return false
}
