package latency_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"

	"waybill/results/latency"
)

// times are spread over seven powers of ten, as those of a run with a fault in it are.
func times(t *rapid.T, name string) []int64 {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) int64 {
		return int64(math.Exp(rapid.Float64Range(0, math.Log(5e8)).Draw(t, "log")))
	}), 1, 300).Draw(t, name)
}

func of(values []int64) *latency.Histogram {
	h := latency.New()
	for _, v := range values {
		h.Record(v)
	}
	return h
}

var asked = []float64{0, 0.001, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 0.9999, 1}

func TestEveryQuantileIsThatOfTheSortedTimesWithinAPercent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := times(t, "times")
		h := of(values)
		slices.Sort(values)
		for _, q := range append(asked, rapid.Float64Range(0, 1).Draw(t, "q")) {
			at := max(0, int(math.Ceil(q*float64(len(values))*(1-1e-12)))-1)
			want, got := float64(values[at]), float64(h.Quantile(q))
			if math.Abs(got-want) > 0.01*want {
				t.Fatalf("quantile %v of %d times: %v, and %v when they are sorted", q, len(values), got, want)
			}
		}
	})
}

func TestHistogramsAddUpExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := times(t, "some"), times(t, "others")
		sum := of(a)
		sum.Add(of(b))
		all := of(append(slices.Clone(a), b...))
		if sum.String() != all.String() || sum.N() != all.N() {
			t.Fatalf("the sum of the histograms of %v and %v is not that of both", a, b)
		}
	})
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := of(times(t, "times"))
		text := h.String()
		got, err := latency.Parse(text)
		if err != nil || got.String() != text {
			t.Fatalf("read back: %v", err)
		}
		for _, q := range asked {
			if got.Quantile(q) != h.Quantile(q) {
				t.Fatalf("quantile %v: %d, and %d before it was written", q, got.Quantile(q), h.Quantile(q))
			}
		}
	})
}

func TestNothingIsLeftOut(t *testing.T) {
	h := of([]int64{-5, 0, 1, latency.Most, latency.Most + 1, math.MaxInt64})
	if h.N() != 6 || h.Quantile(0) != 0 || h.Quantile(1) < latency.Most {
		t.Errorf("of six: %d, from %d to %d", h.N(), h.Quantile(0), h.Quantile(1))
	}
	if h := latency.New(); h.N() != 0 || h.Quantile(0.99) != 0 {
		t.Errorf("of none: %d, %d", h.N(), h.Quantile(0.99))
	}
}

func TestHistogramsOfOtherToolsAreReadAsTheyAre(t *testing.T) {
	other := hdr.New(1, 10_000_000, 2)
	for i := range int64(1000) {
		if err := other.RecordValue(1000 + i); err != nil {
			t.Fatal(err)
		}
	}
	b, err := other.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		t.Fatal(err)
	}
	h, err := latency.Parse(string(b))
	if err != nil || h.N() != 1000 || math.Abs(float64(h.Quantile(0.5))-1500) > 15 {
		t.Fatalf("%v: %v", h, err)
	}
	sum := latency.New()
	sum.Add(h)
	if sum.N() != 1000 {
		t.Errorf("added: %d", sum.N())
	}
}

func TestWhatIsNoHistogramIsNotRead(t *testing.T) {
	good := of([]int64{5, 6, 7}).String()
	for _, text := range []string{"", "?", "AAAA", good[:len(good)/2], strings.Repeat("A", 2<<20)} {
		if _, err := latency.Parse(text); !errors.Is(err, latency.ErrNotHistogram) {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(of([]int64{5, 600, 70_000}).String())
	f.Add("HISTFAAAAB542pNpmSzMwMDAxAABzFCaEUoz2X+AMQA+EAMf")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := latency.Parse(text)
		if err != nil {
			if !errors.Is(err, latency.ErrNotHistogram) {
				t.Fatal(err)
			}
			return
		}
		again, err := latency.Parse(h.String())
		if err != nil || again.N() != h.N() {
			t.Fatalf("%d times, and %v when read again", h.N(), err)
		}
	})
}
