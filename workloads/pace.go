package workloads

import (
	"math"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
)

// pace is the plan of an open loop: when each message is meant to be sent. A flood has none.
type pace struct {
	flood bool
	rate  float64 // messages a second
	burst int

	since time.Time // intended instant of message 0 of the plan; zero: there is no plan now
	taken uint64    // messages of the plan that were let out
}

// most is how many messages are let out between two looks at the clock, at orders and at outcomes; a burst is not divided.
const most = 64

func newPace(rate float64, l experiment.Load) pace {
	return pace{flood: l.Flood, rate: rate, burst: max(1, l.Burst)}
}

// start makes a plan from now on unless there is one.
func (p *pace) start(now time.Time) {
	if p.since.IsZero() {
		p.since, p.taken = now, 0
		if !p.flood {
			p.since = now.Add(inStep(time.Duration(float64(p.burst) / p.rate * float64(time.Second))))
		}
	}
}

func (p *pace) stop() { p.since = time.Time{} }

func (p *pace) set(rate float64) {
	p.rate = rate
	p.stop()
}

// at is the intended instant of message k of the plan.
func (p *pace) at(k uint64) time.Time {
	return p.since.Add(time.Duration(float64(k) / p.rate * float64(time.Second)))
}

// due is how many messages, in whole bursts, may go out at once now. A burst leaves when its last message is due; each keeps its own
// intended instant.
func (p *pace) due(now time.Time) int {
	switch {
	case p.since.IsZero():
		return 0
	case p.flood:
		return most
	}
	bursts := max(1, most/p.burst)
	n := min(float64(bursts*p.burst), now.Sub(p.since).Seconds()*p.rate-float64(p.taken)+1)
	b := max(0, int(math.Floor(n/float64(p.burst))))
	// The quotient above may be off by one in its last place; the plan's own instants decide.
	for b > 0 && p.at(p.taken+uint64(b*p.burst)-1).After(now) {
		b--
	}
	for b < bursts && !p.at(p.taken+uint64((b+1)*p.burst)-1).After(now) {
		b++
	}
	return b * p.burst
}

// take lets n messages out and returns the number of the first one in the plan.
func (p *pace) take(n int) uint64 {
	first := p.taken
	p.taken += uint64(n)
	return first
}

// giveBack undoes a part of take: these messages were not sent. It is of no use, and does no harm, if the plan was stopped meanwhile.
func (p *pace) giveBack(n int) { p.taken -= min(uint64(n), p.taken) }

// next is when a burst is due again; zero: not by any plan.
func (p *pace) next() time.Time {
	if p.since.IsZero() || p.flood {
		return time.Time{}
	}
	return p.at(p.taken + uint64(p.burst) - 1)
}

// inStep is how long until the machine's clock is a multiple of period: all producers of a run burst together, so that a strike
// can find every lane with something in flight.
func inStep(period time.Duration) time.Duration {
	period = max(1, period)
	return period - time.Duration(history.Clock())%period
}
