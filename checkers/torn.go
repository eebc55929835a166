package checkers

import (
	"fmt"

	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// torn: when nothing moves any more, a reader of committed messages sees some outputs of one transaction attempt and not the others,
// whether its commit was confirmed or its end is unknown. It names the absent ones. (Markers are written partition by partition, so that
// half a transaction may legally be seen for a moment: hence only after a proven drain.)
//
// The consumed inputs are members as well, and need no check of their own: inputs committed without their outputs are lost, outputs
// committed without their inputs are processed again and are duplicate effects.
type torn struct{}

func (torn) at(l *lane, cp *checkpoint) []candidate {
	if !cp.settled() {
		return nil
	}
	c := candidate{anomaly: "torn", group: "torn", stage: semantics.Applied, msgs: &msgset.Set{},
		breaks: func(p semantics.Promise) bool {
			return p.Stage == semantics.Applied && (p.Atomic || p.Guarantee.ForbidsLoss())
		}}
	var first txnID
	for id, t := range l.txns.unsettled {
		if t.status == history.Aborted || !t.called || t.reading != l.txns.readings || t.seen == 0 || t.seen == len(t.members) {
			continue
		}
		for _, m := range t.members {
			if !m.seen {
				c.msgs.Add(m.msg)
			}
		}
		if first.life == 0 || id.before(first) {
			first = id
			c.detail = fmt.Sprintf("transaction %d of life %d, whose end is %s: %d of its %d outputs are visible", id.number, id.life, ending(t), t.seen, len(t.members))
		}
	}
	l.torn.Union(c.msgs)
	return []candidate{c}
}

func (id txnID) before(o txnID) bool {
	return id.life < o.life || id.life == o.life && id.number < o.number
}

// ending says how an attempt ended, in a word.
func ending(t *txn) string {
	switch t.status {
	case history.OK:
		return "a confirmed commit"
	case history.Fenced:
		return "a commit that was fenced"
	}
	return "unknown"
}
