package steady

import "math"

// line fits a straight line to y by least squares. It returns how much that changes from the beginning of the first batch to the end of
// the last, and half the width of the 90 % interval of that.
func line(y [batches]float64) (change, width float64) {
	const middle = float64(batches-1) / 2
	var mean, sumXX, sumXY float64
	for i, v := range y {
		x := float64(i) - middle
		mean += v / batches
		sumXX += x * x
		sumXY += x * v
	}
	slope := sumXY / sumXX
	var rest float64
	for i, v := range y {
		d := v - mean - slope*(float64(i)-middle)
		rest += d * d
	}
	return batches * slope, batches * quantile * math.Sqrt(rest/(batches-2)/sumXX)
}
