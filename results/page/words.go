package page

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"waybill/results/bench"
	"waybill/results/look"
)

// value is an estimate as a table shows it: never without its interval and the number of runs behind it.
type value struct {
	Text   string
	Range  string // "[59,800, 63,000]", or "59,800 to 63,000" with too few runs for an interval; "" where all runs agree
	N      int
	Enough bool
	Key    string // by which it is sorted
	Struck bool
	Why    string // it is struck
}

func newValue(i bench.Interval, write func(float64) string) value {
	if i.N == 0 {
		return value{}
	}
	whole := func(x float64) string { return strings.ReplaceAll(write(x), " ", "\u00a0") } // a number stays with its unit
	v := value{Text: whole(i.Estimate), N: i.N, Enough: i.Enough, Key: key(i.Estimate)}
	switch {
	case i.Enough:
		v.Range = "[" + whole(i.Low) + ", " + whole(i.High) + "]"
	case i.N > 1 && i.Low < i.High:
		v.Range = whole(i.Low) + " to " + whole(i.High)
	}
	return v
}

// struck is the value of figures that do not count.
func (v value) struck(why string) value {
	v.Struck, v.Why = why != "", why
	return v
}

func key(x float64) string { return strconv.FormatFloat(x, 'g', 8, 64) }

// micros writes microseconds that were computed.
func micros(x float64) string { return look.Ticks(int64(math.Round(x))) }

// ratio writes a ratio in three digits after the point where it is near 1, fewer where it is far from it.
func ratio(x float64) string {
	switch {
	case x >= 10:
		return strconv.FormatFloat(x, 'f', 1, 64)
	case x < 0.01:
		return strconv.FormatFloat(x, 'g', 2, 64)
	default:
		return strconv.FormatFloat(x, 'f', 3, 64)
	}
}

// percentChange writes what a ratio is a difference of, in percent with its sign.
func percentChange(x float64) string { return fmt.Sprintf("%+.1f %%", 100*(x-1)) }
