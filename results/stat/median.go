package stat

import (
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Median is the median of values with the interval that two of them span, as benchmath chooses those: with 95 % that takes six values.
func Median(values []float64, confidence float64) Estimate {
	e := Estimate{N: len(values), P: 1}
	if e.N == 0 {
		return e
	}
	s := benchmath.AssumeNothing.Summary(sample(values), confidence)
	e.Value, e.Low, e.High, e.Confidence = s.Center, s.Lo, s.Hi, s.Confidence
	e.Enough = !math.IsInf(e.Low, 0) && !math.IsInf(e.High, 0)
	if !e.Enough {
		e.Low, e.High, e.Confidence = slices.Min(values), slices.Max(values), 0
	}
	return e
}
