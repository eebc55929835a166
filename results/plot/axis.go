package plot

import (
	"math"
	"strconv"
	"strings"
)

// axis maps values to pixels, linearly or by their logarithm.
type axis struct {
	low, high float64 // values
	from, to  float64 // pixels of low and high
	log       bool
	step      float64 // between labels of a linear axis, at least
}

// at is the pixel of a value; what lies outside is drawn at the edge.
func (a axis) at(v float64) float64 {
	share := (v - a.low) / (a.high - a.low)
	if a.log {
		share = (math.Log(max(v, 1e-300)) - math.Log(a.low)) / (math.Log(a.high) - math.Log(a.low))
	}
	return a.from + (a.to-a.from)*min(1, max(0, share))
}

// inside reports whether a value is on the axis.
func (a axis) inside(v float64) bool { return v >= a.low && v <= a.high }

// length of the axis in pixels.
func (a axis) length() float64 { return math.Abs(a.to - a.from) }

// logSpread is how many times the smallest value the largest is before an axis becomes logarithmic.
const logSpread = 12

// rateAxis fits an axis to rates: from zero where they are alike, logarithmic where they are not.
func rateAxis(values []float64, from, to float64) axis {
	low, high := extent(values)
	if low > 0 && high/low > logSpread {
		return logAxis(values, from, to)
	}
	if high <= 0 {
		high = 1
	}
	return axis{low: 0, high: high * 1.04, from: from, to: to}
}

// logAxis fits a logarithmic axis to positive values, at least a factor of three wide.
func logAxis(values []float64, from, to float64) axis {
	low, high := extent(values)
	if high <= 0 {
		low, high = 1, 10
	}
	if low <= 0 {
		low = high / 10
	}
	if high/low < 3 {
		mid := math.Sqrt(low * high)
		low, high = mid/math.Sqrt(3), mid*math.Sqrt(3)
	}
	return axis{low: below(low), high: above(high), from: from, to: to, log: true}
}

// below and above are the nearest of 1, 2, 3 and 5 times powers of ten, so that a logarithmic axis ends near a label.
func below(v float64) float64 {
	d := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{5, 3, 2} {
		if m*d <= v*(1+1e-9) {
			return m * d
		}
	}
	return d
}

func above(v float64) float64 {
	d := math.Pow(10, math.Floor(math.Log10(v)))
	for _, m := range []float64{1, 2, 3, 5} {
		if m*d >= v*(1-1e-9) {
			return m * d
		}
	}
	return 10 * d
}

// ratioAxis fits an axis to ratios, one included.
func ratioAxis(values []float64, from, to float64) axis {
	values = append([]float64{1}, values...)
	low, high := extent(values)
	if low > 0 && high/low > 8 {
		return logAxis(values, from, to)
	}
	room := max(0.02, (high-low)*0.06)
	return axis{low: max(0, low-room), high: high + room, from: from, to: to}
}

// extent is the smallest positive value, or zero if there is none, and the largest.
func extent(values []float64) (low, high float64) {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) || v <= 0 {
			continue
		}
		if low == 0 || v < low {
			low = v
		}
		high = max(high, v)
	}
	return low, high
}

// farDown is how far down rows may reach below the labels of an axis before it is labelled below them as well.
const farDown = 420.0

// footOf is the room below rows for such labels.
func footOf(rows float64) float64 {
	if rows > farDown {
		return 26
	}
	return 10
}

// ticks are values worth a label, such that the labels that say writes have room.
func (a axis) ticks(t style, say func(float64) string) []float64 {
	room := func(vs []float64) bool {
		last := math.Inf(-1)
		for _, v := range vs {
			half := t.width(say(v))/2 + 5
			if a.from > a.to { // upwards: lines above each other
				half = t.leading() * 0.7
			}
			at := math.Abs(a.at(v) - a.from)
			if at-half < last {
				return false
			}
			last = at + half
		}
		return true
	}
	for _, vs := range a.candidates() {
		if len(vs) > 1 && room(vs) {
			return vs
		}
	}
	return nil
}

// candidates are sets of ticks, the richest first.
func (a axis) candidates() [][]float64 {
	var all [][]float64
	if !a.log || a.high/a.low < 5 {
		for parts := 10; parts >= 1; parts-- {
			all = append(all, a.multiples(max(a.step, niceStep(a.high-a.low, parts))))
		}
		return all
	}
	for _, c := range []struct {
		in   []float64
		most float64 // how many times its low end the axis may reach
	}{{[]float64{1, 2, 5}, 2000}, {[]float64{1, 3}, 2e5}, {[]float64{1}, math.Inf(1)}} {
		if a.high/a.low <= c.most {
			all = append(all, a.decades(c.in, 1))
		}
	}
	for every := 2; every <= 6; every++ {
		all = append(all, a.decades([]float64{1}, every))
	}
	return all
}

func (a axis) multiples(step float64) []float64 {
	var vs []float64
	for i := math.Ceil(a.low/step - 1e-9); i*step <= a.high*(1+1e-9); i++ {
		v := i * step
		if a.log && v == 0 {
			continue
		}
		vs = append(vs, v)
	}
	return vs
}

func (a axis) decades(in []float64, every int) []float64 {
	var vs []float64
	for d := math.Floor(math.Log10(a.low)); d <= math.Ceil(math.Log10(a.high)); d++ {
		if math.Mod(d, float64(every)) != 0 {
			continue
		}
		for _, m := range in {
			if v := m * math.Pow(10, d); a.inside(v) {
				vs = append(vs, v)
			}
		}
	}
	return vs
}

// niceStep is 1, 2 or 5 times a power of ten that divides a length into at most parts and a bit.
func niceStep(length float64, parts int) float64 {
	raw := max(length, 1e-9) / float64(parts)
	pow := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*pow >= raw*(1-1e-9) {
			return m * pow
		}
	}
	return 10 * pow
}

// digits writes a number with at most three significant digits and no needless zeros.
func digits(v float64) string {
	if v == 0 {
		return "0"
	}
	d := max(0, 2-int(math.Floor(math.Log10(math.Abs(v))+1e-9)))
	s := strconv.FormatFloat(v, 'f', d, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// rateText writes messages a second: 950, 1.2k, 3.4M.
func rateText(v float64) string {
	switch {
	case v >= 999.5e6:
		return digits(v/1e9) + "G"
	case v >= 999_500:
		return digits(v/1e6) + "M"
	case v >= 999.5:
		return digits(v/1e3) + "k"
	default:
		return digits(v)
	}
}

// timeText writes microseconds with the unit that fits.
func timeText(us float64) string {
	switch {
	case us < 999.5:
		return digits(us) + " µs"
	case us < 999_500:
		return digits(us/1e3) + " ms"
	default:
		return digits(us/1e6) + " s"
	}
}

// secondsText writes seconds with the unit that fits.
func secondsText(s float64) string { return timeText(s * 1e6) }

// ratioText writes a ratio with the digits that matter: two behind the point above one, three below, and two that are not zero.
func ratioText(v float64) string {
	switch {
	case v >= 99.5:
		return digits(v)
	case v >= 0.9995:
		return strconv.FormatFloat(v, 'f', 2, 64)
	case v >= 0.0995:
		return strconv.FormatFloat(v, 'f', 3, 64)
	case v > 0:
		return strconv.FormatFloat(v, 'f', 1-int(math.Floor(math.Log10(v))), 64)
	default:
		return "0"
	}
}

// Count writes n with a comma between thousands, in figures and on pages.
func Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
