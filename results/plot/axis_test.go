package plot

import (
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNumbersAreWrittenAsPapersDo(t *testing.T) {
	for _, c := range []struct {
		say  func(float64) string
		in   float64
		want string
	}{
		{rateText, 0, "0"}, {rateText, 0.25, "0.25"}, {rateText, 950, "950"}, {rateText, 999.7, "1k"}, {rateText, 1_450, "1.45k"}, {rateText, 61_234, "61.2k"},
		{rateText, 999_600, "1M"}, {rateText, 3_400_000, "3.4M"}, {rateText, 2e9, "2G"},
		{timeText, 7, "7 µs"}, {timeText, 999.9, "1 ms"}, {timeText, 1_500, "1.5 ms"}, {timeText, 999_900, "1 s"}, {timeText, 12_000_000, "12 s"},
		{secondsText, 0.25, "250 ms"},
		{ratioText, 0, "0"}, {ratioText, 0.00352, "0.0035"}, {ratioText, 0.007, "0.0070"}, {ratioText, 0.0894, "0.089"}, {ratioText, 0.1523, "0.152"}, {ratioText, 1, "1.00"}, {ratioText, 3.44, "3.44"}, {ratioText, 412.3, "412"},
		{nearText, 0.985, "0.985"}, {nearText, 3.44, "3.44"},
		{ninesText, 0, "0"}, {ninesText, 1, "p90"}, {ninesText, 2, "p99"}, {ninesText, 4, "p99.99"},
	} {
		if got := c.say(c.in); got != c.want {
			t.Errorf("%v is written %q, want %q", c.in, got, c.want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 4096: "4,096", 1_234_567: "1,234,567", -1000: "-1,000", -100: "-100"} {
		if got := Count(n); got != want {
			t.Errorf("%d is counted %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int]string{1: "95%", 5: "45%", 20: "14%", 59: "5%", 299: "1%"} {
		if got := shareBound(n); got != want {
			t.Errorf("the bound of %d is %q, want %q", n, got, want)
		}
	}
}

func TestAnAxisHoldsItsValuesAndItsLabelsHaveRoom(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(1e-3, 1e8), 1, 20).Draw(t, "values")
		length := rapid.Float64Range(80, 800).Draw(t, "length")
		say := rateText
		for name, a := range map[string]axis{"rates": rateAxis(values, 10, 10+length), "logarithmic": logAxis(values, 10, 10+length), "ratios": ratioAxis(values, 10, 10+length)} {
			last := math.Inf(-1)
			for _, v := range values {
				if !a.inside(v) {
					t.Fatalf("%s from %v to %v lacks %v", name, a.low, a.high, v)
				}
				if at := a.at(v); at < 10 || at > 10+length+1e-6 {
					t.Fatalf("%s: %v is drawn at %v of %v", name, v, at, length)
				}
			}
			ticks := a.ticks(noteStyle, say)
			if !slices.IsSorted(ticks) {
				t.Fatalf("%s: labels at %v", name, ticks)
			}
			for _, v := range ticks {
				half := noteStyle.width(say(v)) / 2
				if a.at(v)-half < last || v < a.low*(1-1e-9) || v > a.high*(1+1e-9) {
					t.Fatalf("%s from %v to %v over %v: labels at %v", name, a.low, a.high, length, ticks)
				}
				last = a.at(v) + half
			}
		}
	})
}

func TestValuesFarApartGetALogarithmicAxis(t *testing.T) {
	for _, c := range []struct {
		values []float64
		log    bool
	}{{[]float64{1_450, 412_000}, true}, {[]float64{61_000, 131_000}, false}, {nil, false}, {[]float64{0, 5}, false}} {
		if got := rateAxis(c.values, 0, 100); got.log != c.log {
			t.Errorf("%v: logarithmic %v, want %v", c.values, got.log, c.log)
		}
	}
}

func TestNamesAreKeptApartAndNearTheirLines(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ys := rapid.SliceOfN(rapid.Float64Range(0, 200), 1, 14).Draw(t, "ends")
		slices.Sort(ys)
		wanted := slices.Clone(ys)
		apart(ys, 10, 0, 200)
		for i, y := range ys {
			if y < 0 || y > 200 || i > 0 && y < ys[i-1]+10-1e-9 {
				t.Fatalf("%v are placed at %v", wanted, ys)
			}
			if math.Abs(y-wanted[i]) > 10*float64(len(ys)) {
				t.Fatalf("%v is %v away from its line", y, wanted[i])
			}
		}
	})
}

func TestWordsFitAndNothingThatDoesNotPrintIsWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, width := rapid.String().Draw(t, "text"), rapid.Float64Range(0, 300).Draw(t, "width")
		most := rapid.IntRange(1, 4).Draw(t, "lines")
		lines := wrap(text, bodyStyle, width, most)
		if len(lines) > most {
			t.Fatalf("%d lines, want at most %d", len(lines), most)
		}
		for _, l := range append(lines, fit(text, bodyStyle, width)) {
			if bodyStyle.width(l) > width || printable(l) != l {
				t.Fatalf("%q takes %v of %v", l, bodyStyle.width(l), width)
			}
		}
	})
	if got := strings.Join(wrap("power-failure:of=all", bodyStyle, 60, 4), "|"); got != "power-|failure:|of=all" {
		t.Errorf("broken as %q", got)
	}
}
