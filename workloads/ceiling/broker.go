package ceiling

import (
	"context"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// broker is a queue in memory. One goroutine takes what was sent, in order, and answers; a consumer takes what it took.
type broker struct {
	pauses []Pause
	work   work

	mu      sync.Mutex
	queue   queue
	ready   int     // stored and not delivered: the first ones of the queue
	asked   []asked // for messages that are not stored
	sent    int64   // since the beginning: the last one's position
	unacked int
	began   time.Time // when the first message was sent

	came    chan struct{} // somebody asked
	arrived chan struct{} // something is ready
	room    chan struct{} // the queue is short again
}

// asked is who wants to know what became of n messages: exactly one of both.
type asked struct {
	n    int
	one  func(targets.Outcome)
	many func([]targets.Ended)
}

// longest is how many messages may be stored and not delivered: beyond it the broker takes none, so that a consumer that does not keep up
// slows the producer down instead of filling the memory, and what is delivered is still in the processor's caches.
const longest = 1 << 12

func newBroker(pauses []Pause, slow time.Duration) *broker {
	return &broker{pauses: pauses, work: newWork(slow),
		came: make(chan struct{}, 1), arrived: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// send puts messages at the end of the queue.
func (b *broker) send(ms []targets.Message, a asked) {
	b.mu.Lock()
	if b.began.IsZero() {
		b.began = time.Now()
	}
	for i := range ms {
		m, d := &ms[i], b.queue.next()
		b.sent++
		d.Token, d.Attempt, d.Key, d.Payload, d.Pos.Offset, d.Tag, d.Count = m.Token, m.Attempt, m.Key, m.Payload, b.sent, uint64(b.sent), 1
	}
	a.n = len(ms)
	b.asked = append(b.asked, a)
	first := len(b.asked) == 1
	b.mu.Unlock()
	if first {
		signal(b.came)
	}
}

// serve takes, stores and answers until ctx ends.
func (b *broker) serve(ctx context.Context) {
	var as []asked
	var a answers
	for {
		b.mu.Lock()
		n := b.queue.n - b.ready
		as, b.asked = b.asked, as[:0]
		b.mu.Unlock()
		if len(as) == 0 {
			if !waitFor(ctx, b.came) {
				return
			}
			continue
		}
		if !b.stand(ctx) || !b.makeRoom(ctx) {
			return
		}
		b.work.do(n)
		b.mu.Lock()
		b.ready += n
		b.mu.Unlock()
		signal(b.arrived)
		for i := range as {
			a.tell(&as[i])
		}
	}
}

// answers are given in the order of the questions, and messages have positions in the same.
type answers struct {
	pos  int64
	list []targets.Ended
}

var stored = targets.Outcome{Status: history.Acked, Origin: history.FromBroker}

func (a *answers) tell(to *asked) {
	if to.one != nil {
		a.pos++
		o := stored
		o.Pos.Offset = a.pos
		to.one(o)
		return
	}
	for i := len(a.list); i < to.n; i++ {
		a.list = append(a.list, targets.Ended{Index: i, Outcome: stored})
	}
	for i := range to.n {
		a.pos++
		a.list[i].Pos.Offset = a.pos
	}
	to.many(a.list[:to.n])
}

// makeRoom waits until the queue is not too long. It reports false if ctx ended.
func (b *broker) makeRoom(ctx context.Context) bool {
	for {
		b.mu.Lock()
		full := b.ready >= longest
		b.mu.Unlock()
		if !full {
			return true
		}
		if !waitFor(ctx, b.room) {
			return false
		}
	}
}

// take delivers up to most messages. They are the one consumer's until it takes again.
func (b *broker) take(most int) []targets.Delivery {
	b.mu.Lock()
	defer b.mu.Unlock()
	ds := b.queue.take(min(most, b.ready))
	b.ready -= len(ds)
	b.unacked += len(ds)
	if b.ready < longest {
		signal(b.room)
	}
	return ds
}

func (b *broker) acknowledge(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unacked -= n
}

// depth is how many messages are not delivered, and how many not acknowledged.
func (b *broker) depth() (ready, unacked int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.queue.n, b.unacked
}

// stand waits while the broker stands still. It reports false if ctx ended.
func (b *broker) stand(ctx context.Context) bool {
	if len(b.pauses) == 0 {
		return ctx.Err() == nil
	}
	b.mu.Lock()
	at := time.Since(b.began)
	b.mu.Unlock()
	for _, p := range b.pauses {
		if rest := p.At + p.Length - at; at >= p.At && rest > 0 {
			t := time.NewTimer(rest)
			defer t.Stop()
			select {
			case <-t.C:
				return true
			case <-ctx.Done():
				return false
			}
		}
	}
	return ctx.Err() == nil
}

func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func waitFor(ctx context.Context, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}
