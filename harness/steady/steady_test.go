package steady

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// settles is how many counts of a series it takes until it is called steady; 0: within n of them it is not.
func settles(n int, at func(i int) float64) int {
	var w Watch
	for i := range n {
		if w.Add(at(i)) {
			return i + 1
		}
	}
	return 0
}

func level(t *rapid.T) float64 { return math.Pow(10, rapid.Float64Range(0, 6).Draw(t, "exponent")) }

func TestAConstantSeriesIsSteadyAtTheFirstLook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := level(t)
		if n := settles(1000, func(int) float64 { return v }); n != Least {
			t.Fatalf("%g: steady after %d, want %d", v, n, Least)
		}
	})
}

func TestARampIsNeverSteady(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		step, noise := level(t), rapid.Float64Range(0, 0.2).Draw(t, "noise")
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
		if n := settles(1000, func(i int) float64 { return max(0, step*float64(i)*(1+noise*rng.NormFloat64())) }); n != 0 {
			t.Fatalf("steady after %d", n)
		}
	})
}

func TestAPlateauAfterARampIsSteadyOnceItIsAsLongAsTheRamp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		high, low := level(t), rapid.Float64Range(0, 0.5).Draw(t, "from")
		ramp := rapid.IntRange(1, 200).Draw(t, "ramp")
		at := func(i int) float64 { return high * (low + (1-low)*min(1, float64(i)/float64(ramp))) }
		n := settles(1000, at)
		if n == 0 || n > ramp+max(ramp, Least) {
			t.Fatalf("steady after %d, want at most %d", n, ramp+max(ramp, Least))
		}
		if last := at(n - 1); last < (1-Tolerance)*high {
			t.Fatalf("steady after %d at %g, far below the plateau of %g", n, last, high)
		}
	})
}

func TestNoiseOfAFifthIsSteadyBeforeLong(t *testing.T) {
	const series, within = 400, 200
	late, sum := 0, 0
	for seed := range uint64(series) {
		rng := rand.New(rand.NewPCG(seed, 2))
		n := settles(within, func(int) float64 { return 1000 * (1 + 0.2*rng.NormFloat64()) })
		if n == 0 {
			late++
		}
		sum += n
	}
	t.Logf("of %d series %d were not steady within %d counts; the others after %d on average", series, late, within, sum/max(1, series-late))
	if late > series/50 {
		t.Errorf("%d of %d series were not steady within %d counts", late, series, within)
	}
}

func TestWhereNoiseCouldHideAChangeNothingIsCalledSteady(t *testing.T) {
	const series = 400
	hasty := 0
	for seed := range uint64(series) {
		rng := rand.New(rand.NewPCG(seed, 3))
		if settles(2*Least, func(int) float64 { return 1000 * max(0, 1+1.2*rng.NormFloat64()) }) > 0 {
			hasty++
		}
	}
	if hasty > series/20 {
		t.Errorf("%d of %d series with noise greater than the mean were steady after %d counts", hasty, series, 2*Least)
	}
}

func TestBurstsThatFillNoBatchEvenlyAreSteadyBeforeLong(t *testing.T) {
	for period := 2; period <= 10; period++ {
		n := settles(1000, func(i int) float64 {
			if i%period == 0 {
				return 1000
			}
			return 0
		})
		if n == 0 || n > 40*period {
			t.Errorf("bursts every %d counts: steady after %d, want at most %d", period, n, 40*period)
		}
	}
}

func TestWhereNothingIsCountedNothingIsSteady(t *testing.T) {
	if n := settles(1000, func(int) float64 { return 0 }); n != 0 {
		t.Errorf("steady after %d", n)
	}
}

func TestOneStepInTheMiddleIsNotSteadyUntilItIsPast(t *testing.T) {
	const step = 10
	n := settles(1000, func(i int) float64 {
		if i < step {
			return 500
		}
		return 1000
	})
	if n < step+Least-Least/5 || n > step+2*Least {
		t.Errorf("a series that doubles after %d is steady after %d", step, n)
	}
}

func TestTheLineAndItsIntervalAreThoseOfTheTextbook(t *testing.T) {
	// y = 3 + 2x with residuals that are orthogonal to 1 and x: +1, -1, -1, +1, and zeros.
	var y [batches]float64
	for i := range y {
		y[i] = 3 + 2*float64(i)
	}
	y[0], y[1], y[2], y[3] = y[0]+1, y[1]-1, y[2]-1, y[3]+1
	change, width := line(y)
	if want := 20.0; math.Abs(change-want) > 1e-9 {
		t.Errorf("change %g, want %g", change, want)
	}
	if want := 10 * quantile * math.Sqrt(4.0/8/82.5); math.Abs(width-want) > 1e-9 {
		t.Errorf("half the interval is %g, want %g", width, want)
	}
}
