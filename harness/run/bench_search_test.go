package run

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// searched is the largest rate that a search finds when what is sustained is said by can, and after how many offers it ends.
func searched(from float64, tries int, can func(offer int, rate float64) bool) (found float64, offers int) {
	var b bracket
	var e ReplicateEnd
	for rate := from; offers < tries && rate > 0; offers++ {
		ok := can(offers, rate)
		e.Probes = append(e.Probes, Probe{Offered: rate, Sustained: ok})
		rate = b.next(rate, ok)
	}
	return e.Sustained(), offers
}

func TestASearchFindsTheCapacityWhereverItBegins(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		capacity := math.Pow(10, rapid.Float64Range(1, 7).Draw(t, "capacity"))
		from := capacity * math.Pow(2, rapid.Float64Range(-6, 4).Draw(t, "from"))
		found, offers := searched(from, 20, func(_ int, rate float64) bool { return rate <= capacity })
		if found > capacity || found*closeEnough < capacity {
			t.Fatalf("found %g of %g from %g in %d offers", found, capacity, from, offers)
		}
	})
}

func TestOneFailureWhileDoublingIsNotBelieved(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := rapid.IntRange(0, 4).Draw(t, "moment") // of the machine
		found, _ := searched(100, 20, func(offer int, rate float64) bool { return offer != moment && rate <= 5000 })
		if found*closeEnough < 5000 {
			t.Fatalf("found %g of 5000", found)
		}
	})
}

func TestABadTimeOfTheMachineIsNotBelievedEither(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Nothing is sustained for as long as it takes to end the doubling.
		from := rapid.IntRange(0, 4).Draw(t, "from")
		found, _ := searched(100, 20, func(offer int, rate float64) bool { return (offer < from || offer > from+1) && rate <= 5000 })
		if found*closeEnough < 5000 {
			t.Fatalf("found %g of 5000", found)
		}
	})
}

func TestASearchEndsWithWhatItKnowsWhenItHasNoMoreTries(t *testing.T) {
	if found, offers := searched(100, 4, func(_ int, rate float64) bool { return rate <= 1e6 }); found != 800 || offers != 4 {
		t.Errorf("found %g after %d offers, want 800 after 4", found, offers)
	}
	if found, offers := searched(100, 4, func(int, float64) bool { return false }); found != 0 || offers != 4 {
		t.Errorf("found %g after %d offers of what nothing sustains", found, offers)
	}
}

func TestTheSlopeOfBurstsIsTheirRateWhereverTheyFall(t *testing.T) {
	for _, c := range []struct {
		claim  string
		counts func(i int) int64
		want   float64
	}{
		{"an even series", func(int) int64 { return 7 }, 7},
		{"nothing", func(int) int64 { return 0 }, 0},
		{"bursts every fifth bin", func(i int) int64 { return 100 * int64((i+3)%5/4) }, 20},
		{"bursts every fourth bin", func(i int) int64 { return 100 * int64(i%4/3) }, 25},
	} {
		var counts []int64
		for i := range 40 {
			counts = append(counts, c.counts(i))
		}
		if got := slope(counts); math.Abs(got-c.want) > 0.01*c.want {
			t.Errorf("%s: %g a bin, want %g", c.claim, got, c.want)
		}
	}
	if got := slope(nil); got != 0 {
		t.Errorf("of no bins: %g", got)
	}
}

func TestARateIsSustainedWhenItArrivesAndNoBacklogGrows(t *testing.T) {
	bins := func(n int64) (out []int64) {
		for range 20 {
			out = append(out, n)
		}
		return out
	}
	for _, c := range []struct {
		claim      string
		sent, good int64 // in each bin of 50 ms, of 100 that are offered
		sustained  bool
	}{
		{"all of it", 100, 100, true},
		{"nearly all of it", 100, 98, true},
		{"what a window holds back is not sent", 90, 90, false},
		{"what is lost or queued does not arrive", 100, 90, false},
		{"more than is offered, from a backlog", 100, 120, true},
		{"a backlog that grows though enough arrives", 120, 100, false},
	} {
		p := Probe{Offered: 2000}
		if p.judge(bins(c.sent), bins(c.good), 50*time.Millisecond); p.Sustained != c.sustained {
			t.Errorf("%s: %+v", c.claim, p)
		}
	}
}

func TestASearchFindsWhatSlowConsumersSustain(t *testing.T) {
	x := startBench(t, "nats")
	j := x.replicate(t, "core")
	j.Experiment.Load.Processing = 2 * time.Millisecond // of each message, by one consumer
	j.Experiment.Load.Window = 5000
	j.Search = &Search{From: 100, Step: 600 * time.Millisecond, Tries: 5}
	end := x.carry(t, j)
	t.Logf("%+v", end.Probes)
	if rate := end.Sustained(); rate < 25 || rate > 500 { // a machine that is busy halves the first rate, perhaps twice
		t.Errorf("%g messages a second are sustained, want 25 to 500: each takes the consumer two milliseconds at least", rate)
	}
	if err := x.Close(); err != nil {
		t.Error(err)
	}
}
