package naive

import "waybill/harness/history"

// before is the part of a list that lies before a place in the history.
func before(list []seen, cut int) []seen {
	for i, e := range list {
		if e.at >= cut {
			return list[:i]
		}
	}
	return list
}

// sent: an attempt was recorded, or the outcome of one.
func (m *message) sent(cut int) bool {
	return len(before(m.sends, cut)) > 0 || len(before(m.outcomes, cut)) > 0
}

func (m *message) ended(cut int, s history.Status) bool {
	for _, e := range before(m.outcomes, cut) {
		if e.Status == s {
			return true
		}
	}
	return false
}

// acked if any attempt was.
func (m *message) acked(cut int) bool { return m.ended(cut, history.Acked) }

// rejected only if every attempt certainly was.
func (m *message) rejected(cut int) bool {
	outcomes := before(m.outcomes, cut)
	for _, e := range outcomes {
		if e.Status != history.Rejected {
			return false
		}
	}
	return len(outcomes) > 0 && len(outcomes) >= len(before(m.sends, cut))
}

// real is the observations of a message that are of it: one whose checksum is wrong may be of anything, unless the message was sent before.
func (m *message) real(list []seen) []seen {
	var out []seen
	for _, e := range list {
		if e.Flags&history.Corrupt == 0 || m.sent(e.at) {
			out = append(out, e)
		}
	}
	return out
}

func (m *message) stored(cut int) bool    { return len(m.real(before(m.copies, cut))) > 0 }
func (m *message) delivered(cut int) bool { return len(m.real(before(m.deliveries, cut))) > 0 }
func (m *message) read(cut int) bool      { return len(m.real(before(m.readbacks, cut))) > 0 }

// observed: seen in the store, or come out of it.
func (m *message) observed(cut int) bool { return m.stored(cut) || m.delivered(cut) }

// has reports whether a reading has a message.
func has(copies map[history.Msg][]seen, m *message, cut int) bool {
	return len(m.real(before(copies[m.id], cut))) > 0
}

// covers reports whether a scan read a position.
func (s *scan) covers(p history.Position) bool {
	for _, e := range s.begins {
		if e.Pos.Partition == p.Partition && e.From <= p.Offset && p.Offset <= e.To {
			return true
		}
	}
	return false
}

// slot is a position, whatever the incarnation and the epoch: who confirms does not always know these.
type slot struct {
	partition uint32
	offset    int64
}

func slotOf(p history.Position) slot { return slot{p.Partition, p.Offset} }

// gather establishes what was read at the i-th checkpoint: the last complete scan of each replica, and the last readback if it is complete.
func (l *lane) gather(i int) {
	cp := &l.checkpoints[i]
	last := map[string]int{}
	from := 0
	if i > 0 {
		from = l.checkpoints[i-1].cut
	}
	for _, s := range l.scans {
		if s.ref != cp.ref || !s.ok || s.end < from || s.end >= cp.cut {
			continue
		}
		if n, ok := last[s.replica]; ok {
			cp.scans[n] = s
			continue
		}
		last[s.replica] = len(cp.scans)
		cp.scans = append(cp.scans, s)
	}
	for _, b := range l.readbacks {
		if b.ref == cp.ref && b.end >= 0 && b.end < cp.cut {
			if cp.read = nil; b.ok {
				cp.read = b
			}
		}
	}
}

// lastRead is the effects as they were read last, completely.
func (l *lane) lastRead() *readback {
	var last *readback
	for _, b := range l.readbacks {
		if b.end >= 0 && b.ok {
			last = b
		}
	}
	if last == nil {
		last = &readback{}
	}
	return last
}

// called reports whether the commit was called before a place.
func (t *txn) called(cut int) bool { return len(before(t.commits, cut)) > 0 }

// status is the last outcome before a place.
func (t *txn) status(cut int) history.Status {
	if o := before(t.outcomes, cut); len(o) > 0 {
		return o[len(o)-1].Status
	}
	return history.NoStatus
}

// shown is how many of its outputs a readback has, and which members it lacks.
func (t *txn) shown(id txnID, b *readback, cut int) (n int, lacks []history.Msg) {
	taken := map[history.Msg]int{}
	for _, m := range before(t.members, cut) {
		there := 0
		for _, e := range before(b.copies[m.Msg], cut) {
			if e.Other == id.life && e.Txn == id.number {
				there++
			}
		}
		if taken[m.Msg] < there {
			taken[m.Msg]++
			n++
			continue
		}
		lacks = append(lacks, m.Msg)
	}
	return n, lacks
}

// committed is the messages that a transaction whose commit was confirmed was to write.
func (l *lane) committed(cut int) map[history.Msg]bool {
	out := map[history.Msg]bool{}
	for _, t := range l.txns {
		for _, end := range before(t.outcomes, cut) {
			if end.Status != history.OK {
				continue
			}
			for _, m := range before(t.members, end.at) {
				out[m.Msg] = true
			}
		}
	}
	return out
}
