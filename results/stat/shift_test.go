package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/perf/benchmath"
	"pgregory.net/rapid"
)

// Permeability of human placental membranes at term and between 12 and 26 weeks: Hollander and Wolfe, example 4.1, which R's wilcox.test has too.
var (
	atTerm  = []float64{0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46}
	earlier = []float64{1.15, 0.88, 0.90, 0.74, 1.21}
)

func TestPermeabilitiesAreEstimatedAsPublished(t *testing.T) {
	e := Shift(atTerm, earlier, 0.95)
	near(t, "estimate", e.Value, 0.305, 1e-9)
	near(t, "low end", e.Low, -0.15, 1e-9)
	near(t, "high end", e.High, 0.76, 1e-9)
	near(t, "P", e.P, 0.2544, 1e-4)
}

// Mann and Whitney's critical values, two-sided at 5 %: the table in every textbook.
func TestCriticalValuesOfTwoSamplesAreThoseOfTheTable(t *testing.T) {
	for _, c := range []struct{ n, m, want int }{{4, 4, 0}, {5, 5, 2}, {5, 10, 8}, {8, 8, 13}, {10, 10, 23}, {10, 15, 39}, {20, 20, 127}} {
		if got := shiftTail(c.n, c.m, 0.025) - 1; got != c.want {
			t.Errorf("%d and %d values: critical value %d, want %d", c.n, c.m, got, c.want)
		}
	}
	if got := shiftTail(3, 3, 0.025); got != 0 {
		t.Errorf("3 and 3 values: %d below the tail, and there is no interval for so few", got)
	}
}

func TestWithoutTiesAProbabilityIsThatOfBenchmath(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 6))
	for range 50 {
		xs, ys := make([]float64, 3+rng.IntN(8)), make([]float64, 3+rng.IntN(8))
		for i := range xs {
			xs[i] = rng.NormFloat64() + 1
		}
		for i := range ys {
			ys[i] = rng.NormFloat64()
		}
		near(t, "P", Shift(xs, ys, 0.95).P, min(1, benchmath.AssumeNothing.Compare(sample(xs), sample(ys)).P), 1e-9)
	}
}

// Of 0, 0 and 1 one is drawn: a 0 with two chances of three, whose rank is 1.5. Half of what is below is above.
func TestTiesAreCountedOut(t *testing.T) {
	near(t, "P", Shift([]float64{0}, []float64{0, 1}, 0.95).P, 1, 1e-12)
	near(t, "P", Shift([]float64{1}, []float64{0, 0}, 0.95).P, 2.0/3, 1e-12)
}

func TestTooFewRunsOfEitherShowTheirExtremesAndSaySo(t *testing.T) {
	e := Shift([]float64{5, 6, 8}, []float64{1, 2, 4}, 0.95)
	if e.Enough || e.Low != 1 || e.High != 7 {
		t.Errorf("got %+v", e)
	}
	if e := Shift(nil, []float64{1}, 0.95); e.Enough || e.P != 1 {
		t.Errorf("nothing to compare: %+v", e)
	}
}

func TestLargeSamplesAreComparedQuickly(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var xs, ys []float64
	for range 60 {
		xs, ys = append(xs, rng.NormFloat64()+2), append(ys, rng.NormFloat64())
	}
	if e := Shift(xs, ys, 0.95); !e.Enough || e.P > 1e-6 || e.Low > 2.2 || e.High < 1.8 {
		t.Errorf("sixty values each, 2 apart: %+v", e)
	}
}

func TestAShiftIsThatOfTheOthersTurnedRound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		xs, ys := someDifferences(t), someDifferences(t)
		given := slices.Clone(xs)
		a, b := Shift(xs, ys, 0.95), Shift(ys, xs, 0.95)
		if a.Value != -b.Value || a.Low != -b.High || a.High != -b.Low || a.Enough != b.Enough || math.Abs(a.P-b.P) > 1e-9 {
			t.Fatalf("%+v and %+v", a, b)
		}
		if !slices.Equal(given, xs) {
			t.Fatal("the argument was changed")
		}
	})
}

func TestIntervalsOfShiftsContainTheTruthAsOftenAsTheySay(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	const repeats = 2000
	missed := 0
	for range repeats {
		xs, ys := make([]float64, 8), make([]float64, 10)
		for i := range xs {
			xs[i] = 5 + rng.ExpFloat64()
		}
		for i := range ys {
			ys[i] = 4 + rng.ExpFloat64()
		}
		if e := Shift(xs, ys, 0.95); e.Low > 1 || e.High < 1 {
			missed++
		}
	}
	if most := AtMost(repeats, 0.05, 0.9999); missed > most || missed < repeats/50 {
		t.Errorf("%d of %d intervals miss the truth: at most %d may, and at least %d do when they are no wider than they must be", missed, repeats, most, repeats/50)
	}
}
