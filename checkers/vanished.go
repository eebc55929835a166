package checkers

import (
	"fmt"

	"waybill/checkers/msgset"
	"waybill/harness/semantics"
)

// vanished: acknowledged, applied all the same, and absent from a complete scan, though neither an acknowledgement nor a
// declared policy removed it. Absent from every replica it is "vanished"; from some, "vanished: not on replica NAME": a later
// leader could lose it. What was not applied either is lost, and is reported there.
type vanished struct{}

const vanishedGroup = "vanished"

func (vanished) at(l *lane, cp *checkpoint) []candidate {
	if !cp.settled() || len(cp.scans) == 0 {
		return nil
	}
	var out []candidate
	add := func(name string, msgs *msgset.Set) {
		out = append(out, candidate{anomaly: name, group: vanishedGroup, stage: semantics.Stored,
			msgs: msgs.AndNot(&l.gone), absence: true, breaks: forbidsLossAt(semantics.Stored)})
	}
	add("vanished", l.expected().AndNot(l.visible))
	for _, s := range cp.scans {
		add(fmt.Sprintf("vanished: not on replica %s", s.replica), l.expected().AndNot(&s.seen))
	}
	return out
}
