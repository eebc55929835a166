package latency

import (
	"errors"
	"fmt"
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// Most is the longest time that is told apart, in microseconds: an hour. What took longer counts as that.
const Most = 3_600_000_000

// digits is how many significant decimal digits of a time are kept: it is off by less than a thousandth.
const digits = 3

// ErrNotHistogram marks text that String never wrote.
var ErrNotHistogram = errors.New("latency: not a histogram")

// Histogram counts times in microseconds in buckets a thousandth wide, as HdrHistogram lays them out. It takes the same memory however many
// there are, about 190 KiB. It is not safe for concurrent use.
type Histogram struct{ h *hdr.Histogram }

// New is an empty histogram.
func New() *Histogram { return &Histogram{hdr.New(1, Most, digits)} }

// Record counts one time. Nothing is left out: what is below nought counts as nought, and what is beyond Most as Most.
func (h *Histogram) Record(micros int64) { h.RecordMany(micros, 1) }

// RecordMany counts a time n times.
func (h *Histogram) RecordMany(micros, n int64) {
	if n <= 0 {
		return
	}
	if err := h.h.RecordValues(min(Most, max(0, micros)), n); err != nil {
		panic(fmt.Sprintf("latency: a time within the range was refused: %v", err)) // 2^63 of them
	}
}

// Add counts everything that other counts: what quantiles of both together are asked from. It is exact.
func (h *Histogram) Add(other *Histogram) {
	if dropped := h.h.Merge(other.h); dropped > 0 {
		panic(fmt.Sprintf("latency: %d times were refused by a histogram of the same geometry", dropped))
	}
}

// N is how many times were counted.
func (h *Histogram) N() int64 { return h.h.TotalCount() }

// Quantile is the smallest time that a share of at least q of all times do not exceed, at most a thousandth too long; 0 of none. q is from 0
// to 1, both inclusive: 0 gives the shortest, 1 the longest.
func (h *Histogram) Quantile(q float64) int64 {
	n := h.N()
	if n == 0 {
		return 0
	}
	rank := math.Min(float64(n), math.Max(1, math.Ceil(q*float64(n)*(1-1e-12)))) // 0.07 of 100 is 7, not 8
	return h.h.ValueAtPercentile(100 * rank / float64(n))
}

// String is the histogram in HdrHistogram's V2 compressed encoding, in base64, as other tools of that family read it.
func (h *Histogram) String() string {
	b, err := h.h.Encode(hdr.V2CompressedEncodingCookieBase)
	if err != nil {
		panic(fmt.Sprintf("latency: a histogram cannot be written: %v", err)) // it writes to memory
	}
	return string(b)
}

// Parse reads what String wrote. Errors wrap ErrNotHistogram. A histogram of another range, and of no more digits, is
// counted anew in this one.
func Parse(text string) (*Histogram, error) {
	if len(text) > longest {
		return nil, fmt.Errorf("%w: it is %d bytes long, and none of this geometry is longer than %d", ErrNotHistogram, len(text), longest)
	}
	d, err := hdr.Decode([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotHistogram, err)
	}
	switch h := New(); {
	case d.LowestTrackableValue() == h.h.LowestTrackableValue() && d.HighestTrackableValue() == h.h.HighestTrackableValue() && d.SignificantFigures() == h.h.SignificantFigures():
		return &Histogram{d}, nil
	case d.SignificantFigures() > digits:
		return nil, fmt.Errorf("%w: it tells %d digits apart, and at most %d are kept", ErrNotHistogram, d.SignificantFigures(), digits)
	default:
		for _, b := range d.Distribution() {
			h.RecordMany(b.To, b.Count)
		}
		return h, nil
	}
}

// longest bounds what is read: a histogram has some 24,000 buckets, of nine bytes at most before compression.
const longest = 1 << 20
