package naive

import (
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// presence names what is there and must not be, as it is seen by a checkpoint, stage by stage.
//
//   - corrupt: the checksum does not match the key and payload.
//   - foreign: a token of another run, counted where it is first seen.
//   - phantom: nobody sent it.
//   - resurrected: every attempt was certainly rejected; or, of an output, its transaction was aborted, or nobody had called its commit.
func (l *lane) presence(cp *checkpoint) {
	for stage := semantics.Stored; stage <= semantics.Applied; stage++ {
		for _, m := range l.messages {
			list := m.at(stage, cp.cut)
			for _, e := range list {
				if e.Flags&history.Corrupt != 0 {
					l.accuse("corrupt", name{"corrupt", stage, cp.ref}, m.id)
				}
			}
			if len(m.real(list)) == 0 {
				continue
			}
			if !m.sent(cp.cut) {
				l.accuse("phantom", name{"phantom", stage, cp.ref}, m.id)
			}
			if m.rejected(cp.cut) {
				l.accuse("resurrected", name{"resurrected", stage, cp.ref}, m.id)
			}
		}
		l.foreign(stage, cp)
	}
	for _, m := range l.messages {
		for _, e := range m.real(before(m.readbacks, cp.cut)) {
			if l.undead(e) {
				l.accuse("resurrected", name{"resurrected", semantics.Applied, cp.ref}, m.id)
			}
		}
	}
	l.tear(cp)
}

// at is the observations of a message at a stage.
func (m *message) at(stage semantics.Stage, cut int) []seen {
	switch stage {
	case semantics.Stored:
		return before(m.copies, cut)
	case semantics.Delivered:
		return before(m.deliveries, cut)
	}
	return before(m.readbacks, cut)
}

func (l *lane) foreign(stage semantics.Stage, cp *checkpoint) {
	n := int64(len(before(l.strange[stage], cp.cut)))
	for told := range l.strangers {
		if told.stage == stage {
			return // the next scan finds them again
		}
	}
	if n > 0 {
		l.strangers[name{"foreign", stage, cp.ref}] = n
	}
}

// undead reports whether an output that was read had no business to be visible at that moment.
func (l *lane) undead(e seen) bool {
	t := l.txns[txnID{e.Other, e.Txn}]
	if t == nil || t.begin > e.at {
		return false
	}
	for _, o := range before(t.outcomes, e.at) {
		if o.Status == history.Aborted {
			return true
		}
	}
	return !t.called(e.at)
}

// tear: at quiescence some outputs of one attempt are visible and others are not, though it was not aborted and its commit was called. An
// attempt of which all were visible once was whole: what it lacks later went missing since.
func (l *lane) tear(cp *checkpoint) {
	if !cp.settled() {
		return
	}
	for id, t := range l.txns {
		n, lacks := t.shown(id, cp.read, cp.cut)
		if t.begin >= cp.cut || t.status(cp.cut) == history.Aborted || !t.called(cp.cut) || n == 0 || len(lacks) == 0 || l.whole(id, t, cp) {
			continue
		}
		for _, m := range lacks {
			l.torn[m] = true
			if l.minds(func(p semantics.Promise) bool {
				return p.Stage == semantics.Applied && (p.Atomic || p.Guarantee.ForbidsLoss())
			}) {
				l.accuse("torn", name{"torn", semantics.Applied, cp.ref}, m)
			}
		}
	}
}

// whole reports whether an earlier checkpoint saw an attempt that had ended, and all its outputs.
func (l *lane) whole(id txnID, t *txn, now *checkpoint) bool {
	for i := range l.checkpoints {
		cp := &l.checkpoints[i]
		if cp.cut >= now.cut {
			return false
		}
		over := t.status(cp.cut) != history.NoStatus || t.died >= 0 && t.died < cp.cut
		if !cp.settled() || t.begin >= cp.cut || !over || !t.called(cp.cut) {
			continue
		}
		if _, lacks := t.shown(id, cp.read, cp.cut); len(lacks) == 0 {
			return true
		}
	}
	return false
}
