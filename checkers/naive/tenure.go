package naive

import (
	"math"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// tenure is a partition in one consumer's hands, from the moment at which its position was last set to the next such moment.
type tenure struct {
	life       history.Life
	partition  uint32
	given      int64  // the position to come first; 0: not known
	since      int64  // when it was set: what bears that very stamp may have come before
	until      int64  // when it was set anew: likewise; 0: it was not
	deliveries []seen // in order
	resets     []int  // where the log was said to hold nothing further on
}

// judged reports whether a delivery certainly fell into the tenure.
func (t *tenure) judged(d seen) bool { return t.until == 0 || d.Time < t.until }

type seat struct {
	life      history.Life
	partition uint32
}

// divide cuts what consumers recorded into tenures, where a partition belongs to one consumer at a time.
func (l *lane) divide() {
	if !l.traits.Exclusive {
		return
	}
	open := map[seat]*tenure{}
	set := func(at seat, given, now int64) {
		if t := open[at]; t != nil {
			t.until = now
		}
		open[at] = &tenure{life: at.life, partition: at.partition, given: max(0, given), since: now}
		l.tenures = append(l.tenures, open[at])
	}
	every := func(id history.Life, do func(seat)) {
		for at := range open {
			if at.life == id {
				do(at)
			}
		}
	}
	for _, e := range l.consumed {
		at := seat{e.Life, e.Pos.Partition}
		switch e.Kind {
		case history.Assign:
			set(at, e.Pos.Offset, e.Time)
		case history.Seek:
			set(at, e.To, e.Time)
		case history.Reset:
			if e.To <= e.From || l.traits.AcksFirst { // who acknowledges first gives up what lies between
				set(at, e.To, e.Time)
			} else if t := open[at]; t != nil {
				t.resets = append(t.resets, e.at)
			}
		case history.Revoke, history.Lost:
			delete(open, at)
		case history.Cancelled:
			every(e.Life, func(at seat) { delete(open, at) })
		case history.LifeEnd:
			every(e.Other, func(at seat) { delete(open, at) })
		case history.TxnOutcome:
			if e.Status != history.OK {
				every(e.Life, func(at seat) { set(at, 0, e.Time) })
			}
		case history.Delivery:
			switch t := open[at]; {
			case t == nil:
			case e.Time <= t.since:
				t.given = 0
			default:
				t.deliveries = append(t.deliveries, e)
			}
		}
	}
	for _, t := range l.tenures {
		back, jumps := t.steps()
		l.back, l.jumps = append(l.back, back...), append(l.jumps, jumps...)
	}
}

// jump is a delivery at a position further on than the one that was to come next.
type jump struct {
	at       seat
	from, to int64 // what lies between
	by       seen
}

// steps are the deliveries of a tenure that went back, and its jumps.
func (t *tenure) steps() (back []seen, jumps []jump) {
	next, furthest := t.given, int64(0)
	var last *seen
	for i := range t.deliveries {
		d := &t.deliveries[i]
		p := d.Pos.Offset
		if p == 0 {
			continue
		}
		switch {
		case next == 0 || p == next:
		case p > next:
			if j := (jump{seat{t.life, t.partition}, max(next, furthest+1), p - 1, *d}); j.from <= j.to && t.judged(*d) {
				jumps = append(jumps, j)
			}
		case last == nil: // what was committed lies beyond the end of the log
		case d.Pos.Incarnation != last.Pos.Incarnation || d.Pos.Epoch > last.Pos.Epoch: // the log was cut back
		case t.judged(*d):
			back = append(back, *d)
		}
		next, last, furthest = p+1, d, max(furthest, p)
	}
	return back, jumps
}

// consumers names, by a checkpoint, what one consumer was given out of the order of positions:
//
//   - nonmonotonic: a position that does not lie beyond the one before, with no assignment, seek, reset or later epoch in between.
//   - skipped: a copy that lies where a consumer jumped over, if one scan since then finds both it and what the jump led to. It is asked
//     once, at the first checkpoint that shows it or has scanned everything. What the consumer went back to is not skipped.
func (l *lane) consumers(i int) {
	cp := &l.checkpoints[i]
	for _, d := range l.back {
		if d.at < cp.cut {
			l.accuse("reordered", name{"nonmonotonic", semantics.Delivered, cp.ref}, d.Msg)
		}
	}
	for _, j := range l.jumps {
		if j.by.at >= cp.cut || i > 0 && l.answered(j, i-1) {
			continue
		}
		for _, m := range l.skipped(j, cp.cut) {
			if _, lost := l.lost[m]; !lost && !l.went(j, m, cp.cut) {
				l.accuse("skipped", name{"skipped", semantics.Delivered, cp.ref}, m)
			}
		}
	}
}

// answered reports whether the i-th checkpoint, or one before it, told what lies in a jump.
func (l *lane) answered(j jump, i int) bool {
	for ; i >= 0; i-- {
		cp := &l.checkpoints[i]
		if j.by.at < cp.cut && (cp.settled() && len(cp.scans) > 0 || len(l.skipped(j, cp.cut)) > 0) {
			return true
		}
	}
	return false
}

// skipped is what scans found in a jump, before a place in the history.
func (l *lane) skipped(j jump, cut int) []history.Msg {
	var out []history.Msg
	for _, s := range l.scans {
		var found []history.Msg
		intact := false
		for id, copies := range s.copies {
			for _, e := range l.messages[id].real(before(copies, cut)) {
				switch {
				case e.at < j.by.at || e.Pos.Partition != j.at.partition:
				case e.Pos.Offset >= j.from && e.Pos.Offset <= j.to:
					found = append(found, id)
				case e.Pos.Offset == j.to+1 && id == j.by.Msg:
					intact = true
				}
			}
		}
		if intact {
			out = append(out, found...)
		}
	}
	return out
}

// went reports whether a consumer went back to a message that it had jumped over.
func (l *lane) went(j jump, m history.Msg, cut int) bool {
	return slices.ContainsFunc(l.back, func(d seen) bool {
		return d.Msg == m && d.Life == j.at.life && d.Pos.Partition == j.at.partition && d.at > j.by.at && d.at < cut &&
			d.Pos.Offset >= j.from && d.Pos.Offset <= j.to
	})
}

// overtaken: reordered in delivery is a message that nobody had got before, delivered after another one of its key and session in one
// tenure, although it had been acknowledged before the first attempt of the other one began. Where copies have positions, these tell.
func (l *lane) overtaken() {
	if !slices.ContainsFunc(l.promises, func(p semantics.Promise) bool { return p.Ordered }) {
		return
	}
	for _, t := range l.tenures {
		for i, d := range t.deliveries {
			m := l.messages[d.Msg]
			if d.Pos.Offset != 0 {
				continue // where there are positions, it is nonmonotonic
			}
			if first := m.real(m.deliveries); len(first) == 0 || first[0].at != d.at {
				continue
			}
			for _, o := range t.deliveries[:i] {
				if o.Pos.Offset != 0 || d.Pos.Offset != 0 || l.messages[o.Msg].first() > o.at {
					continue
				}
				reset := slices.ContainsFunc(t.resets, func(at int) bool { return at > o.at && at < d.at })
				if !reset && m.before(l.messages[o.Msg]) && l.messages[o.Msg].sends[0].at < o.at {
					l.accuse("reordered", name{"reordered in delivery", semantics.Delivered, d.episode}, m.id)
				}
			}
		}
	}
}

// before reports whether m was acknowledged before the first attempt of n began, in one session and with one key.
func (m *message) before(n *message) bool {
	acked := slices.IndexFunc(m.outcomes, func(o seen) bool { return o.Status == history.Acked })
	if acked < 0 || len(m.sends) == 0 || len(n.sends) == 0 || m.id.Life != n.id.Life || n.id.Seq <= m.id.Seq || n.sends[0].Attempt > 1 {
		return false
	}
	a, b := m.sends[0], n.sends[0]
	return a.Session == b.Session && a.Key == b.Key && m.outcomes[acked].Time < b.Time
}

// first is where the first attempt of a message lies in the history; for one that nobody sent, nowhere before the end.
func (m *message) first() int {
	if len(m.sends) == 0 {
		return math.MaxInt
	}
	return m.sends[0].at
}

// given is when the life that got a delivery was last assigned its partition; -1: never.
func (l *lane) given(d seen) int64 {
	at := int64(-1)
	for _, e := range l.consumed {
		if e.Kind == history.Assign && e.at < d.at && e.Life == d.Life && e.Pos.Partition == d.Pos.Partition {
			at = e.Time
		}
	}
	return at
}
