package run

import (
	"context"
	"fmt"
	"math"
	"time"

	"waybill/harness/history"
)

const (
	// sustainedShare of what is offered must be applied for a rate to be sustained.
	sustainedShare = 0.95
	// flood is more than anything sustains, in messages a second: what comes through then is where a search begins.
	flood = 1e7
	// begin is the share of that which is offered first: producers that are held back by their windows alone take processor time from
	// whoever applies.
	begin = 0.9
	// closeEnough is how near the smallest rate that was not sustained must be to the largest that was for a search to end.
	closeEnough = 1.05
	// cutAfter is how long a step lasts at least, and piled how long what it left to be applied may take then for it to go on. Consumers
	// slower than the store would otherwise be minutes behind.
	cutAfter = time.Second
	piled    = 3 * time.Second
	// much is how much more than what came through of the first flood is offered in the second, for the same reason.
	much = 4
	// idleAfter is how long nothing may be applied before a backlog counts as drained as far as it ever will be: what a mode without
	// confirmations lost is never applied.
	idleAfter = 500 * time.Millisecond
)

// bracket is what a search knows of the largest sustained rate.
type bracket struct {
	low, high float64 // sustained, and not; 0: none is known
	doubted   float64 // a rate that failed once and has not been offered again
	ended     float64 // the first rate that was not sustained
	checking  bool    // the search would be over, but for one more offer
}

// next takes the outcome of offering a rate and says which to offer next; 0: the search is over. A machine has its moments, and everything
// that follows depends on what is found: the rate that ends the doubling is offered twice, and once more when the search has
// closed in on a lower one.
func (b *bracket) next(offered float64, sustained bool) float64 {
	switch {
	case sustained:
		b.low, b.doubted = offered, 0
		if b.checking {
			b.high, b.ended, b.checking = 0, 0, false
		}
	case b.checking:
		return 0
	case b.high == 0 && b.doubted != offered:
		b.doubted = offered
		return offered
	default:
		if b.high == 0 {
			b.ended = offered
		}
		b.high = offered
	}
	switch {
	case b.high == 0:
		return 2 * b.low
	case b.low == 0:
		return b.high / 2
	case b.high/b.low > closeEnough:
		return math.Sqrt(b.low * b.high)
	}
	b.checking = true
	return min(b.ended, 2*b.low)
}

// search offers rates one after another to the same clients.
func (r *replicate) search(ctx context.Context) error {
	r.series = newSeries(clock(), benchBin)
	rate, err := r.flooded(ctx)
	if err != nil {
		return err
	}
	var b bracket
	for range r.job.Search.Tries {
		p, err := r.probe(ctx, rate)
		if err != nil {
			return err
		}
		r.end.Probes = append(r.end.Probes, p)
		if rate = b.next(rate, p.Sustained); rate == 0 {
			return nil
		}
		switch err := r.drained(ctx); {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil: // what would be offered next would not begin at rest
			r.trouble(fmt.Sprintf("the search ends before its time: %v", err))
			return nil
		}
	}
	return nil
}

// flooded is the rate to begin with: most of what comes through when everything is offered that the windows let out. It is looked at twice,
// since connections, caches and compilers are cold at first. Where nothing is confirmed no window holds producers back, and what they would
// pile up in a step takes many to drain.
func (r *replicate) flooded(ctx context.Context) (rate float64, err error) {
	rate = r.job.Search.From
	if !r.lane.spec.Mode.Traits.Confirms {
		return rate, nil
	}
	offer := float64(flood)
	for range 2 {
		p, err := r.probe(ctx, offer)
		if err == nil {
			err = r.drained(ctx)
		}
		if err != nil {
			return 0, err
		}
		p.Flood = true
		r.end.Probes = append(r.end.Probes, p)
		rate = max(r.job.Search.From, begin*p.Applied)
		offer = min(flood, much*rate)
	}
	return rate, nil
}

// probe offers a rate for one step, and looks at the second half of it.
func (r *replicate) probe(ctx context.Context, rate float64) (Probe, error) {
	p := Probe{Offered: rate}
	if err := orders(ctx, r.lane.producers, "rate", rate); err != nil {
		return p, err
	}
	if err := orders(ctx, r.lane.producers, "resume", nil); err != nil {
		return p, err
	}
	first := r.series.next(clock())
	half := first
	for end := r.series.next(clock() + r.job.Search.Step); r.series.bins() < end && !r.tooMuch(first, half); {
		if err := r.look(ctx); err != nil {
			return p, err
		}
		half = max(first, (first+r.series.bins())/2)
	}
	p.judge(r.series.sent[half:], r.good()[half:], r.series.width)
	return p, orders(ctx, r.lane.producers, "pause", nil)
}

// tooMuch reports whether a step that began with bin first has left more to be applied than it may, at the rate since bin half.
func (r *replicate) tooMuch(first, half int) bool {
	if time.Duration(r.series.bins()-first)*r.series.width < cutAfter {
		return false
	}
	inBin := slope(r.good()[half:])
	return inBin > 0 && float64(r.backlog()) > inBin*float64(piled/r.series.width)
}

// judge says whether a rate was sustained, by what was sent and what came of it in bins of a width: nearly as much as was offered, and hardly
// less than was sent, so that no backlog grows.
func (p *Probe) judge(sent, good []int64, width time.Duration) {
	perSecond := float64(time.Second) / float64(width)
	p.Applied = perSecond * slope(good)
	grows := perSecond*slope(sent) - p.Applied
	p.Sustained = p.Applied >= sustainedShare*p.Offered && grows <= (1-sustainedShare)*p.Offered
}

// drained waits until the backlog that a probe left is gone, or gets no smaller.
func (r *replicate) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.exp.Limits.Drain)
	defer cancel()
	idle := 0
	for idle < int(idleAfter/r.series.width) && (r.backlog() > 0 || sum(history.InFlight, r.lane.producers) > 0) {
		seen := r.series.bins()
		if err := r.look(ctx); err != nil {
			return fmt.Errorf("%d messages that were sent were not applied within %s: %w", r.backlog(), r.exp.Limits.Drain, err)
		}
		idle++
		for _, n := range r.good()[seen:] {
			if n > 0 {
				idle = 0
			}
		}
	}
	return nil
}

// backlog is how many messages were sent and are not good as yet.
func (r *replicate) backlog() int64 {
	t := r.series.last
	switch {
	case !r.job.Late:
		return t.sent - t.applied
	case r.lane.spec.Mode.Traits.Confirms:
		return t.sent - t.acked
	}
	return 0
}

// slope is how much is counted in a bin, by least squares over the running total: what is counted in bursts has its ends anywhere in them.
func slope(counts []int64) float64 {
	n := float64(len(counts) + 1)
	var total, sumX, sumY, sumXY, sumXX float64
	for i := range len(counts) + 1 {
		if i > 0 {
			total += float64(counts[i-1])
		}
		x := float64(i)
		sumX, sumY, sumXY, sumXX = sumX+x, sumY+total, sumXY+x*total, sumXX+x*x
	}
	if n < 2 {
		return 0
	}
	return (n*sumXY - sumX*sumY) / (n*sumXX - sumX*sumX)
}
