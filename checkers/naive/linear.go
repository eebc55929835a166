package naive

import (
	"cmp"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

const nonlinear = "nonlinear"

// appended is a message whose first acknowledgement names a position.
type appended struct {
	msg        history.Msg
	sent, told seen
	furthest   history.Msg // of those acknowledged by then in its partition, itself included: who is at the greatest position
	position   int64       // that one's
}

type part struct{ incarnation, partition uint32 }

// appends is the messages acknowledged at a position before a checkpoint: of each partition, in the order of the acknowledgements.
func (l *lane) appends(cp *checkpoint) map[part][]appended {
	out := map[part][]appended{}
	for _, m := range l.messages {
		i := slices.IndexFunc(m.outcomes, func(o seen) bool { return o.Status == history.Acked })
		if i < 0 || m.outcomes[i].at >= cp.cut || m.outcomes[i].Pos.Offset == 0 {
			continue
		}
		x := appended{msg: m.id, told: m.outcomes[i]}
		if len(m.sends) > 0 && m.sends[0].at < x.told.at {
			x.sent = m.sends[0]
		}
		p := part{x.told.Pos.Incarnation, x.told.Pos.Partition}
		out[p] = append(out[p], x)
	}
	for _, all := range out {
		slices.SortFunc(all, func(a, b appended) int {
			return cmp.Or(cmp.Compare(a.told.Time, b.told.Time), cmp.Compare(a.told.at, b.told.at))
		})
		for i := range all {
			x := &all[i]
			x.furthest, x.position = x.msg, x.told.Pos.Offset
			if i > 0 && all[i-1].position >= x.position {
				x.furthest, x.position = all[i-1].furthest, all[i-1].position
			}
		}
	}
	return out
}

// above is the append at the greatest position of a partition that had been acknowledged before x was sent, if it is above that of x.
func above(all []appended, x appended) (history.Msg, bool) {
	n, _ := slices.BinarySearchFunc(all, x.sent.Time, func(y appended, at int64) int { return cmp.Compare(y.told.Time, at) })
	if x.sent.Kind == 0 || n == 0 || all[n-1].position <= x.told.Pos.Offset {
		return history.Msg{}, false
	}
	return all[n-1].furthest, true
}

// linear: nonlinear is a message acknowledged at a position below one at which another message of the partition had been acknowledged
// before the first attempt of this one began. The one at the greatest such position must not be gone.
func (l *lane) linear(cp *checkpoint) {
	if !l.traits.Confirms || !l.traits.Scannable {
		return
	}
	for _, all := range l.appends(cp) {
		for _, x := range all {
			if y, ok := above(all, x); ok && !l.goneAt(cp, y) {
				l.accuse("reordered", name{nonlinear, semantics.Stored, cp.ref}, x.msg)
			}
		}
	}
}

// goneAt: lost by a checkpoint, or on no replica that was read there or, if none was, at the last checkpoint that read one.
func (l *lane) goneAt(cp *checkpoint, y history.Msg) bool {
	if _, lost := l.lost[y]; lost {
		return true
	}
	m := l.messages[y]
	for i := range slices.Backward(l.checkpoints) {
		read := &l.checkpoints[i]
		if read.cut <= cp.cut && len(read.scans) > 0 {
			return l.expected(m, read.cut) && !slices.ContainsFunc(read.scans, func(s *scan) bool { return has(s.copies, m, read.cut) })
		}
	}
	return false
}

// nonlinearMended takes back what rests on a confirmation that named a place where the message is not.
func (l *lane) nonlinearMended() {
	misplaced, wrong := map[history.Msg]bool{}, map[history.Msg]bool{}
	for n, msgs := range l.found {
		for _, m := range msgs {
			if n.anomaly == "misplaced" {
				misplaced[m] = true
			}
		}
	}
	for _, all := range l.appends(&l.checkpoints[len(l.checkpoints)-1]) {
		for _, x := range all {
			y, _ := above(all, x)
			wrong[x.msg] = misplaced[x.msg] || misplaced[y]
		}
	}
	for n, msgs := range l.found {
		if n.anomaly == nonlinear {
			l.found[n] = slices.DeleteFunc(msgs, func(m history.Msg) bool { return wrong[m] })
		}
	}
}
