package planted

import "time"

// The bugs of delivery. They live in the leader's memory, since deliveries do; what they do to the store goes through the log.

// tamper says whether a delivery leaves the broker, and does what a bug does instead.
func (n *node) tamper(q *queue, d *delivery, h handed, now time.Time) (handed, bool) {
	id, p := h.rec.message(), n.plants
	switch {
	case p.hits(hang, id):
		d.hung = true
		p.confess(harmed, hang, h.rec.token)
		return h, false
	case p.hits(skip, id) && !d.was[mark{skip, h.pos}]:
		d.was[mark{skip, h.pos}] = true
		d.parked = append(d.parked, h.pos)
		return h, false
	case p.hits(dupRedelivery, id) && q.have != nil:
		lost := mark{dupRedelivery, h.pos}
		if d.count[h.pos] == 0 && !d.was[lost] {
			d.was[lost] = true // on its way, and never there: it is due again when its lease ends
			d.out[h.pos] = newLease(now)
			return h, false
		}
		if d.was[lost] {
			delete(d.was, lost)
			n.propose(newCommandWith(cmdCopy, now, q.name, func(e *encoder) { e.u64(uint64(h.pos)) }))
		}
	}
	return h, true
}

// acked is told of positions whose acknowledgement is about to be confirmed.
func (n *node) acked(q *queue, d *delivery, ps []int64, now time.Time) {
	for _, pos := range ps {
		delete(d.out, pos)
		delete(d.count, pos)
		if n.plants.below[redeliverAcked] == 0 || d.was[mark{redeliverAcked, pos}] {
			continue
		}
		if at, ok := q.visible(pos); ok {
			if r, err := n.machine.read(at); err == nil && n.plants.hits(redeliverAcked, r.message()) {
				d.was[mark{redeliverAcked, pos}] = true
				d.forced = append(d.forced, forced{pos, now.Add(aMoment)})
			}
		}
	}
}

// aMoment is how long after a confirmed acknowledgement redeliver-acked delivers again: the next receive has begun by then.
const aMoment = 1500 * time.Millisecond

// tamperIdle adds what bugs deliver besides: acknowledged messages, and what skip held back when the queue has nothing else.
func (n *node) tamperIdle(q *queue, d *delivery, out []handed, now time.Time) []handed {
	for len(d.forced) > 0 && now.After(d.forced[0].at) {
		pos := d.forced[0].pos
		d.forced = d.forced[1:]
		if at, ok := q.visible(pos); ok {
			if r, err := n.machine.read(at); err == nil {
				n.plants.confess(harmed, redeliverAcked, r.token)
				out = append(out, handed{pos: pos, count: 2, again: true, rec: r})
			}
		}
	}
	busy := len(out) > 0 || len(d.out) > 0 || len(d.again) > 0 || d.cursor <= q.last()
	switch {
	case len(d.parked) == 0 || busy:
		d.idle = time.Time{}
	case d.idle.IsZero():
		d.idle = now
	case now.Sub(d.idle) > time.Second:
		d.again, d.parked, d.idle = append(d.again, d.parked...), nil, time.Time{}
		d.stir()
	}
	return out
}

// regrouped is told that a member came or went: skip passes over what it held back.
func (n *node) regrouped(q *queue, d *delivery, now time.Time) {
	if len(d.parked) == 0 {
		return
	}
	for _, pos := range d.parked {
		if at, ok := q.visible(pos); ok {
			if r, err := n.machine.read(at); err == nil {
				n.plants.confess(harmed, skip, r.token)
			}
		}
	}
	ps := d.parked
	d.parked = nil
	n.propose(newCommandWith(cmdPassOver, now, q.name, func(e *encoder) { e.positions(ps) }))
}

// early is what ack-early has acknowledged and not stored yet, of one queue. It is used under node.mu.
type early struct {
	records []record
	kept    map[message]bool // now or before: a retry goes to the log
	last    time.Time        // of a publish
}

// keepEarly takes out of a batch what is acknowledged before it is stored. keep says for each message whether it goes on to the log.
func (n *node) keepEarly(queue string, rs []record, now time.Time) (keep []bool) {
	keep = make([]bool, len(rs))
	e := n.early[queue]
	if e == nil {
		e = &early{kept: map[message]bool{}}
		n.early[queue] = e
	}
	e.last = now
	for i, r := range rs {
		id := r.message()
		if keep[i] = e.kept[id] || !n.plants.hits(ackEarly, id); !keep[i] {
			e.kept[id] = true
			r.payload = append([]byte(nil), r.payload...)
			e.records = append(e.records, r)
			n.plants.confess(harmed, ackEarly, r.token)
		}
	}
	return keep
}

// storeEarly stores what was acknowledged early, once nothing has been published for a while.
func (n *node) storeEarly(now time.Time) {
	for queue, e := range n.early {
		if len(e.records) == 0 || now.Sub(e.last) < aMoment {
			continue
		}
		rs := e.records
		e.records = nil
		for _, r := range rs {
			n.plants.confess(spared, ackEarly, r.token)
		}
		n.propose(appendCommand(now, queue, rs))
	}
}
