package run

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestASeriesLosesNothingAndCountsNothingTwice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSeries(5*time.Hour, 50*time.Millisecond)
		at, now := s.began, totals{}
		for range rapid.IntRange(1, 60).Draw(t, "readings") {
			at += time.Duration(rapid.Int64Range(1, 400_000_000).Draw(t, "after"))
			now.sent += rapid.Int64Range(0, 10_000).Draw(t, "sent")
			now.acked += rapid.Int64Range(0, 10_000).Draw(t, "acked")
			now.applied += rapid.Int64Range(0, 10_000).Draw(t, "applied")
			s.add(at, now)
		}
		if want := int((at - s.began) / s.width); s.bins() != want || s.next(at) < want {
			t.Fatalf("%d bins, next %d, want %d", s.bins(), s.next(at), want)
		}
		// A reading at the end of the bin under way completes it: now every message is in some bin.
		s.add(s.end(s.bins()), now)
		for _, c := range []struct {
			bins []int64
			want int64
		}{{s.sent, now.sent}, {s.acked, now.acked}, {s.applied, now.applied}} {
			var sum int64
			for _, n := range c.bins {
				if n < 0 {
					t.Fatalf("a bin of %d", n)
				}
				sum += n
			}
			if sum != c.want {
				t.Fatalf("%d in all bins, want %d", sum, c.want)
			}
		}
	})
}

func TestALateReadingIsSpreadOverTheBinsThatItMissed(t *testing.T) {
	s := newSeries(0, 50*time.Millisecond)
	s.add(50*time.Millisecond, totals{sent: 10})
	s.add(250*time.Millisecond, totals{sent: 410, applied: 8})
	s.add(275*time.Millisecond, totals{sent: 411, applied: 8})
	if got, want := s.sent, []int64{10, 100, 100, 100, 100}; !slices.Equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
	if got, want := s.applied, []int64{0, 2, 2, 2, 2}; !slices.Equal(got, want) {
		t.Errorf("applied %v, want %v", got, want)
	}
}

func TestTheNextBinBeginsAtAnInstantOrAfterIt(t *testing.T) {
	s := newSeries(time.Second, 50*time.Millisecond)
	for _, c := range []struct {
		at   time.Duration
		want int
	}{{time.Second, 0}, {time.Second + 1, 1}, {time.Second + 50*time.Millisecond, 1}, {time.Second + 51*time.Millisecond, 2}} {
		if got := s.next(c.at); got != c.want {
			t.Errorf("at %s: bin %d, want %d", c.at, got, c.want)
		}
	}
}

func TestASeriesGoesOnWhereItWasAfterASkip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain, skipping := newSeries(time.Hour, 50*time.Millisecond), newSeries(time.Hour, 50*time.Millisecond)
		at, now := plain.began, totals{}
		var left time.Duration // out
		var missed totals
		for range rapid.IntRange(1, 40).Draw(t, "readings") {
			d := time.Duration(rapid.Int64Range(1, 200_000_000).Draw(t, "after"))
			n := rapid.Int64Range(0, 5000).Draw(t, "count")
			if rapid.Bool().Draw(t, "skipped") {
				left += d
				missed = totals{missed.sent + n, missed.acked + n/2, missed.applied + n/3}
				skipping.skip(at+left, totals{now.sent + missed.sent, now.acked + missed.acked, now.applied + missed.applied})
				continue
			}
			at += d
			now = totals{now.sent + n, now.acked + n/2, now.applied + n/3}
			plain.add(at, now)
			skipping.add(at+left, totals{now.sent + missed.sent, now.acked + missed.acked, now.applied + missed.applied})
		}
		if !slices.Equal(plain.sent, skipping.sent) || !slices.Equal(plain.acked, skipping.acked) || !slices.Equal(plain.applied, skipping.applied) {
			t.Fatalf("with skips %v %v %v, without %v %v %v", skipping.sent, skipping.acked, skipping.applied, plain.sent, plain.acked, plain.applied)
		}
	})
}
