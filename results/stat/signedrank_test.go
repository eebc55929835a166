package stat

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Differences of published examples.
var (
	// Change of Hamilton's depression scale in nine patients after tranquilizers: Hollander and Wolfe, example 3.1, which R's wilcox.test has too.
	depression = pairs([]float64{1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30},
		[]float64{0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29})
	// Heights of cross- less self-fertilized maize, in eighths of an inch: Darwin 1876, as Fisher's Design of Experiments treats them and SciPy's
	// documentation of wilcoxon does.
	maize = []float64{49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48}
)

func pairs(xs, ys []float64) (out []float64) {
	for i := range xs {
		out = append(out, xs[i]-ys[i])
	}
	return out
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s: got %v, want %v within %v", what, got, want, within)
	}
}

func TestDepressionScalesAreEstimatedAsPublished(t *testing.T) {
	e := SignedRank(depression, 0.95)
	near(t, "estimate", e.Value, 0.46, 1e-9)
	near(t, "low end", e.Low, 0.010, 1e-9)
	near(t, "high end", e.High, 0.786, 1e-9)
	near(t, "confidence", e.Confidence, 0.961, 5e-4)
	near(t, "P", e.P, 0.0390625, 1e-12)
	if !e.Enough || e.N != 9 {
		t.Errorf("nine pairs are enough: %+v", e)
	}
}

func TestDarwinsMaizeIsTestedAsPublished(t *testing.T) {
	near(t, "P", SignedRank(maize, 0.95).P, 0.041259765625, 1e-12)
}

// The largest smaller sum of ranks that is significant at 5 %, two-sided: the table in every textbook, after Wilcoxon 1945.
func TestCriticalValuesAreThoseOfTheTable(t *testing.T) {
	for n, want := range map[int]int{6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 13: 17, 14: 21, 15: 25, 16: 29, 17: 34, 18: 40, 19: 46, 20: 52, 25: 89, 30: 137, 40: 264, 50: 434} {
		if got := signedRankTail(n, 0.025) - 1; got != want {
			t.Errorf("%d differences: critical value %d, want %d", n, got, want)
		}
	}
	for n := range 6 {
		if got := signedRankTail(n, 0.025); got != 0 {
			t.Errorf("%d differences: %d below the tail, and there is no interval for so few", n, got)
		}
	}
}

func TestTooFewPairsShowTheirExtremesAndSaySo(t *testing.T) {
	for _, d := range [][]float64{{0.3}, {0.1, -0.2}, {0.5, 0.1, 0.2, 0.3, 0.4}} {
		e := SignedRank(d, 0.95)
		if e.Enough || e.Low != slices.Min(d) || e.High != slices.Max(d) || e.Confidence != 0 {
			t.Errorf("%v: got %+v", d, e)
		}
	}
	if e := SignedRank(nil, 0.95); e.Enough || e.P != 1 || e.N != 0 {
		t.Errorf("no pairs: got %+v", e)
	}
}

// Ranks of |0|, |0|, |1|, |-1|, |2| are 1.5, 1.5, 3.5, 3.5 and 5; without the zeros 3.5, 3.5 and 5 with signs +, - and +. Of the eight
// ways to give them signs the sums of positive ones are 0, 3.5, 3.5, 5, 7, 8.5, 8.5 and 12: three are at most 3.5, so P is 6/8.
func TestZerosAreRankedAndLeftOutAndTiesShareTheirRank(t *testing.T) {
	near(t, "P", SignedRank([]float64{0, 0, 1, -1, 2}, 0.95).P, 0.75, 1e-12)
	// Ranks 1.5, 1.5, 3, 4 and 5, of which the first two are negative: sums of at most 3 are 0, 1.5 twice and 3 twice, of 32.
	near(t, "P", SignedRank([]float64{-1, -1, 2, 3, 4}, 0.95).P, 2*5.0/32, 1e-12)
	near(t, "P of nothing but zeros", SignedRank(make([]float64, 8), 0.95).P, 1, 0)
}

func TestTheNormalDistributionTakesOverWhereCountingEnds(t *testing.T) {
	below := signedRankBelow(exactUpTo, 2000)
	mean, deviation := signedRankMoments(exactUpTo)
	near(t, "probability", normalBelow((2000.5-mean)/deviation), below, 1e-3)
	if a, b := signedRankTail(exactUpTo, 0.025), int(mean+0.5+deviation*normalQuantile(0.025)); a-b < -5 || a-b > 5 {
		t.Errorf("the tail of %d is %d when counted out, and %d by the normal distribution", exactUpTo, a, b)
	}
	var ds []float64
	rng := rand.New(rand.NewPCG(1, 1))
	for range exactUpTo + 50 {
		ds = append(ds, 1+rng.NormFloat64())
	}
	if e := SignedRank(ds, 0.95); !e.Enough || e.P > 1e-6 || e.Low > 1.2 || e.High < 0.8 {
		t.Errorf("150 differences around 1: %+v", e)
	}
}

// someDifferences have ties and zeros often.
func someDifferences(t *rapid.T) []float64 {
	whole := rapid.SliceOfN(rapid.IntRange(-20, 20), 1, 25).Draw(t, "differences")
	out := make([]float64, len(whole))
	for i, w := range whole {
		out[i] = float64(w)
	}
	return out
}

func TestAnEstimateMovesWithItsData(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := someDifferences(t)
		e := SignedRank(ds, 0.95)
		if e.Low > e.Value || e.Value > e.High || e.P <= 0 || e.P > 1 {
			t.Fatalf("%v: %+v", ds, e)
		}
		moved, scaled, mirrored := make([]float64, len(ds)), make([]float64, len(ds)), make([]float64, len(ds))
		for i, d := range ds {
			moved[i], scaled[i], mirrored[i] = d+64, 4*d, -d
		}
		shuffled := slices.Clone(ds)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rng.Shuffle(len(ds), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := SignedRank(shuffled, 0.95); got != e {
			t.Fatalf("in another order: %+v, not %+v", got, e)
		}
		if got := SignedRank(moved, 0.95); got.Value != e.Value+64 || got.Low != e.Low+64 || got.High != e.High+64 {
			t.Fatalf("moved by 64: %+v, not as %+v", got, e)
		}
		if got := SignedRank(scaled, 0.95); got.Value != 4*e.Value || got.Low != 4*e.Low || got.High != 4*e.High || got.P != e.P {
			t.Fatalf("times four: %+v, not as %+v", got, e)
		}
		if got := SignedRank(mirrored, 0.95); got.Value != -e.Value || got.Low != -e.High || got.High != -e.Low || got.P != e.P {
			t.Fatalf("mirrored: %+v, not as %+v", got, e)
		}
	})
}

// Without ties the interval is what the test does not reject: P crosses 5 % at its ends. Means of whole numbers are half a one apart at least.
func TestTheIntervalIsWhatTheTestDoesNotReject(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ds := make([]float64, 0, 15)
		for _, d := range rapid.SliceOfNDistinct(rapid.IntRange(-1000, 1000), 6, 15, rapid.ID[int]).Draw(t, "differences") {
			ds = append(ds, float64(d))
		}
		e := SignedRank(ds, 0.95)
		p := func(theta float64) float64 {
			moved := make([]float64, len(ds))
			for i, d := range ds {
				moved[i] = d - theta
			}
			return SignedRank(moved, 0.95).P
		}
		if low, high := p(e.Low-0.25), p(e.High+0.25); low > 0.05 || high > 0.05 {
			t.Fatalf("what lies beyond %+v is not rejected: P %v and %v", e, low, high)
		}
		if e.Low == e.High {
			return
		}
		if low, high := p(e.Low+0.25), p(e.High-0.25); low <= 0.05 || high <= 0.05 {
			t.Fatalf("what lies within %+v is rejected: P %v and %v", e, low, high)
		}
	})
}

// Intervals contain the true location as often as they say, of a distribution with tails so heavy that it has no mean, and of one with ties.
func TestIntervalsContainTheTruthAsOftenAsTheySay(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 7))
	for name, draw := range map[string]func() float64{
		"normal":  rng.NormFloat64,
		"Cauchy":  func() float64 { return math.Tan(math.Pi * (rng.Float64() - 0.5)) },
		"rounded": func() float64 { return math.Round(2 * rng.NormFloat64()) },
	} {
		const repeats = 4000
		missed := 0
		for range repeats {
			ds := make([]float64, 10)
			for i := range ds {
				ds[i] = 3 + draw()
			}
			if e := SignedRank(ds, 0.95); e.Low > 3 || e.High < 3 {
				missed++
			}
		}
		// Of ten differences the interval has a confidence of 95.1 %.
		if most := AtMost(repeats, 1-0.951, 0.9999); missed > most {
			t.Errorf("%s: %d of %d intervals miss the truth, at most %d may", name, missed, repeats, most)
		}
		if least := repeats / 50; name != "rounded" && missed < least {
			t.Errorf("%s: only %d of %d intervals miss the truth: they are too wide", name, missed, repeats)
		}
	}
}
