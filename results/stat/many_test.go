package stat

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The example of R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm").
func TestHolmCorrectsAsPublished(t *testing.T) {
	got := Holm([]float64{0.01, 0.04, 0.03, 0.005})
	for i, want := range []float64{0.03, 0.06, 0.06, 0.02} {
		near(t, "corrected", got[i], want, 1e-12)
	}
	if got := Holm([]float64{0.7, 0.9}); got[0] != 1 || got[1] != 1 {
		t.Errorf("a probability above 1: %v", got)
	}
}

func TestAMedianIsBetweenOrderStatistics(t *testing.T) {
	e := Median([]float64{9, 1, 5, 3, 7, 2, 8, 4, 6, 10}, 0.95)
	// Of ten values the second and the ninth span the median with 97.9 %: 1 - 2·11/1024.
	if e.Value != 5.5 || e.Low != 2 || e.High != 9 || !e.Enough {
		t.Errorf("got %+v", e)
	}
	near(t, "confidence", e.Confidence, 1-22.0/1024, 1e-9)
	if e := Median([]float64{3, 1, 2, 5, 4}, 0.95); e.Enough || e.Low != 1 || e.High != 5 || e.Value != 3 {
		t.Errorf("of five: %+v", e)
	}
	if e := Median([]float64{3, 1, 2, 5, 4, 6}, 0.95); !e.Enough || e.Low != 1 || e.High != 6 {
		t.Errorf("of six: %+v", e)
	}
}

func TestMediansContainTheTruthAsOftenAsTheySay(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	const repeats = 4000
	missed := 0
	for range repeats {
		xs := make([]float64, 10)
		for i := range xs {
			xs[i] = rng.ExpFloat64()
		}
		if e := Median(xs, 0.95); e.Low > math.Ln2 || e.High < math.Ln2 {
			missed++
		}
	}
	if most := AtMost(repeats, 0.05, 0.9999); missed > most {
		t.Errorf("%d of %d intervals miss the median, at most %d may", missed, repeats, most)
	}
}

func TestAtMostCountsOutABinomial(t *testing.T) {
	for _, c := range []struct {
		n    int
		p, q float64
		want int
	}{{40, 0.05, 0.95, 4}, {40, 0.05, 0.99, 6}, {20, 0.05, 0.95, 3}, {1, 0.05, 0.9, 0}, {1, 0.05, 0.99, 1}, {3, 1, 0.5, 3}} {
		if got := AtMost(c.n, c.p, c.q); got != c.want {
			t.Errorf("of %d at %v, with %v: %d, want %d", c.n, c.p, c.q, got, c.want)
		}
	}
}
