package rabbitmq

import (
	"context"
	"fmt"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/harness/history"
	"waybill/targets"
)

const (
	outboxSize  = 1 << 14 // messages that may wait for the library to take them; then Send waits
	returnsKept = 1 << 12 // returned messages that may wait for their confirmation
)

// publisher publishes, pipelined, on one channel. Send only puts the message into an outbox, from which one goroutine hands
// it to the library, in order: the library blocks while a peer reads nothing, and Send would wait. What ends before it was
// handed over is rejected, and is never handed over. Where the outbox is full, the broker holds back who sends.
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
	role := &channelRole{answers: newAnswers()}
	if p.mode.mandatory {
		role.returns = newReturns(s.ch.NotifyReturn(make(chan amqp.Return, returnsKept)))
	}
	go role.answers.collect(s, func(x awaited) { p.answered(s, x) })
	return role, nil
}

// channelRole is what belongs to one channel of a publisher.
type channelRole struct {
	answers *answers
	returns *returns // nil: nothing is handed back
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
		p.squeeze(ctx, a)
	}
}

// squeeze puts an attempt into the full outbox when there is room, if that is within the attempt's time. To be told at once that there
// is none would have who sends as fast as it goes try again and again.
func (p *publisher) squeeze(ctx context.Context, a *attempt) {
	limit := time.NewTimer(time.Until(a.limit))
	defer limit.Stop()
	select {
	case p.outbox <- a:
		return
	case <-limit.C:
	case <-ctx.Done():
	case <-p.stop:
	}
	p.pending.end(a, notConnected)
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
		if x := (awaited{a, confirmation}); !s.role.(*channelRole).answers.add(x) {
			<-confirmation.Done() // it ended with the channel
			p.answered(s, x)
		}
	}
}

// answered tells the outcome of an attempt whose confirmation has ended.
func (p *publisher) answered(s *session, x awaited) {
	acked, closed := x.confirmation.Acked(), s.ch.IsClosed()
	p.pending.end(x.attempt, classifyConfirm(acked, closed, s.role.(*channelRole).returns.has(x.attempt.msg)))
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
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for more := true; more; {
		select {
		case back, ok := <-r.in:
			if more = ok; ok {
				token, attempt, _, _ := decode(back.Headers, back.CorrelationId, back.Body)
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
