package rabbitmq

import (
	"context"
	"slices"
	"sync"
	"time"

	"waybill/targets"
)

// pending are attempts without an outcome. Each ends exactly once: answered, cut off, or out of time. One that was never
// handed to the library is rejected, whatever ended it, and must not be handed over any more.
type pending struct {
	timeout time.Duration

	mu     sync.Mutex
	order  []*attempt // oldest first: the timeout is the same for all. The first is not over
	idle   bool       // the reaper has nothing to wait for
	closed bool

	added chan struct{} // wakes the reaper when it is idle
	stop  chan struct{}
	done  sync.WaitGroup
}

type attempt struct {
	msg     targets.Message
	tell    func(targets.Outcome)
	limit   time.Time
	handed  bool
	ended   bool     // its outcome is being told, or was
	over    bool     // and was
	flushes []*flush // that wait for it
}

// flush waits for some attempts.
type flush struct {
	left int
	done chan struct{}
}

func newPending(timeout time.Duration) *pending {
	p := &pending{timeout: timeout, added: make(chan struct{}, 1), stop: make(chan struct{})}
	p.done.Go(p.reap)
	return p
}

// add makes an attempt; nil once closed.
func (p *pending) add(m targets.Message, tell func(targets.Outcome)) *attempt {
	a := &attempt{msg: m, tell: tell, limit: time.Now().Add(p.timeout)}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil
	}
	p.order = append(p.order, a)
	if p.idle {
		p.idle = false
		select {
		case p.added <- struct{}{}:
		default:
		}
	}
	return a
}

// hand is called just before an attempt is given to the library. It is false when the attempt has ended meanwhile.
func (p *pending) hand(a *attempt) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.handed = !a.ended
	return a.handed
}

// end tells the outcome of an attempt unless it has one.
func (p *pending) end(a *attempt, o targets.Outcome) {
	p.mu.Lock()
	if a.ended {
		p.mu.Unlock()
		return
	}
	a.ended = true
	if !a.handed {
		o = notConnected
	}
	p.mu.Unlock()

	a.tell(o)

	p.mu.Lock()
	defer p.mu.Unlock()
	a.over = true
	n := 0
	for n < len(p.order) && p.order[n].over {
		p.order[n] = nil
		n++
	}
	if p.order = p.order[n:]; len(p.order) == 0 {
		p.order = nil
	}
	for _, f := range a.flushes {
		if f.left--; f.left == 0 {
			close(f.done)
		}
	}
}

// flush returns when every attempt made so far has ended.
func (p *pending) flush(ctx context.Context) error {
	p.mu.Lock()
	f := &flush{done: make(chan struct{})}
	for _, a := range p.order {
		if !a.over {
			a.flushes = append(a.flushes, f)
			f.left++
		}
	}
	none := f.left == 0
	p.mu.Unlock()
	if none {
		return nil
	}
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// reap ends what runs out of time.
func (p *pending) reap() {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		if next, some := p.expire(time.Now()); some {
			timer.Reset(time.Until(next))
		} else {
			timer.Reset(time.Hour)
		}
		select {
		case <-timer.C:
		case <-p.added:
		case <-p.stop:
			return
		}
	}
}

// expire ends what is due at now and returns the next limit.
func (p *pending) expire(now time.Time) (next time.Time, some bool) {
	for {
		p.mu.Lock()
		at := 0 // of the oldest that has not ended
		for at < len(p.order) && p.order[at].ended {
			at++
		}
		if at == len(p.order) {
			p.idle = true
			p.mu.Unlock()
			return time.Time{}, false
		}
		a := p.order[at]
		p.mu.Unlock()
		if now.Before(a.limit) {
			return a.limit, true
		}
		p.end(a, expired)
	}
}

// close ends everything that is open, and takes no more.
func (p *pending) close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	p.mu.Unlock()
	close(p.stop)
	p.done.Wait()
	p.mu.Lock()
	left := slices.Clone(p.order)
	p.mu.Unlock()
	for _, a := range left {
		p.end(a, severed)
	}
}
