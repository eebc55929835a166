package naive

import (
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// The parts of lost, as findings name them.
const (
	notAccepted = "lost: not accepted"
	vanished    = "lost: vanished"
	inDelivery  = "lost: in delivery"
	inConsumer  = "lost: in consumer"
	inEffect    = "lost: in effect store"
)

var partStages = map[string]semantics.Stage{
	notAccepted: semantics.Stored, vanished: semantics.Stored, inDelivery: semantics.Delivered, inConsumer: semantics.Applied,
	inEffect: semantics.Applied,
}

// absence names what was acknowledged and is not there, at a checkpoint whose drain was proven and whose effects were all read: it is
// lost where no effect of it is, or else vanished where a scan lacks it. What is known to be damaged or torn is not accused of being lost
// as well.
func (l *lane) absence(cp *checkpoint) {
	if !cp.settled() {
		return
	}
	committed := l.committed(cp.cut)
	if l.traits.CanDrain() {
		for _, m := range l.messages {
			if _, known := l.lost[m.id]; known || !m.acked(cp.cut) || has(cp.read.copies, m, cp.cut) {
				continue
			}
			part := l.part(m, cp, committed[m.id])
			n := name{part, partStages[part], cp.ref}
			l.lost[m.id] = n
			if !m.corrupted(cp.cut) && !l.torn[m.id] {
				l.accuse("lost", n, m.id)
			}
		}
	}
	if !l.minds(func(p semantics.Promise) bool { return p.Stage == semantics.Stored && p.Guarantee.ForbidsLoss() }) {
		return
	}
	for _, m := range l.messages {
		if _, lost := l.lost[m.id]; lost || !l.expected(m, cp.cut) || len(cp.scans) == 0 {
			continue
		}
		var lack []string
		for _, s := range cp.scans {
			if !has(s.copies, m, cp.cut) {
				lack = append(lack, s.replica)
			}
		}
		switch {
		case len(lack) == len(cp.scans):
			l.accuse("vanished", name{"vanished", semantics.Stored, cp.ref}, m.id)
		case len(lack) > 0:
			l.accuse("vanished", name{"vanished: not on replica " + lack[0], semantics.Stored, cp.ref}, m.id)
		}
	}
}

// part is the earliest stage without a successor, of a message without effect.
func (l *lane) part(m *message, cp *checkpoint, committed bool) string {
	missing := false // from a scan that ought to have it
	for _, s := range cp.scans {
		missing = missing || l.expected(m, cp.cut) && !has(s.copies, m, cp.cut)
	}
	switch {
	case len(before(m.handled, cp.cut)) > 0 || m.read(cp.cut) || committed:
		return inEffect
	case l.traits.Acks && !l.traits.Transactional && len(before(m.called, cp.cut)) > 0:
		return inConsumer
	case !l.traits.Acks && !l.traits.Transactional && m.delivered(cp.cut):
		return inConsumer
	case m.observed(cp.cut) && missing:
		return vanished
	case m.observed(cp.cut):
		return inDelivery
	}
	return notAccepted
}

// expected reports whether every scan ought to find a message: where an acknowledgement by a consumer removes it, nobody must have tried.
func (l *lane) expected(m *message, cut int) bool {
	return m.acked(cut) && !(l.traits.Consumes && len(before(m.called, cut)) > 0)
}

func (m *message) corrupted(cut int) bool {
	for stage := semantics.Stored; stage <= semantics.Applied; stage++ {
		for _, e := range m.at(stage, cut) {
			if e.Flags&history.Corrupt != 0 {
				return true
			}
		}
	}
	return false
}

// unaccepted mends, once everything was seen, what was called not accepted: a confirmation that named a position that the checkpoint's
// scans read says that the broker had it. And what has an effect after all was late, and not lost.
func (l *lane) unaccepted() {
	for m, n := range l.lost {
		if n.anomaly != notAccepted {
			continue
		}
		for _, o := range l.messages[m].outcomes {
			if o.Status == history.Acked && o.Pos.Offset != 0 && l.readAt(n.episode, o.Pos) {
				l.lost[m] = name{vanished, semantics.Stored, n.episode}
			}
		}
	}
	last := l.lastRead()
	for n := range l.found {
		if partStages[n.anomaly] != 0 {
			delete(l.found, n)
		}
	}
	for m := range l.named["lost"] {
		if !has(last.copies, l.messages[m], l.end()) {
			l.found[l.lost[m]] = append(l.found[l.lost[m]], m)
		}
	}
}

// readAt reports whether a checkpoint's scans read a position.
func (l *lane) readAt(episode int, p history.Position) bool {
	for _, cp := range l.checkpoints {
		for _, s := range cp.scans {
			if cp.ref == episode && s.covers(p) {
				return true
			}
		}
	}
	return false
}

// end is the place behind the last event.
func (l *lane) end() int { return l.checkpoints[len(l.checkpoints)-1].cut }
