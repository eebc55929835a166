package nemesis

import (
	"context"
	"fmt"
	"strings"
	"time"

	"waybill/harness/history"
)

// stranded is the trigger of faults that take consumers' acknowledgements and let them live. Such a strike lasts: what a victim holds at any
// moment of it counts, and so does what comes to it since then, of which none can be acknowledged.
type stranded struct {
	victims
	busy     map[string]time.Time // when a host was last seen to hold anything
	received map[string]uint64    // by hosts, when they were struck
}

func strand(vs victims) *stranded {
	return &stranded{victims: vs, busy: map[string]time.Time{}, received: map[string]uint64{}}
}

func (s *stranded) look() bool { return s.victims.look(s.exposed) }

// exposed reports whether a victim holds enough now, or has received something since it was struck: a client that waits for no answer to its
// acknowledgements holds a delivery for a moment only.
func (s *stranded) exposed(x victim) bool { return s.holds(x, spareOfTheCut(x)) || s.came(x) > 0 }

// spareOfTheCut is how many deliveries not yet applied a victim must hold whose acknowledgements are lost: none need be left, unless only
// they are at stake, or without them a transaction's end may be on its way already.
func spareOfTheCut(x victim) uint64 {
	if acksAfter(x.lane) && !x.lane.Mode.Traits.Transactional {
		return 0
	}
	return 1
}

// came is how many deliveries a victim has received since it was struck.
func (s *stranded) came(x victim) uint64 {
	before, struck := s.received[x.host]
	if !struck {
		return 0
	}
	return s.v.Clients.Counter(x.host, history.Received) - before
}

func (s *stranded) reset() {
	clear(s.ready)
	clear(s.busy)
	clear(s.received)
}

// rests reports whether a victim has held nothing for a moment, and so waits for messages.
//
// A cut takes the kernel some 20 ms. A batch that is being applied is acknowledged by then, and the request for the next one lost, so that
// nothing comes any more. Who is cut off while it waits receives what was requested, and can acknowledge none of it.
func (s *stranded) rests(x victim) bool {
	now := time.Now()
	if held, _ := s.figures(x); held > 0 || s.busy[x.host].IsZero() {
		s.busy[x.host] = now
	}
	return now.Sub(s.busy[x.host]) >= 10*time.Millisecond
}

// restsWithin is how long a victim is waited for: one that keeps up rests between two bursts of its producers, and one that does not hardly
// ever has nothing to acknowledge.
const restsWithin = time.Second

// strike does it to each victim as soon as that rests, and to those that did not when their time has passed.
func (s *stranded) strike(ctx context.Context, _ []string, do func(hosts ...string) error) error {
	v := s.v
	v.Trigger = min(v.Trigger, restsWithin)
	return eachInTime(ctx, v, s.list, s.rests, func(x victim) error {
		err := do(x.host)
		s.received[x.host] = s.v.Clients.Counter(x.host, history.Received)
		s.ready[x.host] = s.exposed(x)
		return err
	})
}

func (s *stranded) exposure() Exposure {
	e := Exposure{Bit: true}
	var seen []string
	for _, x := range s.list {
		held, applied := s.figures(x)
		came := s.came(x)
		e.Count += int64(max(held, came))
		e.Bit = e.Bit && s.ready[x.host]
		seen = append(seen, fmt.Sprintf("%s held %d (%d applied), %d came since", x.host, held, applied, came))
	}
	e.Text = "deliveries unacknowledged at the strike: " + strings.Join(seen, ", ")
	return e
}
