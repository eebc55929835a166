package bench

import "waybill/results/stat"

// confidence of every interval.
const confidence = 0.95

// interval is an estimate as it is printed.
func interval(e stat.Estimate) Interval {
	return Interval{N: e.N, Estimate: e.Value, Low: e.Low, High: e.High, Enough: e.Enough}
}

func median(values []float64) Interval { return interval(stat.Median(values, confidence)) }

// Excludes reports whether a value lies outside an interval that there were enough runs for.
func (i Interval) Excludes(x float64) bool { return i.Enough && (x < i.Low || x > i.High) }
