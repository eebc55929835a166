package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"waybill/harness/history"
)

// victim is a consumer that is to be struck.
type victim struct {
	host string
	lane Lane
}

// victims are consumers of which each is looked at for itself: the moments in which one holds something last for milliseconds and do not
// coincide in many lanes.
type victims struct {
	v     View
	list  []victim
	ready map[string]bool // hosts that were exposed at some moment
}

// onePerLane picks a consumer of each lane.
func onePerLane(rng *rand.Rand, v View) victims {
	vs := victims{v: v, ready: map[string]bool{}}
	for _, l := range v.Lanes {
		vs.list = append(vs.list, victim{l.Consumers[rng.IntN(len(l.Consumers))], l})
	}
	return vs
}

func (vs *victims) hosts() (hosts []string) {
	for _, x := range vs.list {
		hosts = append(hosts, x.host)
	}
	return hosts
}

// look notes who is exposed now, and reports whether each victim was at some moment.
func (vs *victims) look(exposed func(victim) bool) bool {
	all := true
	for _, x := range vs.list {
		vs.ready[x.host] = vs.ready[x.host] || exposed(x)
		all = all && vs.ready[x.host]
	}
	return all
}

// holds reports whether a victim holds at least spare deliveries that it has not applied, and one that it has applied and not acknowledged.
func (vs *victims) holds(x victim, spare uint64) bool {
	held, applied := vs.figures(x)
	return held >= applied+spare && (applied > 0 || !acksAfter(x.lane))
}

func (vs *victims) figures(x victim) (held, applied uint64) {
	return vs.v.Clients.Counter(x.host, history.Held), vs.v.Clients.Counter(x.host, history.AppliedUnacked)
}

// acksAfter is true of lanes in which something can be applied and not acknowledged.
func acksAfter(l Lane) bool { return l.Mode.Traits.Acks && !l.Mode.Traits.AcksFirst }

// holding is the trigger of faults that end or stop consumers: a victim has received messages that it has not applied yet,
// and where it acknowledges after applying, has applied one of them without having acknowledged it. A processor of transactions has
// applied what it has handed over in one that is still open.
type holding struct{ victims }

// spareOfTheDying is how many deliveries not yet applied a victim must hold: what is left of the batch must outlast the strike's way to it.
const spareOfTheDying = 4

func (h *holding) exposed(x victim) bool { return h.holds(x, spareOfTheDying) }

func (h *holding) look() bool { return h.victims.look(h.exposed) }

func (h *holding) reset() { clear(h.ready) }

// strike does it to each victim as soon as that holds enough, and to those that did not when the limit of the trigger has passed.
func (h *holding) strike(ctx context.Context, _ []string, do func(hosts ...string) error) error {
	return eachInTime(ctx, h.v, h.list, h.exposed, func(x victim) error { return do(x.host) })
}

// exposure looks again at victims that are dead or stopped: their live figures outlive them, and tell what they held when they were struck.
func (h *holding) exposure() Exposure {
	e := Exposure{Bit: true}
	var seen []string
	for _, x := range h.list {
		held, applied := h.figures(x)
		e.Count += int64(held)
		e.Bit = e.Bit && h.holds(x, 1) // with none left to apply, the acknowledgement of the batch may be on its way
		seen = append(seen, fmt.Sprintf("%s held %d (%d applied)", x.host, held, applied))
	}
	e.Text = "deliveries unacknowledged at the strike: " + strings.Join(seen, ", ")
	return e
}
