package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/semantics"
)

// resurrected: visible in store, delivery or effects although every attempt to send it was certainly rejected. Like phantom it
// needs the producer's whole segment: the attempt that succeeded may have been the one cut off.
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
	return out
}
