package stat

import (
	"cmp"
	"math"
	"slices"

	"github.com/aclements/go-moremath/stats"
)

// Holm corrects the probabilities of several tests that were made together (Scandinavian Journal of Statistics 6, 1979): if all that are
// below a level are called, the chance of one or more false calls is below that level. The order is kept.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out := make([]float64, len(ps))
	largest := 0.0
	for rank, i := range order {
		largest = max(largest, min(1, float64(len(ps)-rank)*ps[i]))
		out[i] = largest
	}
	return out
}

// AtMost is how many of n independent events of probability p happen by chance alone, at most: the smallest number that is not exceeded with the
// given confidence.
func AtMost(n int, p, confidence float64) int {
	d := stats.BinomialDist{N: n, P: p}
	for k := range n {
		if d.CDF(float64(k)) >= confidence {
			return k
		}
	}
	return n
}

// Ratios turns an estimate of logarithms into one of what they are the logarithms of.
func (e Estimate) Ratios() Estimate {
	e.Value, e.Low, e.High = math.Exp(e.Value), math.Exp(e.Low), math.Exp(e.High)
	return e
}
