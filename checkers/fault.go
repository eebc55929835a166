package checkers

import (
	"maps"
	"strings"

	"waybill/harness/history"
)

// fault takes what concerns a fault, its recovery and a checkpoint, and reports whether e did.
func (a *audit) fault(e *history.Event) bool {
	switch e.Kind {
	case history.FaultPlan, history.FaultInject, history.FaultInjected, history.FaultObserved, history.FaultHit, history.FaultRecover,
		history.FaultVerified, history.FaultRefused, history.FaultVictim, history.ServiceHealed, history.DiskForgot:
		a.strike(a.episode(e.Ref), e)
	case history.CheckpointBegin:
	case history.CheckpointEnd:
		if int(e.Lane) < len(a.lanes) {
			a.due = append(a.due, due{a.lanes[e.Lane], &checkpoint{
				ref: int(e.Ref), status: e.Status, reason: e.Reason, why: e.Text}, e.Time})
		}
	default:
		return false
	}
	return true
}

func (a *audit) strike(ep *episode, e *history.Event) {
	switch e.Kind {
	case history.FaultInject:
		if ep.Strike == 0 {
			ep.Strike = e.Time
		}
		ep.Strikes++
		ep.inject, ep.recover = true, false
		ep.Victims = e.Text
		for _, x := range a.at(ep) {
			x.struck(ep)
			x.power.acked += int64(x.lane.ackedLately.since(e.Time - second))
		}
	case history.FaultVictim:
		if e.Other == 0 {
			break // a host without a life of ours: a broker
		}
		ep.victims[e.Other] = true
		for _, x := range a.at(ep) {
			x.victimTxns += x.lane.openTxns(e.Other)
			for m, by := range x.lane.held.All() {
				if by == e.Other {
					x.held[m] = by
				}
			}
		}
	case history.FaultInjected:
		ep.inject = false
	case history.FaultObserved:
		ep.observed = true
		ep.bit = ep.bit || e.Status == history.OK
		ep.biteText = e.Text
	case history.FaultHit:
		ep.frameHit(e)
	case history.FaultRecover:
		ep.recover, ep.inject = true, false
		ep.Recover = e.Time
	case history.FaultVerified:
		ep.verdict, ep.verifyIn = e.Status, e.Text
		ep.Verified = e.Time
	case history.FaultRefused:
		ep.refused = e.Text
		if ep.refused == "" {
			ep.refused = "the fault was refused"
		}
	case history.DiskForgot:
		ep.diskForgot(e)
	case history.ServiceHealed:
		// One that did not come back stays on record, whatever became of it after the next strike.
		if before := ep.healed[int(e.Lane)]; before == nil || before.Status == history.OK {
			held := *e
			ep.healed[int(e.Lane)] = &held
		}
	}
}

// at pairs each lane with what it had at risk in an episode.
func (a *audit) at(ep *episode) []risk {
	var out []risk
	for i, x := range ep.lanes {
		out = append(out, risk{a.lanes[i], x})
	}
	return out
}

type risk struct {
	lane *lane
	*exposed
}

// struck notes what is in flight at the instant at which a strike begins.
func (r risk) struck(ep *episode) {
	r.unresolved += r.lane.unresolved
	r.pipe.Union(r.lane.recent.AndNot(r.lane.handled()))
	r.openTxns += r.lane.openTxns(0)
	if ep.Strikes == 1 {
		r.leaders = maps.Clone(r.lane.leaders)
	}
}

// leader notes who leads a partition, and whether that is news since the strike.
func (ep *episode) leader(l *lane, e *history.Event) {
	of, _, _ := strings.Cut(e.Text, " ")
	at, who := seat{of, e.Pos.Partition}, leader{e.Name, e.Pos.Epoch}
	l.leaders[at] = who
	if ep.struck() {
		x := ep.of(l)
		if before, ok := x.leaders[at]; ok && before != who {
			x.newLeader[of]++
		}
	}
}
