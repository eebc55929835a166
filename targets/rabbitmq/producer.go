package rabbitmq

import (
	"context"
	"fmt"
	"sync"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/harness/history"
	"waybill/targets"
)

const (
	outboxSize  = 1 << 14 // messages that may wait for the library to take them
	returnsKept = 1 << 12 // returned messages that may wait for their confirmation
)

// publisher publishes, pipelined, on one channel. Send only puts the message into an outbox, from which one goroutine hands
// it to the library, in order: the library blocks while a peer reads nothing, and Send would wait. What ends before it was
// handed over is rejected, and is never handed over.
type publisher struct {
	*link
	mode    mode
	names   names
	pending *pending
	outbox  chan *attempt
	stop    chan struct{}
	writer  sync.WaitGroup
	closing sync.Once
}

func newPublisher(c targets.ClientConfig, m mode, n names) *publisher {
	p := &publisher{
		mode: m, names: n, pending: newPending(c.Confirm),
		outbox: make(chan *attempt, outboxSize), stop: make(chan struct{}),
	}
	p.link = open(c, p.prepare)
	p.writer.Go(p.write)
	return p
}

// prepare asks for confirmations, and for returns where there can be any.
func (p *publisher) prepare(s *session) (any, error) {
	if p.mode.Traits.Confirms {
		if err := s.ch.Confirm(false); err != nil {
			return nil, fmt.Errorf("ask for confirmations: %w", err)
		}
	}
	if !p.mode.mandatory {
		return newReturns(nil), nil
	}
	return newReturns(s.ch.NotifyReturn(make(chan amqp.Return, returnsKept))), nil
}

// Send implements targets.Producer.
func (p *publisher) Send(ctx context.Context, m targets.Message, done func(targets.Outcome)) {
	if ctx.Err() != nil {
		done(targets.Outcome{Status: history.Rejected, Reason: history.Interrupted, Origin: history.FromClient})
		return
	}
	a := p.pending.add(m, done)
	if a == nil {
		done(notConnected)
		return
	}
	select {
	case p.outbox <- a:
	default:
		p.pending.end(a, notConnected) // the outbox is full
	}
}

func (p *publisher) write() {
	for {
		select {
		case a := <-p.outbox:
			p.publish(a)
		case <-p.stop:
			return
		}
	}
}

func (p *publisher) publish(a *attempt) {
	s, _, _ := p.look()
	if s == nil || s.isOver() {
		p.pending.end(a, notConnected)
		return
	}
	if !p.pending.hand(a) {
		return
	}
	key, msg := p.mode.encode(p.names, a.msg)
	confirmation, err := s.ch.PublishWithDeferredConfirm(p.names.exchange, key, p.mode.mandatory, false, msg)
	switch {
	case err != nil:
		p.pending.end(a, classifyPublish(err))
		s.failed("publish", err)
	case confirmation == nil:
		p.pending.end(a, unconfirmed)
	default:
		// It ends with the channel at the latest.
		go p.await(a, s, confirmation)
	}
}

// await tells the outcome of one attempt when its confirmation ends. Each is waited for by itself: confirmations come out
// of order, and the library's listeners are told in order, so that one which is lost would hold up all later ones.
func (p *publisher) await(a *attempt, s *session, c *amqp.DeferredConfirmation) {
	<-c.Done()
	acked, closed := c.Acked(), s.ch.IsClosed()
	p.pending.end(a, classifyConfirm(acked, closed, s.role.(*returns).has(a.msg)))
}

// Flush implements targets.Producer. Without confirmations nothing is waited for but the write.
func (p *publisher) Flush(ctx context.Context) error {
	if err := p.pending.flush(ctx); err != nil {
		return fmt.Errorf("rabbitmq: flush: %w", err)
	}
	return nil
}

// Close implements targets.Producer. What is still pending becomes unknown, or rejected if it was not handed over.
func (p *publisher) Close() error {
	p.closing.Do(func() {
		p.pending.close() // first, so that the writer finds nothing more to hand over
		close(p.stop)
		p.link.close()
		p.writer.Wait()
	})
	return nil
}

// returns are the messages that came back on one channel because no queue took them.
//
// A return comes before the confirmation, and the library puts it into the channel here before it ends the confirmation:
// whoever looks after that finds it. When the channel is full the library waits, and each return is followed by a
// confirmation, which empties it.
type returns struct {
	mu   sync.Mutex
	in   <-chan amqp.Return
	seen map[identity]bool
}

// identity is what tells one attempt from another on the wire.
type identity struct {
	token   string
	attempt uint32
}

func newReturns(in <-chan amqp.Return) *returns { return &returns{in: in, seen: map[identity]bool{}} }

// has reports whether a message was returned, once.
func (r *returns) has(m targets.Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for more := true; more; {
		select {
		case back, ok := <-r.in:
			if more = ok; ok {
				token, attempt, _ := decode(back.Headers)
				r.seen[identity{token, attempt}] = true
			}
		default:
			more = false
		}
	}
	id := identity{m.Token, m.Attempt}
	was := r.seen[id]
	delete(r.seen, id)
	return was
}
