package semantics_test

import (
	"math"
	"testing"

	"waybill/harness/semantics"
)

func TestTheBoundFallsWithEveryInjection(t *testing.T) {
	for n, want := range map[int]float64{0: 0, 1: 0.95, 5: 0.45, 20: 0.14, 59: 0.05} {
		if got := semantics.Bound(n); math.Abs(got-want) > 0.005 {
			t.Errorf("%d injections: %v, want about %v", n, got, want)
		}
	}
}
