package checkertest

import (
	"fmt"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// queue is one lane: its producers, what is stored, its consumers and their effects.
type queue struct {
	w         *world
	lane      uint32
	traits    semantics.Traits
	producers []*producer
	consumers []*consumer
	log       []copied
	backlog   []int // indices of log: to be delivered, next first
	where     map[history.Msg]int
	effects   []effect
	applied   map[history.Msg]bool
	parts     []partition

	unroutable bool // what is confirmed goes nowhere

	group    []tenancy // who has which partition, where partitions belong to one consumer at a time
	counts   map[int]uint64
	due      map[int]int64 // when a copy may be delivered again, where the mode has an acknowledgement wait
	withhold bool          // the next acknowledgement, where effects are deduplicated
	resend   bool          // the producer's library has to send again
}

type copied struct {
	msg     history.Msg
	attempt uint32
	key     uint32
	pos     history.Position
}

// partition is one log, with a leader of its own.
type partition struct {
	end    int64
	leader int
	term   uint64
}

// effect is one effect; of a transactional lane an output message.
type effect struct {
	msg    history.Msg
	txn    uint64
	by     history.Life
	unseen bool // by readers of committed messages
}

type producer struct {
	life history.Life
	next uint64
	open []attempt
	host string
}

// attempt is a send without an outcome. at is where its copy went: -1 if it never arrived.
type attempt struct {
	msg     history.Msg
	n       uint32
	key     uint32
	at      int
	dup     bool
	doubted bool
}

type consumer struct {
	life   history.Life
	call   uint64
	host   string
	paused bool
	held   []int // indices of log, delivered and not finished
	txn    uint64
	inputs []int // of the transaction that is open
	stale  bool  // what it holds is others' now, and the broker refuses its acknowledgements
}

func newQueue(w *world, lane uint32, m semantics.Mode) *queue {
	q := &queue{w: w, lane: lane, traits: m.Traits, where: map[history.Msg]int{}, applied: map[history.Msg]bool{}, counts: map[int]uint64{}, due: map[int]int64{},
		unroutable: m.Name == Unroutable}
	for range w.opts.Partitions {
		q.parts = append(q.parts, partition{term: 1})
	}
	for i := range 2 {
		p := &producer{host: fmt.Sprintf("p%d-%d", lane, i)}
		p.life = w.life("producer", p.host, lane)
		q.producers = append(q.producers, p)
		c := &consumer{host: fmt.Sprintf("c%d-%d", lane, i)}
		c.life = w.life("consumer", c.host, lane)
		q.consumers = append(q.consumers, c)
	}
	q.rebalance()
	return q
}

func (q *queue) put(life history.Life, e history.Event) {
	e.Lane = q.lane
	q.w.put(life, e)
}

func (q *queue) lead() {
	if !q.traits.Leader {
		return
	}
	for i, p := range q.parts {
		q.put(controller, history.Event{Kind: history.Leader, Name: fmt.Sprintf("n%d", p.leader), Pos: history.Position{Partition: uint32(i), Epoch: p.term}, Text: "queue"})
	}
}

// elect gives one partition another leader.
func (q *queue) elect() {
	p := &q.parts[q.w.rng.IntN(len(q.parts))]
	p.leader = (p.leader + 1) % 3
	p.term++
	q.lead()
}

// step is a moment of ordinary work.
func (q *queue) step(trouble bool) {
	p := q.producers[q.w.rng.IntN(2)]
	q.send(p)
	for len(p.open) > 0 && q.w.rng.IntN(3) > 0 {
		q.resolve(p, trouble)
	}
	c := q.consumers[q.w.rng.IntN(2)]
	if q.w.rng.IntN(2) == 0 {
		q.receive(c, 1+q.w.rng.IntN(4))
	}
	for len(c.held)+len(c.inputs) > 0 && q.w.rng.IntN(4) > 0 && !c.paused {
		q.process(c, trouble)
	}
}

// send publishes a new message, whose copy arrives at once if it does.
func (q *queue) send(p *producer) {
	p.next++
	a := attempt{msg: history.Msg{Life: p.life, Seq: p.next}, n: 1, key: uint32(q.w.rng.IntN(3))}
	q.publish(p, a, 0)
}

func (q *queue) publish(p *producer, a attempt, flags history.Flags) {
	q.put(p.life, history.Event{Kind: history.Send, Msg: a.msg, Attempt: a.n, Key: a.key, Session: 1, Flags: flags})
	i, had := q.where[a.msg]
	switch {
	case had && q.traits.DedupStore:
		a.at, a.dup = i, true
	case q.unroutable, q.w.rng.IntN(20) == 0 && !had:
		a.at = -1
	default:
		a.at = len(q.log)
		p := &q.parts[a.key%uint32(len(q.parts))]
		p.end++
		q.log = append(q.log, copied{a.msg, a.n, a.key, history.Position{Partition: a.key % uint32(len(q.parts)), Offset: p.end, Epoch: p.term}})
		q.where[a.msg] = a.at
		q.store(a.at)
	}
	p.open = append(p.open, a)
}

// resolve ends the oldest open attempt, and tries again when it has to.
func (q *queue) resolve(p *producer, trouble bool) {
	a := p.open[0]
	p.open = p.open[1:]
	e := history.Event{Kind: history.Outcome, Msg: a.msg, Attempt: a.n, Status: history.Unknown}
	switch {
	case !q.traits.Confirms:
		e.Reason = history.NoConfirmation
	case q.unroutable:
		e.Status, e.Origin = history.Acked, history.FromBroker
	case a.at < 0 && q.w.rng.IntN(2) == 0:
		e.Status, e.Reason, e.Origin = history.Rejected, history.NotConnected, history.FromClient
	case a.at < 0 || trouble && !q.traits.Session && q.w.rng.IntN(2) == 0 && a.n < 3:
		e.Reason, e.Origin = history.Timeout, history.FromTimeout
	default:
		e.Status, e.Origin, e.Pos = history.Acked, history.FromBroker, q.pos(a.at)
		e.Pos.Epoch = 0 // a confirmation does not name it
		switch {
		case a.dup:
			e.Flags = history.Duplicate
		case q.traits.Session && (q.resend || trouble && q.w.rng.IntN(2) == 0):
			e.Flags = history.Resent
		}
	}
	q.put(p.life, e)
	switch {
	case !q.traits.Confirms:
	case e.Status == history.Unknown && !q.traits.Session && q.w.rng.IntN(10) > 0:
		a.n++
		a.dup = false
		q.publish(p, a, 0)
	case e.Status == history.Unknown:
		q.put(p.life, history.Event{Kind: history.GiveUp, Msg: a.msg})
	case e.Status == history.Acked && q.traits.DedupStore && !a.doubted && q.w.rng.IntN(8) == 0:
		a.n++
		a.doubted = true
		q.publish(p, a, history.Doubt)
	}
}

// receive delivers up to n copies from the backlog.
func (q *queue) receive(c *consumer, n int) {
	if c.paused {
		return
	}
	c.call++
	q.put(c.life, history.Event{Kind: history.Receive, Call: c.call})
	for ; n > 0; n-- {
		i, ok := q.next(c)
		if !ok {
			return
		}
		if !q.traits.Acks && q.w.rng.IntN(30) == 0 {
			continue // at most once: lost on the way
		}
		q.counts[i]++
		q.wait(i)
		x := q.log[i]
		e := history.Event{Kind: history.Delivery, Msg: x.msg, Attempt: x.attempt, Key: x.key, Pos: q.pos(i), Call: c.call, Count: q.counts[i]}
		if e.Count > 1 {
			e.Flags = history.Redelivered
		}
		q.put(c.life, e)
		c.held = append(c.held, i)
	}
}

// pos is where a consumer sees a copy: nowhere, where the queue has no positions.
func (q *queue) pos(i int) history.Position {
	if !q.traits.Scannable {
		return history.Position{}
	}
	return q.log[i].pos
}

// process applies and acknowledges the oldest delivery held.
func (q *queue) process(c *consumer, trouble bool) {
	if c.paused {
		return
	}
	switch {
	case q.traits.Transactional:
		q.transact(c, trouble)
		return
	case q.traits.AcksFirst:
		q.early(c, trouble)
		return
	}
	i := c.held[0]
	c.held = c.held[1:]
	m := q.log[i].msg
	q.put(c.life, history.Event{Kind: history.ApplyBegin, Msg: m, Pos: q.pos(i)})
	status := history.OK
	if q.traits.DedupEffect && q.applied[m] {
		status = history.DedupHit
	} else {
		q.effects = append(q.effects, effect{msg: m})
		q.applied[m] = true
	}
	q.put(c.life, history.Event{Kind: history.ApplyEnd, Msg: m, Pos: q.pos(i), Status: status})
	if !q.traits.Acks {
		return
	}
	ack := history.Event{Kind: history.AckOutcome, Msg: m, Pos: q.pos(i), Status: history.Unconfirmable}
	if q.traits.DedupEffect && (q.withhold || q.counts[i] == 1 && q.w.rng.IntN(8) == 0) {
		ack.Status, ack.Reason = history.Unknown, history.Withheld
		q.put(c.life, ack)
		q.again(c, i)
		return
	}
	q.put(c.life, history.Event{Kind: history.AckCalled, Msg: m, Pos: q.pos(i)})
	lost := false
	switch {
	case c.stale:
		ack.Status, ack.Reason = history.Failed, history.BrokerError
	case trouble && q.counts[i] < 3 && q.w.rng.IntN(3) == 0: // the acknowledgement is lost on its way
		ack.Status, ack.Reason = history.Unknown, history.Timeout
		if !q.traits.ConfirmsAcks {
			ack.Status = history.Unconfirmable
		}
		lost = true
	case q.traits.ConfirmsAcks:
		ack.Status = history.Confirmed
		q.backlog = slices.DeleteFunc(q.backlog, func(j int) bool { return j == i })
	}
	q.put(c.life, ack)
	switch {
	case lost:
		q.again(c, i)
	case !c.stale:
		q.settle(i)
	}
}

// expire gives what a consumer holds to others, as an acknowledgement timeout does, or the end of its session.
func (q *queue) expire(c *consumer) {
	switch {
	case q.traits.Exclusive:
		q.depose(c)
	case q.traits.Acks:
		q.backlog = append(append(q.backlog, c.held...), c.inputs...)
	}
}
