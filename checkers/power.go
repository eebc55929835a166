package checkers

import (
	"fmt"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// lostPower is what a lane had at stake in an episode in which disks lost power, and what they forgot: in files of its queue, and in
// those that all share. Sums are over all strikes and hosts.
type lostPower struct {
	acked  int64  // sends acknowledged in the last second before a strike
	disks  int64  // that lost power
	forgot int64  // bytes never synced
	model  string // of the disks: what survives unsynced
}

// diskForgot takes a DiskForgot.
func (ep *episode) diskForgot(e *history.Event) {
	if int(e.Lane) >= len(ep.lanes) {
		return
	}
	p := &ep.lanes[e.Lane].power
	p.disks, p.forgot, p.model = p.disks+1, p.forgot+int64(e.Count), e.Text
}

// power is what a loss of power must have met, besides what a kill of the same brokers must.
//
// The disks must have been there and have lost it, and something must have been acknowledged within the second before: so lately that no
// operating system would have written it to disk by itself, so that whoever acknowledged it must have synced it, or has taken the risk.
// Bytes forgotten are shown and not needed, since they are what the promise is about: brokers that sync all that they acknowledge are right
// to lose none, or only what was never acknowledged and what can be made again, such as an index. Messages that may be lost put nothing
// at risk, and need not be on a disk at all.
func (ep *episode) power(l *lane, p semantics.Promise) []semantics.Exposure {
	if base(ep.Fault) != powerFailure {
		return nil
	}
	x := ep.of(l).power
	forgotten := semantics.Exposure{What: "bytes forgotten, never synced", Seen: x.forgot}
	if x.model != "" {
		forgotten.What += fmt.Sprintf(" (model %s)", x.model)
	}
	if !p.Guarantee.ForbidsLoss() {
		return []semantics.Exposure{forgotten}
	}
	out := []semantics.Exposure{{What: "disks that lost power", Seen: x.disks, Need: 1}}
	if l.traits.Confirms {
		out = append(out, semantics.Exposure{What: "sends acknowledged in the last second before", Seen: x.acked, Need: 1})
	}
	return append(out, forgotten)
}

// robbed reports whether, in an episode or before it, disks forgot what is a lane's although no promise of it speaks of that.
func (a *audit) robbed(l *lane, ep *episode) bool {
	return slices.ContainsFunc(a.episodes, func(was *episode) bool {
		return was.number <= ep.number && was.of(l).power.forgot > 0 &&
			!slices.ContainsFunc(l.promised(), func(p semantics.Promise) bool { return p.Covers(was.Fault) })
	})
}

// powerFailure is the fault, without parameters: all brokers lose power, unless of=one.
const powerFailure = "power-failure"

// allPower reports whether a fault takes the power from all brokers.
func allPower(fault string) bool { return base(fault) == powerFailure && param(fault, "of") != "one" }

// second in ticks.
const second = 1_000_000

// lately is the instants of the last second at which something happened, in order.
type lately []int64

func (t *lately) add(at int64) {
	if len(*t) == cap(*t) { // rather than grow, forget what is older, if it is most
		if old, _ := slices.BinarySearch(*t, at-second); old > len(*t)/2 {
			*t = slices.Delete(*t, 0, old)
		}
	}
	*t = append(*t, at)
}

// since counts those at an instant or after it.
func (t lately) since(at int64) (n int) {
	for n < len(t) && t[len(t)-1-n] >= at {
		n++
	}
	return n
}
