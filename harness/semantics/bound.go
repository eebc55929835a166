package semantics

import "math"

// Bound is how large the chance of a violation may be, per injection, at 95 % confidence, when n independent injections
// showed none: 1 - 0.05^(1/n). It is 0, which says nothing, when n is 0.
func Bound(n int) float64 {
	if n <= 0 {
		return 0
	}
	return 1 - math.Pow(0.05, 1/float64(n))
}
