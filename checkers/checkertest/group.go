package checkertest

import "waybill/harness/history"

// tenancy is a partition of a queue whose partitions belong to one consumer at a time. Positions count from 0 here.
type tenancy struct {
	line      []int // what is stored, as indices of the log
	owner     *consumer
	lost      *consumer // paused while it was the owner, and not told yet
	next      int       // to be delivered
	committed int       // acknowledged up to here, in order
}

// at is where a copy lies.
func (q *queue) at(i int) (t *tenancy, position int) {
	p := q.log[i].pos
	return &q.group[p.Partition], int(p.Offset - 1)
}

// store makes a copy deliverable.
func (q *queue) store(i int) {
	if !q.traits.Exclusive {
		q.backlog = append(q.backlog, i)
		return
	}
	t, _ := q.at(i)
	t.line = append(t.line, i)
}

// next takes the copy that a consumer gets next.
func (q *queue) next(c *consumer) (int, bool) {
	if !q.traits.Exclusive {
		if len(q.backlog) == 0 {
			return 0, false
		}
		i := q.backlog[0]
		q.backlog = q.backlog[1:]
		return i, true
	}
	first := q.w.rng.IntN(len(q.group))
	for p := range q.group {
		t := &q.group[(first+p)%len(q.group)]
		if t.owner == c && t.next < len(t.line) {
			t.next++
			return t.line[t.next-1], true
		}
	}
	return 0, false
}

// waiting is how many copies are to be delivered.
func (q *queue) waiting() int {
	n := len(q.backlog)
	for _, t := range q.group {
		n += len(t.line) - t.next
	}
	return n
}

// wait lets the acknowledgement wait of a copy pass before it is delivered again, and begins the next one.
func (q *queue) wait(i int) {
	if q.traits.AckWait == 0 {
		return
	}
	q.w.now = max(q.w.now, q.due[i])
	q.due[i] = q.w.now + q.traits.AckWait.Microseconds() + 100
}

// again sees to it that a copy is delivered again. A consumer that has its partition to itself goes back there, and all that it has
// received of that partition since is void.
func (q *queue) again(c *consumer, i int) {
	if !q.traits.Exclusive {
		q.backlog = append(q.backlog, i)
		return
	}
	t, at := q.at(i)
	if t.owner != c {
		return
	}
	q.put(c.life, history.Event{Kind: history.Seek, Pos: history.Position{Partition: q.log[i].pos.Partition}, From: q.shown(t.next), To: q.shown(at)})
	t.next = at
	q.void(c, t)
}

// shown is a position as it is recorded: none, where the queue has no positions.
func (q *queue) shown(position int) int64 {
	if !q.traits.Scannable {
		return 0
	}
	return int64(position) + 1
}

func (q *queue) void(c *consumer, t *tenancy) {
	var rest []int
	for _, i := range c.held {
		if of, _ := q.at(i); of != t {
			rest = append(rest, i)
		}
	}
	c.held = rest
}

// settle ends a copy's deliveries: it is acknowledged.
func (q *queue) settle(i int) {
	if q.traits.Exclusive {
		t, at := q.at(i)
		t.committed = max(t.committed, at+1)
	}
}

// revert takes a consumer back to what was committed, after a transaction that was not.
func (q *queue) revert(c *consumer) {
	for p := range q.group {
		if t := &q.group[p]; t.owner == c {
			t.next = t.committed
			q.void(c, t)
		}
	}
}

// assign gives a partition away; the old owner, if it lives, was told before.
func (q *queue) assign(p int, c *consumer) {
	t := &q.group[p]
	t.owner, t.next = c, t.committed
	q.put(c.life, history.Event{Kind: history.Assign, Name: "group", Pos: history.Position{Partition: uint32(p), Offset: q.shown(t.next)}})
}

// depose gives the partitions of a consumer that is gone, or stands still, to the other one. It is not told before it wakes.
func (q *queue) depose(c *consumer) {
	other := q.consumers[0]
	if other == c {
		other = q.consumers[1]
	}
	for p := range q.group {
		if t := &q.group[p]; t.owner == c {
			t.lost = c
			q.assign(p, other)
		}
	}
}

// told tells a consumer that woke what it has lost.
func (q *queue) told(c *consumer) {
	for p := range q.group {
		if t := &q.group[p]; t.lost == c {
			q.put(c.life, history.Event{Kind: history.Lost, Name: "group", Pos: history.Position{Partition: uint32(p)}})
			t.lost = nil
		}
	}
}

// rebalance spreads the partitions over the consumers, when each has finished what it holds.
func (q *queue) rebalance() {
	if !q.traits.Exclusive {
		return
	}
	if q.group == nil {
		q.group = make([]tenancy, len(q.parts))
	}
	for _, c := range q.consumers {
		for len(c.held)+len(c.inputs) > 0 && !c.paused {
			q.process(c, false)
		}
	}
	for p := range q.group {
		t, c := &q.group[p], q.consumers[p%len(q.consumers)]
		t.lost = nil
		switch {
		case t.owner == c:
			continue
		case t.owner != nil:
			q.put(t.owner.life, history.Event{Kind: history.Revoke, Name: "group", Pos: history.Position{Partition: uint32(p)}})
		}
		q.assign(p, c)
	}
}

// latest is the consumer that gets what was stored last.
func (q *queue) latest() *consumer {
	if !q.traits.Exclusive || len(q.log) == 0 {
		return q.consumers[1]
	}
	t, _ := q.at(len(q.log) - 1)
	return t.owner
}
