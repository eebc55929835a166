package steady

import "math"

const (
	// Least is how many counts Add must have seen before it can call a series steady, and how many it looks at, at least.
	Least = 40
	// Slight is how large the change over what is looked at may be, against its mean.
	Slight = 0.15
	// Tolerance is what the ends of that change's 90 % interval may be, against the mean: noise must be small enough to know.
	Tolerance = 0.4

	batches = 10
	// quantile is Student's, of 95 % and batches-2 degrees of freedom: either end of the interval is passed with a chance of 5 %.
	quantile = 1.860
)

// Watch looks at a series while it grows. The zero value is ready. It is not safe for concurrent use.
type Watch struct{ counts []float64 }

// Add takes the next count, which is not negative, and reports whether the series is steady now. It may be so and then no longer be.
func (w *Watch) Add(count float64) bool {
	w.counts = append(w.counts, count)
	n := len(w.counts)
	return n >= Least && flat(w.counts[n-max(Least, n/2):])
}

// flat reports whether the change along the line through the batch means of a series is small against its mean, and known to be. Counts that do
// not fill a batch are left out at the beginning. Where nothing was counted, nothing is known.
func flat(counts []float64) bool {
	size := len(counts) / batches
	counts = counts[len(counts)-size*batches:]
	var means [batches]float64
	mean := 0.0
	for i, c := range counts {
		means[i/size] += c / float64(size)
		mean += c / float64(len(counts))
	}
	if mean <= 0 {
		return false
	}
	change, width := line(means)
	change = math.Abs(change)
	return change <= Slight*mean && change+width <= Tolerance*mean
}
