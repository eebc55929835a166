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

// publisher publishes to a stream, pipelined: each attempt carries a reply subject of its own below one inbox, and is
// matched with its answer by number. The library's asynchronous publish is not used, since it sends again by itself
// when nobody responds: two writes that the audit would know as one attempt.
//
// Send holds nothing of ours while the library writes; a peer that reads nothing can delay it by writeTimeout.
type publisher struct {
	*link
	names      names
	identified bool
	inbox      string // with a dot at its end
	pending    *pending
}

func newPublisher(l *link, n names, identified bool, c targets.ClientConfig) (*publisher, error) {
	p := &publisher{link: l, names: n, identified: identified, inbox: nats.NewInbox() + ".", pending: newPending(l, c.Confirm)}
	sub, err := l.nc.Subscribe(p.inbox+"*", p.answered)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		p.pending.close()
		return nil, fmt.Errorf("nats: subscribe to confirmations: %w", err)
	}
	return p, nil
}

func (p *publisher) answered(m *nats.Msg) {
	if id, ok := number(m.Subject, len(p.inbox)); ok {
		p.pending.end(id, classifyReply(p.names.stream, m))
	}
}

// Send implements targets.Producer.
func (p *publisher) Send(ctx context.Context, m targets.Message, done func(targets.Outcome)) {
	if ctx.Err() != nil {
		done(targets.Outcome{Status: history.Rejected, Reason: history.Interrupted, Origin: history.FromClient})
		return
	}
	id, open := p.pending.add(done)
	if !open {
		done(targets.Outcome{Status: history.Rejected, Reason: history.NotConnected, Origin: history.FromClient})
		return
	}
	msg := encode(p.names, m, p.identified)
	msg.Reply = p.inbox + strconv.FormatUint(id, 10)
	if err := p.nc.PublishMsg(msg); err != nil {
		p.pending.end(id, classifyPublish(err))
	}
}

// Flush implements targets.Producer.
func (p *publisher) Flush(ctx context.Context) error {
	if err := p.pending.flush(ctx); err != nil {
		return fmt.Errorf("nats: flush: %w", err)
	}
	return nil
}

// Close implements targets.Producer. What is still pending becomes unknown.
func (p *publisher) Close() error {
	p.link.close()
	p.pending.close()
	return nil
}

// shouter publishes without asking for a confirmation: nothing is ever known of what it handed over.
type shouter struct {
	*link
	names names
	sends sync.WaitGroup
}

func (s *shouter) Send(ctx context.Context, m targets.Message, done func(targets.Outcome)) {
	s.sends.Add(1)
	defer s.sends.Done()
	if ctx.Err() != nil {
		done(targets.Outcome{Status: history.Rejected, Reason: history.Interrupted, Origin: history.FromClient})
		return
	}
	if err := s.nc.PublishMsg(encode(s.names, m, false)); err != nil {
		done(classifyPublish(err))
		return
	}
	done(targets.Outcome{Status: history.Unknown, Reason: history.NoConfirmation, Origin: history.FromClient})
}

// Flush waits until the node has read what was written; it says nothing about who received it.
func (s *shouter) Flush(ctx context.Context) error {
	s.sends.Wait()
	if !s.nc.IsConnected() {
		return nil // what there was is lost already, and has its outcome
	}
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	if err := s.nc.FlushWithContext(ctx); err != nil && s.nc.IsConnected() {
		return fmt.Errorf("nats: flush: %w", err)
	}
	return nil
}

func (s *shouter) Close() error {
	s.link.close()
	return nil
}
