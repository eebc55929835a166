package nats

import (
	"context"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"waybill/harness/history"
	"waybill/targets"
)

// outboxSize is how many messages may wait for the library to take them.
const outboxSize = 1 << 14

// publisher publishes, pipelined: each attempt carries a reply subject of its own below one inbox, and is matched with
// its answer by number. The library's asynchronous publish is not used, since it sends again by itself when nobody
// responds: two writes that the audit would know as one attempt.
//
// Send only puts the message into an outbox, from which one goroutine hands it to the library, in order: the library
// holds its lock while it writes to a peer that reads nothing and while it dials, for seconds, and Send would wait.
// What ends before it was handed over is rejected, and is never handed over.
type publisher struct {
	*link
	encoder encoder // the writer's
	stream  string
	inbox   string // with a dot at its end; "" when no confirmation is asked for
	reply   []byte // the last subject below it: the writer's
	pending *pending
	outbox  chan outgoing
	stop    chan struct{}
	writer  sync.WaitGroup
	closing sync.Once
}

type outgoing struct {
	id  uint64
	msg targets.Message
}

func newPublisher(l *link, n names, m mode, c targets.ClientConfig) (*publisher, error) {
	p := &publisher{
		link: l, encoder: encoder{names: n, identified: m.identified}, stream: n.stream, pending: newPending(l, c.Confirm),
		outbox: make(chan outgoing, outboxSize), stop: make(chan struct{}),
	}
	if m.stream {
		p.inbox = nats.NewInbox() + "."
		sub, err := l.nc.Subscribe(p.inbox+"*", p.answered)
		if err == nil {
			err = sub.SetPendingLimits(-1, -1)
		}
		if err != nil {
			p.pending.close()
			return nil, fmt.Errorf("nats: subscribe to confirmations: %w", err)
		}
	}
	p.writer.Go(p.write)
	return p, nil
}

func (p *publisher) answered(m *nats.Msg) {
	if id, ok := number(m.Subject, len(p.inbox)); ok {
		p.pending.end(id, classifyReply(p.stream, m))
	}
}

// Send implements targets.Producer.
func (p *publisher) Send(ctx context.Context, m targets.Message, done func(targets.Outcome)) {
	rejected := targets.Outcome{Status: history.Rejected, Reason: history.NotConnected, Origin: history.FromClient}
	if ctx.Err() != nil {
		rejected.Reason = history.Interrupted
		done(rejected)
		return
	}
	id, open := p.pending.add(done)
	if !open {
		done(rejected)
		return
	}
	select {
	case p.outbox <- outgoing{id, m}:
	default:
		p.pending.end(id, rejected) // the outbox is full
	}
}

func (p *publisher) write() {
	for {
		select {
		case o := <-p.outbox:
			p.publish(o)
		case <-p.stop:
			return
		}
	}
}

func (p *publisher) publish(o outgoing) {
	if !p.pending.hand(o.id) {
		return
	}
	msg := p.encoder.encode(o.msg)
	if p.inbox != "" {
		p.reply = strconv.AppendUint(append(p.reply[:0], p.inbox...), o.id, 10)
		msg.Reply = string(p.reply)
	}
	err := p.nc.PublishMsg(msg)
	switch {
	case err != nil:
		p.pending.end(o.id, classifyPublish(err))
	case p.inbox == "":
		p.pending.end(o.id, targets.Outcome{Status: history.Unknown, Reason: history.NoConfirmation, Origin: history.FromClient})
	}
}

// Flush implements targets.Producer. Without confirmations it also waits until the node has read what was written, which
// says nothing about who received it.
func (p *publisher) Flush(ctx context.Context) error {
	if err := p.pending.flush(ctx); err != nil {
		return fmt.Errorf("nats: flush: %w", err)
	}
	if p.inbox != "" || !p.nc.IsConnected() {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := p.nc.FlushWithContext(ctx); err != nil && p.nc.IsConnected() {
		return fmt.Errorf("nats: flush: %w", err)
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
