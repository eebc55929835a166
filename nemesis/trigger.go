package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/harness/history"
)

// inFlight is the trigger of faults that strike brokers or links: in every lane whose publishes are confirmed, at least one is unconfirmed.
// Producers burst in step, so such instants come often.
type inFlight struct {
	v    View
	seen []string // after a look: what was in flight, by lane
	n    int64
	all  bool
}

func (f *inFlight) look() bool {
	f.seen, f.n, f.all = f.seen[:0], 0, true
	for _, l := range f.v.Lanes {
		if !l.Mode.Traits.Confirms {
			continue
		}
		n := int64(f.v.sum(history.InFlight, l.Producers))
		f.n += n
		f.all = f.all && n > 0
		f.seen = append(f.seen, fmt.Sprintf("%d on %s", n, l.Name))
	}
	return f.all
}

func (f *inFlight) reset() {}

// strike does it to all at one instant, the one that was waited for.
func (f *inFlight) strike(_ context.Context, hosts []string, do func(hosts ...string) error) error {
	return do(hosts...)
}

func (f *inFlight) exposure() Exposure {
	return Exposure{Bit: f.all, Count: f.n, Text: "publishes without a confirmation at the strike: " + strings.Join(f.seen, ", ")}
}

// holding is the trigger of faults that strike consumers: a victim has received messages that it has not applied yet,
// and where it acknowledges after applying, has applied one of them without having acknowledged it. A processor of transactions has
// applied what it has handed over in one that is still open. Such moments last for milliseconds and do not coincide in many lanes, so
// each victim has its own.
type holding struct {
	v       View
	victims []victim
	least   uint64               // deliveries held and not yet applied: what is left of the batch must outlast the strike's way to the victim
	alive   bool                 // the victims go on after the strike, which lasts: what they hold at any moment of it counts
	ready   map[string]bool      // hosts that held enough at some moment since the last reset
	busy    map[string]time.Time // when a host was last seen to hold anything

	received map[string]uint64 // by hosts that go on, when they were struck
}

type victim struct {
	host string
	lane Lane
}

// look notes who holds enough now, and reports whether each victim has at some moment.
func (h *holding) look() bool {
	all := true
	for _, x := range h.victims {
		h.ready[x.host] = h.ready[x.host] || h.exposed(x)
		all = all && h.ready[x.host]
	}
	return all
}

// exposed reports whether a victim holds enough now. If it goes on while it is struck, what came to it since then will do: none of that can be
// acknowledged, and a client that waits for no answer holds it for a moment only.
func (h *holding) exposed(x victim) bool {
	if !h.alive {
		return h.holds(x, h.least)
	}
	return h.holds(x, spareOfTheCut(x)) || h.came(x) > 0
}

// came is how many deliveries a victim has received since it was struck.
func (h *holding) came(x victim) uint64 {
	before, struck := h.received[x.host]
	if !struck {
		return 0
	}
	return h.v.Clients.Counter(x.host, history.Received) - before
}

// holds reports whether a victim holds at least spare deliveries that it has not applied, and one that it has applied and not acknowledged.
func (h *holding) holds(x victim, spare uint64) bool {
	held, applied := h.figures(x)
	return held >= applied+spare && (applied > 0 || !acksAfter(x.lane))
}

func (h *holding) figures(x victim) (held, applied uint64) {
	return h.v.Clients.Counter(x.host, history.Held), h.v.Clients.Counter(x.host, history.AppliedUnacked)
}

// spareOfTheCut is how many deliveries not yet applied a victim must hold whose acknowledgements are lost: none need be left, unless only
// they are at stake, or without them a transaction's end may be on its way already.
func spareOfTheCut(x victim) uint64 {
	if acksAfter(x.lane) && !x.lane.Mode.Traits.Transactional {
		return 0
	}
	return 1
}

// acksAfter is true of lanes in which something can be applied and not acknowledged.
func acksAfter(l Lane) bool { return l.Mode.Traits.Acks && !l.Mode.Traits.AcksFirst }

func (h *holding) reset() {
	clear(h.ready)
	clear(h.busy)
	clear(h.received)
}

// rests reports whether a victim has held nothing for a moment, and so waits for messages.
//
// A cut takes the kernel some 20 ms. A batch that is being applied is acknowledged by then, and the request for the next one lost, so that
// nothing comes any more. Who is cut off while it waits receives what was requested, and can acknowledge none of it.
func (h *holding) rests(x victim) bool {
	now := time.Now()
	if held, _ := h.figures(x); held > 0 || h.busy[x.host].IsZero() {
		h.busy[x.host] = now
	}
	return now.Sub(h.busy[x.host]) >= 10*time.Millisecond
}

// restsWithin is how long a victim that goes on is waited for: one that keeps up rests between two bursts of its producers, and one that does
// not hardly ever has nothing to acknowledge.
const restsWithin = time.Second

// strike does it to each victim as soon as that holds enough, or rests if it is to go on, and to those that did not when the limit of the
// trigger has passed.
func (h *holding) strike(ctx context.Context, _ []string, do func(hosts ...string) error) error {
	if !h.alive {
		return eachInTime(ctx, h.v, h.victims, func(x victim) bool { return h.holds(x, h.least) }, func(x victim) error { return do(x.host) })
	}
	v := h.v
	v.Trigger = min(v.Trigger, restsWithin)
	return eachInTime(ctx, v, h.victims, h.rests, func(x victim) error {
		err := do(x.host)
		h.received[x.host] = h.v.Clients.Counter(x.host, history.Received)
		h.ready[x.host] = h.exposed(x)
		return err
	})
}

// eachInTime does it to each victim as soon as that is ready, and to those that are not when the limit of the trigger has passed. The first
// error ends it.
func eachInTime[T any](ctx context.Context, v View, victims []T, ready func(T) bool, do func(T) error) error {
	left := slices.Clone(victims)
	var failed error
	err := v.await(ctx, func() bool {
		left = slices.DeleteFunc(left, func(x T) bool {
			if failed != nil || !ready(x) {
				return false
			}
			failed = do(x)
			return true
		})
		return len(left) == 0 || failed != nil
	})
	for _, x := range left {
		if failed == nil && err == nil {
			failed = do(x)
		}
	}
	return errors.Join(err, failed)
}

// exposure looks again at victims that are dead or stopped: their live figures outlive them, and tell what they held when they were struck.
func (h *holding) exposure() Exposure {
	x := Exposure{Bit: true}
	var seen []string
	for _, v := range h.victims {
		held, applied := h.figures(v)
		x.Count += int64(max(held, h.came(v)))
		if h.alive {
			x.Bit = x.Bit && h.ready[v.host]
		} else {
			x.Bit = x.Bit && h.holds(v, 1) // with none left to apply, the acknowledgement of the batch may be on its way
		}
		text := fmt.Sprintf("%s held %d (%d applied)", v.host, held, applied)
		if h.alive {
			text += fmt.Sprintf(", %d came since", h.came(v))
		}
		seen = append(seen, text)
	}
	x.Text = "deliveries unacknowledged at the strike: " + strings.Join(seen, ", ")
	return x
}

// trigger is something to wait for before a strike, and to report after it.
type trigger interface {
	look() bool
	// strike does it to the hosts: at once, or to each at a moment of its own.
	strike(ctx context.Context, hosts []string, do func(hosts ...string) error) error
	exposure() Exposure
	reset() // the victims live again, or are about to be struck
}
