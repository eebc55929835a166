package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// misplaced: a confirmation named a position within the range of a complete scan, and the scan finds another message there, or
// none, while a copy of the acknowledged one lies elsewhere. (When there is none anywhere, it is lost or vanished, and reported
// there.) A confirmation that says "duplicate" names the position of the earlier copy, which must be there just as well.
type misplaced struct{}

func (misplaced) exact(l *lane, x *examined) []candidate {
	return byCheckpoint(x.misplaced, candidate{anomaly: "misplaced", group: "misplaced", stage: semantics.Stored,
		breaks: alwaysForbidden(l, semantics.Stored)})
}

// place compares where one scan found m with where it was acknowledged to be, or with where an earlier scan found it.
func (x *examined) place(s *rescan, m history.Msg, found []history.Position) {
	for _, p := range x.acks[m] {
		if s.spans.cover(p) && !contains(found, p) {
			note(x.misplaced, s.ref, m)
		}
	}
	if len(x.acks[m]) > 0 {
		return
	}
	p, ok := x.first[m]
	switch {
	case !ok:
		x.first[m] = found[0]
	case contains(found, p) || !s.spans.cover(p):
	case p.Epoch == found[0].Epoch && p.Incarnation == found[0].Incarnation:
		note(x.inconsistent, s.ref, m)
	}
}

func contains(list []history.Position, p history.Position) bool {
	for _, q := range list {
		if same(p, q) {
			return true
		}
	}
	return false
}

func byCheckpoint(in map[int]*msgset.Set, c candidate) []candidate {
	var out []candidate
	for ref, msgs := range in {
		c.episode, c.msgs = ref, msgs
		out = append(out, c)
	}
	return out
}
