package nats

import (
	"context"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// pending are requests that await an answer. Each ends exactly once: answered, out of time, or cut off.
//
// A request whose connection ended is called unknown at once instead of at its deadline. The answer could still come,
// since the reply subject is subscribed to again; but it is as often lost, and the sooner the attempt ends, the sooner
// the workload retries. A late answer finds nobody and is dropped: unknown was already the sound word.
type pending struct {
	link    *link
	timeout time.Duration

	mu      sync.Mutex
	next    uint64    // number of the last request
	waiting []attempt // those up to next, oldest first: the timeout is the same for all. The first has not ended
	open    int       // of those, how many have not ended
	flushes []*flush
	idle    bool // the reaper has no deadline to wait for
	closed  bool

	nudge chan struct{} // wakes the reaper when it is idle
	stop  chan struct{}
	done  sync.WaitGroup
}

type attempt struct {
	done   func(targets.Outcome)
	at     time.Time // its deadline
	handed bool      // to the library: from then on nobody can be certain that it was not written
	epoch  uint64    // then: of the connection that it is written on, or of the one before
	taken  bool      // its outcome is being told
	ended  bool      // and was
}

// of is a request that has not ended, or nil. It is good until mu is given up.
func (p *pending) of(id uint64) *attempt {
	first := p.next + 1 - uint64(len(p.waiting))
	if id < first || id > p.next || p.waiting[id-first].ended {
		return nil
	}
	return &p.waiting[id-first]
}

// flush waits for the requests up to one number.
type flush struct {
	upTo uint64
	left int
	done chan struct{}
}

func newPending(l *link, timeout time.Duration) *pending {
	p := &pending{
		link: l, timeout: timeout,
		nudge: make(chan struct{}, 1), stop: make(chan struct{}),
	}
	p.done.Add(1)
	go p.reap()
	return p
}

// add makes a request. It is false once closed.
func (p *pending) add(done func(targets.Outcome)) (uint64, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return 0, false
	}
	p.next++
	p.waiting = append(p.waiting, attempt{done: done, at: time.Now().Add(p.timeout)})
	p.open++
	if p.idle {
		p.idle = false
		wake(p.nudge)
	}
	return p.next, true
}

// hand is called just before a request is given to the library. It is false when the request has ended meanwhile: then
// it must not be written any more.
func (p *pending) hand(id uint64) bool {
	epoch := p.link.epoch.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.of(id)
	if r == nil || r.taken {
		return false
	}
	r.handed, r.epoch = true, epoch
	return true
}

// end tells the outcome of a request unless it has one. A request that was never handed over is rejected, whatever ended it.
func (p *pending) end(id uint64, o targets.Outcome) {
	p.mu.Lock()
	r := p.of(id)
	if r == nil || r.taken {
		p.mu.Unlock()
		return
	}
	r.taken = true
	done := r.done
	if !r.handed {
		o = targets.Outcome{Status: history.Rejected, Reason: history.NotConnected, Origin: history.FromClient}
	}
	p.mu.Unlock()

	done(o)

	p.mu.Lock()
	defer p.mu.Unlock()
	r = p.of(id)
	r.ended, r.done = true, nil
	p.open--
	p.forgetEnded()
	for _, f := range p.flushes {
		if id <= f.upTo {
			if f.left--; f.left == 0 {
				close(f.done)
			}
		}
	}
}

// forgetEnded lets go of the oldest requests that have ended.
func (p *pending) forgetEnded() {
	n := 0
	for n < len(p.waiting) && p.waiting[n].ended {
		n++
	}
	if p.waiting = p.waiting[n:]; len(p.waiting) == 0 {
		p.waiting = nil
	}
}

// flush returns when every request made so far has ended.
func (p *pending) flush(ctx context.Context) error {
	p.mu.Lock()
	if p.open == 0 {
		p.mu.Unlock()
		return nil
	}
	f := &flush{upTo: p.next, left: p.open, done: make(chan struct{})}
	p.flushes = append(p.flushes, f)
	p.mu.Unlock()
	defer p.forget(f)
	select {
	case <-f.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pending) forget(f *flush) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.flushes {
		if p.flushes[i] == f {
			p.flushes = append(p.flushes[:i], p.flushes[i+1:]...)
			return
		}
	}
}

// reap ends what ran out of time and what was cut off, in one goroutine.
func (p *pending) reap() {
	defer p.done.Done()
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
		case <-p.nudge:
		case <-p.link.ended:
			p.cut(p.link.epoch.Load())
		case <-p.stop:
			return
		}
	}
}

// expire ends what is due at now and returns the next deadline.
func (p *pending) expire(now time.Time) (next time.Time, some bool) {
	for {
		p.mu.Lock()
		at := 0 // of the oldest whose outcome is not being told
		for at < len(p.waiting) && p.waiting[at].taken {
			at++
		}
		if at == len(p.waiting) {
			p.idle = true
			p.mu.Unlock()
			return time.Time{}, false
		}
		if next := p.waiting[at].at; now.Before(next) {
			p.mu.Unlock()
			return next, true
		}
		id := p.next + 1 - uint64(len(p.waiting)-at)
		p.mu.Unlock()
		p.end(id, targets.Outcome{Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout})
	}
}

// cut ends what was written on connections before epoch.
func (p *pending) cut(epoch uint64) {
	for _, id := range p.ids(func(r *attempt) bool { return r.handed && r.epoch < epoch }) {
		p.end(id, targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClose})
	}
}

func (p *pending) ids(which func(*attempt) bool) []uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	var ids []uint64
	first := p.next + 1 - uint64(len(p.waiting))
	for i := range p.waiting {
		if r := &p.waiting[i]; !r.taken && which(r) {
			ids = append(ids, first+uint64(i))
		}
	}
	return ids
}

// close ends everything and the goroutine with it.
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
	for _, id := range p.ids(func(*attempt) bool { return true }) {
		p.end(id, targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClose})
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
