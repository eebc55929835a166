package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/semantics"
)

// resurrected: visible in store, delivery or effects although every attempt to send it was certainly rejected. Like phantom it
// needs the producer's whole segment: the attempt that succeeded may have been the one cut off.
//
// Or: an output that a reader of committed messages sees although the transaction that wrote it certainly aborted: its outcome says so,
// or its processor never called the commit, which needs the processor's whole segment.
type resurrected struct{}

func (resurrected) at(l *lane, cp *checkpoint) []candidate {
	rejected := l.certainlyRejected()
	var out []candidate
	for _, seen := range []struct {
		stage semantics.Stage
		msgs  *msgset.Set
	}{{semantics.Stored, &l.stored}, {semantics.Delivered, &l.delivered}, {semantics.Applied, &l.readEver}} {
		out = append(out, candidate{anomaly: "resurrected", group: "resurrected", stage: seen.stage,
			msgs: rejected.And(seen.msgs), senders: true, breaks: alwaysForbidden(l, seen.stage)})
	}
	undead := l.txns.undead.Or(&msgset.Set{})
	for _, msgs := range l.txns.uncalled {
		undead.Union(msgs)
	}
	return append(out, candidate{anomaly: "resurrected", group: "resurrected", stage: semantics.Applied, msgs: undead, processors: true,
		detail: "written by a transaction that was aborted, or whose commit nobody called", breaks: alwaysForbidden(l, semantics.Applied)})
}
