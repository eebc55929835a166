package planted

import (
	"context"
	"time"

	"github.com/hashicorp/raft"
)

// leading carries out what a leader does. It returns once the request has its place among those of its connection.
func (n *node) leading(ctx context.Context, kind byte, body []byte, done func(frame)) {
	d := &decoder{b: body}
	queue := ""
	if kind != askRestarted {
		queue = d.text()
	}
	if err := d.err(); err != nil {
		done(refuse(err.Error()))
		return
	}
	switch kind {
	case askPublish:
		n.publish(queue, body, d, done)
	case askFetch:
		n.work.Go(func() { done(n.fetch(ctx, queue, d)) })
	case askAck:
		n.apply(cmdAck, body, done, func(result) frame {
			n.settle(queue, d.positions(), true)
			return frame{kind: codeDone}
		})
	case askJoin:
		n.apply(cmdJoin, body, done, func(r result) frame {
			n.regroup(queue)
			var e encoder
			e.u32(r.epoch)
			return frame{kind: codeDone, body: e.b}
		})
	case askLeft:
		n.regroup(queue)
		done(frame{kind: codeDone})
	case askOutputs:
		n.apply(cmdOutputs, body, done, ended)
	case askEnd:
		n.apply(cmdEnd, body, done, func(r result) frame {
			d.u32()
			d.u32()
			d.text()
			d.u8()
			n.settle(queue, d.positions(), r.status == endCommitted)
			return ended(r)
		})
	case askDepth:
		n.work.Go(func() { done(n.depth(queue)) })
	case askCreate:
		n.apply(cmdCreate, body, done, func(result) frame { return frame{kind: codeDone} })
	case askDelete:
		n.apply(cmdDelete, body, done, func(result) frame { return frame{kind: codeDone} })
	case askRestarted:
		n.apply(cmdRestarted, []byte{0, 0}, done, func(result) frame { return frame{kind: codeDone} })
	default:
		done(refuse("no such request"))
	}
}

func refuse(why string) frame { return frame{kind: codeRefused, body: []byte(why)} }

func ended(r result) frame { return frame{kind: codeDone, body: []byte{r.status}} }

// apply puts a command into the log, in the order of calls, and answers when a majority has it. body begins with the queue's name, as the
// rest of a command does.
func (n *node) apply(kind byte, body []byte, done func(frame), then func(result) frame) {
	e := &encoder{b: make([]byte, 0, len(body)+9)}
	e.u8(kind)
	e.u64(uint64(now(time.Now())))
	e.b = append(e.b, body...)
	n.await(n.raft.Apply(e.b, applyTimeout), done, then)
}

func (n *node) await(f raft.ApplyFuture, done func(frame), then func(result) frame) {
	n.work.Go(func() {
		if f.Error() != nil {
			done(frame{kind: codeUnavailable})
			return
		}
		r := f.Response().(result)
		if r.refused != "" {
			done(refuse(r.refused))
			return
		}
		done(then(r))
	})
}

// publish stores a batch and answers where each message lies.
func (n *node) publish(queue string, body []byte, d *decoder, done func(frame)) {
	var keep []bool
	if n.plants.below[ackEarly] > 0 {
		var rs, rest []record
		for left := d.u32(); left > 0 && !d.bad; left-- {
			rs = append(rs, d.record())
		}
		n.mu.Lock()
		keep = n.keepEarly(queue, rs, time.Now())
		n.mu.Unlock()
		for i, r := range rs {
			if keep[i] {
				rest = append(rest, r)
			}
		}
		body = appendCommand(time.Time{}, queue, rest)[9:] // without kind and clock: see apply
	}
	n.apply(cmdAppend, body, done, func(r result) frame {
		n.arrived(queue, r.late)
		return frame{kind: codeDone, body: confirmations(r.stored, keep)}
	})
}

// confirmations says of each message, by its place in the request, where it lies; what is silent is left out. keep, if not nil, tells which
// messages of the request were stored: the others are confirmed without a position.
func confirmations(stored []storedAt, keep []bool) []byte {
	var e encoder
	put := func(i int, s storedAt) {
		if s.silent {
			return
		}
		e.u32(uint32(i))
		e.u64(uint64(s.pos))
		dup := byte(0)
		if s.dup {
			dup = 1
		}
		e.u8(dup)
	}
	if keep == nil {
		for i, s := range stored {
			put(i, s)
		}
		return e.b
	}
	next := 0
	for i, k := range keep {
		if !k {
			put(i, storedAt{})
		} else if next < len(stored) {
			put(i, stored[next])
			next++
		}
	}
	return e.b
}

// arrived wakes those who wait for deliveries.
func (n *node) arrived(queue string, late []int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.delivery(queue)
	d.again = append(d.again, late...)
	d.stir()
}

// settle ends leases: acknowledged, or given back.
func (n *node) settle(queue string, ps []int64, acked bool) {
	n.machine.mu.RLock()
	defer n.machine.mu.RUnlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	q, d := n.machine.queues[queue], n.delivery(queue)
	if q == nil {
		return
	}
	if acked {
		n.acked(q, d, ps, time.Now())
		return
	}
	d.release(ps)
}

func (n *node) regroup(queue string) {
	n.machine.mu.RLock()
	defer n.machine.mu.RUnlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if q := n.machine.queues[queue]; q != nil {
		n.regrouped(q, n.delivery(queue), time.Now())
	}
}

// fetch waits for deliveries. They are sent only if this node still leads after it chose them: what a later leader knows to be
// acknowledged must not come from here.
func (n *node) fetch(ctx context.Context, queue string, d *decoder) frame {
	most, wait := int(d.u32()), time.Duration(d.u32())*time.Millisecond
	if err := d.err(); err != nil {
		return refuse(err.Error())
	}
	over := time.NewTimer(min(wait, time.Minute))
	defer over.Stop()
	for {
		n.machine.mu.RLock()
		q := n.machine.queues[queue]
		if q == nil {
			n.machine.mu.RUnlock()
			return refuse("no queue " + queue)
		}
		n.mu.Lock()
		if n.leads == 0 {
			n.mu.Unlock()
			n.machine.mu.RUnlock()
			return frame{kind: codeUnavailable}
		}
		dl := n.delivery(queue)
		hs, wake := n.take(q, dl, most, time.Now()), dl.wake
		n.mu.Unlock()
		n.machine.mu.RUnlock()
		if len(hs) > 0 {
			if n.raft.VerifyLeader().Error() != nil {
				return frame{kind: codeUnavailable}
			}
			return deliveries(hs)
		}
		select {
		case <-wake:
		case <-over.C:
			return deliveries(nil)
		case <-ctx.Done():
			return frame{kind: codeUnavailable}
		}
	}
}

func deliveries(hs []handed) frame {
	var e encoder
	e.u32(uint32(len(hs)))
	for _, h := range hs {
		e.u64(uint64(h.pos))
		e.u32(h.count)
		again := byte(0)
		if h.again {
			again = 1
		}
		e.u8(again)
		e.b = appendRecord(e.b, h.rec)
	}
	return frame{kind: codeDone, body: e.b}
}

// depth is what is left, said by a leader that has applied all that was ever proposed to it, and still leads.
func (n *node) depth(queue string) frame {
	if n.raft.Barrier(applyTimeout).Error() != nil {
		return frame{kind: codeUnavailable}
	}
	n.machine.mu.RLock()
	defer n.machine.mu.RUnlock()
	n.mu.Lock()
	defer n.mu.Unlock()
	q := n.machine.queues[queue]
	if q == nil {
		return refuse("no queue " + queue)
	}
	if n.leads == 0 {
		return frame{kind: codeUnavailable}
	}
	out := int64(0)
	for pos := range n.delivery(queue).out {
		if !q.isDone(pos) {
			out++
		}
	}
	ready := q.left - out
	if e := n.early[queue]; e != nil {
		ready += int64(len(e.records))
	}
	var e encoder
	e.u64(uint64(ready))
	e.u64(uint64(out))
	e.u64(uint64(q.last()))
	e.u64(n.machine.applied)
	e.text(n.config.Name)
	return frame{kind: codeDone, body: e.b}
}
