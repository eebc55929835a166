package planted

import "time"

// delivery is what the leader knows about deliveries of one queue: nothing of it outlives its leadership. It is used under node.mu.
type delivery struct {
	cursor int64 // next position never delivered in this leadership
	known  int64 // up to here an earlier leader may have delivered
	out    map[int64]*lease
	again  []int64          // due to be delivered again
	count  map[int64]uint32 // deliveries so far, of positions not acknowledged
	wake   chan struct{}    // closed when there may be something new

	// Of the bugs.
	parked []int64       // held back until the group changes, or nothing else is left
	forced []forced      // acknowledged, and to be delivered again
	was    map[mark]bool // what a bug did to a position before
	hung   bool
	idle   time.Time // since when nothing was left but what is parked
}

// mark is one bug's of one position.
type mark struct {
	bug string
	pos int64
}

// lease is a delivery that awaits its acknowledgement.
type lease struct {
	until time.Time
}

type forced struct {
	pos int64
	at  time.Time
}

func newDelivery(known int64) *delivery {
	return &delivery{cursor: 1, known: known, out: map[int64]*lease{}, count: map[int64]uint32{}, wake: make(chan struct{}), was: map[mark]bool{}}
}

// stir wakes those who wait for something to deliver.
func (d *delivery) stir() {
	close(d.wake)
	d.wake = make(chan struct{})
}

// expire takes back what was not acknowledged in time.
func (d *delivery) expire(now time.Time, q *queue) {
	moved := false
	for pos, l := range d.out {
		switch {
		case q.isDone(pos):
			delete(d.out, pos)
			delete(d.count, pos)
		case now.After(l.until):
			delete(d.out, pos)
			d.again = append(d.again, pos)
			moved = true
		}
	}
	if moved || len(d.forced) > 0 || len(d.parked) > 0 {
		d.stir()
	}
}

// release ends leases at once: their holder has said that it will not acknowledge them.
func (d *delivery) release(ps []int64) {
	for _, pos := range ps {
		if d.out[pos] != nil {
			delete(d.out, pos)
			d.again = append(d.again, pos)
		}
	}
	d.stir()
}

// handed is one delivery about to be sent.
type handed struct {
	pos   int64
	count uint32 // 0: not known, but more than one is possible
	again bool
	rec   record
}

// take leases up to most positions to a consumer.
func (n *node) take(q *queue, d *delivery, most int, now time.Time) (out []handed) {
	if d.hung {
		return nil
	}
	lease := func(pos int64) {
		if q.isDone(pos) || d.out[pos] != nil || d.hung {
			return
		}
		at, ok := q.visible(pos)
		if !ok {
			return
		}
		r, err := n.machine.read(at)
		if err != nil {
			n.logf("%v", err)
			return
		}
		h, deliver := n.tamper(q, d, handed{pos: pos, rec: r}, now)
		if !deliver {
			return
		}
		d.out[pos] = newLease(now)
		d.count[pos]++
		h.count = d.count[pos]
		h.again = h.count > 1
		if pos <= d.known {
			h.count = 0
		}
		out = append(out, h)
	}
	for len(d.again) > 0 && len(out) < most {
		pos := d.again[0]
		d.again = d.again[1:]
		lease(pos)
	}
	for d.cursor <= q.last() && len(out) < most && len(d.out) < heldMost {
		if word := q.done[d.cursor>>6]; d.cursor&63 == 0 && word == ^uint64(0) {
			d.cursor += 64
			continue
		}
		d.cursor++
		lease(d.cursor - 1)
	}
	return n.tamperIdle(q, d, out, now)
}

func newLease(now time.Time) *lease { return &lease{until: now.Add(ackWait)} }
