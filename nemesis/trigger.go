package nemesis

import (
	"fmt"
	"strings"

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

func (f *inFlight) exposure() Exposure {
	return Exposure{Bit: f.all, Count: f.n, Text: "publishes without a confirmation at the strike: " + strings.Join(f.seen, ", ")}
}

// holding is the trigger of faults that strike consumers: every victim has received messages that it has not applied yet,
// and where it acknowledges after applying, has applied one of them without having acknowledged it. A processor of transactions has
// applied what it has handed over in one that is still open.
type holding struct {
	v       View
	victims []victim
	least   uint64 // deliveries held and not yet applied: what is left of the batch must outlast the strike's way to the victim
	alive   bool   // the victims go on after the strike: what they held at the last look counts
	struck  bool   // the victims are dead or stopped: what they hold is as it was then
	seen    []string
	n       int64
	all     bool
}

type victim struct {
	host string
	lane Lane
}

func (h *holding) look() bool {
	h.seen, h.n, h.all = h.seen[:0], 0, true
	for _, x := range h.victims {
		held := h.v.Clients.Counter(x.host, history.Held)
		applied := h.v.Clients.Counter(x.host, history.AppliedUnacked)
		h.n += int64(held)
		h.all = h.all && held >= applied+h.spare(x)
		if acksAfter(x.lane) {
			h.all = h.all && applied > 0
		}
		h.seen = append(h.seen, fmt.Sprintf("%s held %d (%d applied)", x.host, held, applied))
	}
	return h.all
}

// spare is how many deliveries not yet applied a victim must hold: none need be left once it is struck.
func (h *holding) spare(x victim) uint64 {
	switch {
	case h.struck && acksAfter(x.lane):
		return 0
	case h.struck:
		return 1
	}
	return h.least
}

// acksAfter is true of lanes in which something can be applied and not acknowledged.
func acksAfter(l Lane) bool { return l.Mode.Traits.Acks && !l.Mode.Traits.AcksFirst }

func (h *holding) reset() { h.struck = false }

// exposure looks again at victims that are dead or stopped: their live figures outlive them, and tell what they held when they were struck.
func (h *holding) exposure() Exposure {
	if !h.alive {
		h.struck = true
		h.look()
	}
	return Exposure{Bit: h.all, Count: h.n, Text: "deliveries unacknowledged at the strike: " + strings.Join(h.seen, ", ")}
}

// trigger is something to wait for before a strike, and to report after it.
type trigger interface {
	look() bool
	exposure() Exposure
	reset() // the victims live again
}
