package page

import (
	"fmt"
	"slices"
	"strconv"
)

// silenceRow is how long one fault silenced one mode of a subject.
type silenceRow struct {
	Subject, Mode, Fault string
	Acked, Delivered     silence
}

// silence is the middle and the longest of several injections, in seconds.
type silence struct {
	N    int
	Text string
	Key  string // the longest
}

func newSilence(xs []float64) silence {
	xs = slices.DeleteFunc(slices.Clone(xs), func(x float64) bool { return x < 0 })
	if len(xs) == 0 {
		return silence{}
	}
	slices.Sort(xs)
	s := silence{N: len(xs), Key: key(xs[len(xs)-1])}
	write := func(x float64) string { return strconv.FormatFloat(x, 'f', 2, 64) + " s" }
	s.Text = write(xs[len(xs)-1])
	if len(xs) > 1 {
		middle := (xs[(len(xs)-1)/2] + xs[len(xs)/2]) / 2
		s.Text = fmt.Sprintf("%s, at most %s", write(middle), write(xs[len(xs)-1]))
	}
	return s
}

func newSilenceRows(all []subject) (rows []silenceRow) {
	for _, s := range all {
		type at struct{ mode, fault string }
		var order []at
		acked, delivered := map[at][]float64{}, map[at][]float64{}
		for _, x := range s.silences() {
			k := at{x.Mode, x.Fault}
			if _, known := acked[k]; !known {
				order = append(order, k)
			}
			acked[k], delivered[k] = append(acked[k], x.Acked), append(delivered[k], x.Delivered)
		}
		for _, k := range order {
			r := silenceRow{s.Name, k.mode, k.fault, newSilence(acked[k]), newSilence(delivered[k])}
			if r.Acked.N+r.Delivered.N > 0 {
				rows = append(rows, r)
			}
		}
	}
	return rows
}
