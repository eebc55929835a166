package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/semantics"
)

// phantom: a well-formed token of this run on this lane that none of its producers ever sent. It rests on having the producer's
// whole segment, so messages of a producer whose segment was cut are not judged.
type phantom struct{}

func (phantom) at(l *lane, cp *checkpoint) []candidate {
	var out []candidate
	for _, seen := range []struct {
		stage semantics.Stage
		msgs  *msgset.Set
	}{{semantics.Stored, &l.stored}, {semantics.Delivered, &l.delivered}, {semantics.Applied, &l.readEver}} {
		out = append(out, candidate{anomaly: "phantom", group: "phantom", stage: seen.stage,
			msgs: seen.msgs.AndNot(&l.sent), senders: true, breaks: alwaysForbidden(l, seen.stage)})
	}
	return out
}
