package checkers

import (
	"cmp"
	"fmt"
	"slices"

	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// skipped: within one exclusive assignment a consumer was given a position, then one further on, and in between lies a copy that every
// reader of committed messages sees. Neither an assignment nor a seek nor a reset came between the two deliveries; before the first one
// it is the position that the assignment begins at which counts. (A reset that goes forward is no excuse of its own: it claims that the
// log holds nothing there. It is one where the mode's members give up what lies between, which is how modes that acknowledge first resume.)
//
// Compaction, markers and aborted outputs leave holes which nobody is given. So a jump is an anomaly only when one scan finds both the
// copy and, just behind the jump, the message that was delivered there: then the log was not cut back since, and held the copy when it was
// jumped over. A scan need not be complete for that.
//
// What was skipped and never applied is lost; that finding says so, and there is no other. Source: "poll-skip" of Jepsen's kafka workload,
// which compares with what any poll or send saw instead of with a scan, and knows external gaps by none of them.
//
// At most maxGaps jumps are remembered from one checkpoint to the next; those beyond are not judged.
type skipped struct{}

func (skipped) at(l *lane, cp *checkpoint) []candidate {
	if l.assignments == nil {
		return nil
	}
	msgs, detail := l.assignments.gaps.settle(cp.settled() && len(cp.scans) > 0)
	if msgs.Len() == 0 {
		return nil
	}
	for _, c := range l.found {
		if n := c.msgs.And(msgs).Len(); c.group == lossGroup && n > 0 && c.episode == cp.ref {
			c.detail = join(c.detail, fmt.Sprintf("%d of them were skipped: %s", n, detail))
		}
	}
	return []candidate{{anomaly: "skipped", group: "skipped", stage: semantics.Delivered, msgs: msgs.AndNot(&l.gone), detail: detail,
		breaks: l.orderOfDeliveries()}}
}

// join puts two details into one.
func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}

// orderOfDeliveries is for what contradicts a promised order of deliveries. Where none is promised it breaks nothing, and is named all the same.
func (l *lane) orderOfDeliveries() func(semantics.Promise) bool {
	breaks := func(p semantics.Promise) bool { return p.Ordered && p.Stage >= semantics.Delivered }
	if slices.ContainsFunc(l.promised(), breaks) {
		return breaks
	}
	return nil
}

const maxGaps = 4096

// gap is a jump from one delivery to the next: nothing of from..to was delivered.
type gap struct {
	place
	from, to int64
	before   history.Msg // was delivered at to+1
	at       int64
	except   *msgset.Set // delivered later, by a step back

	scan   scanKey     // which the two below are of
	found  *msgset.Set // copies in the gap
	intact bool        // and before is still where it was

	most int64 // the furthest end of this gap and those that begin earlier
}

// gaps are those of a lane by partition, in order of where they begin.
type gaps map[uint32][]*gap

func (gs gaps) add(g *gap) {
	if g.from > g.to {
		return
	}
	n := 0
	for _, list := range gs {
		n += len(list)
	}
	if n >= maxGaps {
		return
	}
	list := gs[g.partition]
	i := gs.beginning(list, g.from)
	list = slices.Insert(list, i, g)
	for ; i < len(list); i++ {
		list[i].most = list[i].to
		if i > 0 {
			list[i].most = max(list[i].to, list[i-1].most)
		}
	}
	gs[g.partition] = list
}

// beginning is how many of list begin at or before a position.
func (gaps) beginning(list []*gap, pos int64) int {
	i, _ := slices.BinarySearchFunc(list, pos+1, func(g *gap, pos int64) int { return cmp.Compare(g.from, pos) })
	return i
}

// drop forgets the gap that a delivery made, if it made one.
func (gs gaps) drop(at place, now int64) {
	gs[at.partition] = slices.DeleteFunc(gs[at.partition], func(g *gap) bool { return g.place == at && g.at == now })
}

// given notes that a consumer went back to what it had jumped over.
func (gs gaps) given(at place, m history.Msg, pos int64) {
	for _, g := range gs[at.partition] {
		if g.place == at && g.from <= pos && pos <= g.to {
			if g.except == nil {
				g.except = &msgset.Set{}
			}
			g.except.Add(m)
		}
	}
}

// copy compares a visible copy that a scan found with the jumps over it, and up to it.
func (gs gaps) copy(e *history.Event) {
	list := gs[e.Pos.Partition]
	if len(list) == 0 {
		return
	}
	pos := e.Pos.Offset
	for i := gs.beginning(list, pos) - 1; i >= 0 && list[i].most+1 >= pos; i-- {
		g := list[i]
		if pos > g.to+1 {
			continue
		}
		if key := (scanKey{e.Life, e.Tag}); g.scan != key && !g.sure() {
			g.scan, g.found, g.intact = key, nil, false
		}
		switch {
		case pos <= g.to:
			if g.found == nil {
				g.found = &msgset.Set{}
			}
			g.found.Add(e.Msg)
		case e.Msg == g.before:
			g.intact = true
		}
	}
}

// sure reports whether one scan showed all that makes a jump an anomaly.
func (g *gap) sure() bool { return g.found != nil && g.intact }

// settle returns what was skipped, as far as scans showed it, and how, of the first. Whole says that all of the queue was scanned: what
// was not found then is a hole.
func (gs gaps) settle(whole bool) (*msgset.Set, string) {
	out := &msgset.Set{}
	var first *gap
	for p, list := range gs {
		rest := list[:0]
		for _, g := range list {
			if !g.sure() {
				rest = append(rest, g)
				continue
			}
			msgs := g.found
			if g.except != nil {
				msgs = msgs.AndNot(g.except)
			}
			if msgs.Len() == 0 {
				continue
			}
			out.Union(msgs)
			if first == nil || g.at < first.at || g.at == first.at && g.life < first.life {
				first = g
			}
		}
		if gs[p] = rest; whole {
			delete(gs, p)
		}
	}
	if first == nil {
		return out, ""
	}
	return out, fmt.Sprintf("life %d was given position %d of partition %d where %d came next", first.life, first.to+1, first.partition, first.from)
}
