package planted

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

const (
	outboxMost = 1 << 16
	batchMost  = 1000    // messages of one request
	bytesMost  = 1 << 18 // of one request, about
)

// producer publishes, pipelined: what waits in the outbox while a request is made goes into the next. It retries nothing.
type producer struct {
	*link
	queue   string
	confirm time.Duration

	mu      sync.Mutex
	free    sync.Cond // a change of open
	outbox  []*attempt
	flying  []*attempt // handed over or not, oldest first
	open    int
	closing bool

	wake chan struct{}
	stop chan struct{}
	run  sync.WaitGroup
}

// attempt is one message under way.
type attempt struct {
	rec    record
	done   func(targets.Outcome)
	due    time.Time
	handed bool
	ended  bool
}

func newProducer(l *link, c targets.ClientConfig) *producer {
	p := &producer{link: l, queue: c.Queue.Name, confirm: c.Confirm, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	p.free.L = &p.mu
	p.run.Go(p.write)
	p.run.Go(p.reap)
	return p
}

func rejected(r history.Reason) targets.Outcome {
	return targets.Outcome{Status: history.Rejected, Reason: r, Origin: history.FromClient}
}

// Send implements targets.Producer.
func (p *producer) Send(ctx context.Context, m targets.Message, done func(targets.Outcome)) {
	if ctx.Err() != nil {
		done(rejected(history.Interrupted))
		return
	}
	a := &attempt{rec: toRecord(m), done: done, due: time.Now().Add(p.confirm)}
	p.mu.Lock()
	if p.closing || len(p.outbox) >= outboxMost {
		p.mu.Unlock()
		done(rejected(history.NotConnected))
		return
	}
	p.outbox = append(p.outbox, a)
	p.flying = append(p.flying, a)
	p.open++
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// end tells an attempt's outcome, once. Nothing that was not handed over can have been stored.
func (p *producer) end(a *attempt, o targets.Outcome) {
	p.mu.Lock()
	if a.ended {
		p.mu.Unlock()
		return
	}
	a.ended = true
	if !a.handed {
		o = rejected(history.NotConnected)
	}
	p.mu.Unlock()
	a.done(o)
	p.mu.Lock()
	p.open--
	p.free.Broadcast()
	p.mu.Unlock()
}

// write makes requests of what is in the outbox.
func (p *producer) write() {
	for {
		select {
		case <-p.stop:
			return
		case <-p.wake:
		}
		for batch := p.batch(); len(batch) > 0; batch = p.batch() {
			p.publish(batch)
		}
	}
}

// batch takes what fits into one request, in order.
func (p *producer) batch() (out []*attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	size := 0
	for len(p.outbox) > 0 && len(out) < batchMost && size < bytesMost {
		a := p.outbox[0]
		p.outbox[0] = nil
		p.outbox = p.outbox[1:]
		if !a.ended {
			out = append(out, a)
			size += recordHead + len(a.rec.token) + len(a.rec.payload)
		}
	}
	if len(p.outbox) == 0 {
		p.outbox = nil
	}
	return out
}

func (p *producer) publish(batch []*attempt) {
	c := p.current()
	if c == nil {
		for _, a := range batch {
			p.end(a, rejected(history.NotConnected))
		}
		return
	}
	var e encoder
	e.text(p.queue)
	e.u32(0)
	count := len(e.b) - 4
	var sent []*attempt
	p.mu.Lock()
	for _, a := range batch {
		if a.ended {
			continue // out of time meanwhile, and called rejected
		}
		a.handed = true
		sent = append(sent, a)
		e.b = appendRecord(e.b, a.rec)
	}
	p.mu.Unlock()
	n := encoder{}
	n.u32(uint32(len(sent)))
	copy(e.b[count:], n.b)
	c.ask(askPublish, e.b, func(f frame, err error) { p.answered(sent, f, err) })
}

// answered ends a request's attempts. Those that the answer leaves out get none: their time runs out.
func (p *producer) answered(sent []*attempt, f frame, err error) {
	unsure := func(r history.Reason, from history.Origin) {
		for _, a := range sent {
			p.end(a, targets.Outcome{Status: history.Unknown, Reason: r, Origin: from})
		}
	}
	switch {
	case errors.Is(err, errNotConnected):
		p.mu.Lock()
		for _, a := range sent {
			a.handed = a.ended
		}
		p.mu.Unlock()
		unsure(history.NotConnected, history.FromClient)
	case err != nil:
		unsure(history.ConnectionClosed, history.FromClose)
	case f.kind != codeDone: // a queue that this node's leader does not know may be known to another
		unsure(history.BrokerError, history.FromBroker)
	default:
		for d := (decoder{b: f.body}); d.at < len(d.b); {
			i, pos, dup := int(d.u32()), int64(d.u64()), d.u8()
			if d.bad || i >= len(sent) {
				return
			}
			o := targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Pos: history.Position{Offset: pos}}
			if dup == 1 {
				o.Flags |= history.Duplicate
			}
			p.end(sent[i], o)
		}
	}
}

// reap ends what has waited too long.
func (p *producer) reap() {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		select {
		case <-p.stop:
			return
		case now := <-t.C:
			for _, a := range p.overdue(now) {
				p.end(a, targets.Outcome{Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout})
			}
		}
	}
}

// overdue are the attempts whose time is over. All have the same, so that the oldest come first.
func (p *producer) overdue(now time.Time) (out []*attempt) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.flying) > 0 && (p.flying[0].ended || !now.Before(p.flying[0].due)) {
		if !p.flying[0].ended {
			out = append(out, p.flying[0])
		}
		p.flying[0] = nil
		p.flying = p.flying[1:]
	}
	if len(p.flying) == 0 {
		p.flying = nil
	}
	return out
}

// Flush implements targets.Producer.
func (p *producer) Flush(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.free.Broadcast()
	})
	defer stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.open > 0 {
		if ctx.Err() != nil {
			return fmt.Errorf("planted: flush: %w", ctx.Err())
		}
		p.free.Wait()
	}
	return nil
}

// Close implements targets.Producer. What has no answer yet becomes unknown, or rejected if it was not handed over.
func (p *producer) Close() error {
	p.mu.Lock()
	if p.closing {
		p.mu.Unlock()
		return nil
	}
	p.closing = true
	left := p.flying
	p.flying, p.outbox = nil, nil
	p.mu.Unlock()
	close(p.stop)
	p.run.Wait()
	p.link.close()
	for _, a := range left {
		p.end(a, targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClose})
	}
	return nil
}
