package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"waybill/targets"
)

// outsider is the inspector of a cluster that somebody else runs, where only AMQP can be spoken. A passive declaration has
// the queue's leader count what is ready; what is unacknowledged it tells no client.
//
// So a queue is settled when it was seen empty, each time it was asked, for longer than a delivery can stay unacknowledged:
// the members of its group give back what they keep, and a member that is gone is noticed, within Timing.Redelivery.
type outsider struct {
	blind
	*link

	mu    sync.Mutex // one question at a time
	since time.Time  // it was found empty, and never otherwise; zero: it was not
}

var errUnconnected = errors.New("rabbitmq: not connected")

func newOutsider(c targets.ClientConfig, n names) *outsider {
	return &outsider{blind: blind{n.queue}, link: open(c, func(*session) (any, error) { return nil, nil })}
}

// Depth implements targets.Inspector.
func (o *outsider) Depth(ctx context.Context) (targets.Depth, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	ready, from, err := o.ask(ctx)
	if err != nil {
		o.since = time.Time{}
		return targets.Depth{}, fmt.Errorf("rabbitmq: depth of %s: %w", o.queue, err)
	}
	now := time.Now()
	switch {
	case ready > 0:
		o.since = time.Time{}
	case o.since.IsZero():
		o.since = now
	}
	settled := ready == 0 && now.Sub(o.since) >= timing().Redelivery
	return targets.Depth{Ready: ready, Settled: settled, From: "the leader, by way of " + from}, nil
}

// ask declares the queue passively: one that does not exist is not made.
func (o *outsider) ask(ctx context.Context) (ready int64, from string, err error) {
	s, _, failure := o.look()
	if s == nil {
		return 0, "", errors.Join(errUnconnected, failure)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	defer context.AfterFunc(ctx, func() { s.end("no answer to a question") })()
	q, err := s.ch.QueueDeclarePassive(o.queue, true, false, false, false, nil)
	if err != nil {
		s.failed("declare passively", err)
		return 0, "", vanished(err)
	}
	return int64(q.Messages), s.node.Name, nil
}

// Close implements targets.Inspector.
func (o *outsider) Close() error {
	o.link.close()
	return nil
}
