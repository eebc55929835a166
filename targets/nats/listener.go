package nats

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"waybill/harness/history"
	"waybill/targets"
)

// heldByClient is how many messages the library keeps for a subscription that is not read; beyond it, it drops.
const heldByClient = 1 << 18

// listener is a member of a core queue group. Nothing is acknowledged: what the broker wrote to a member's connection is
// gone, received or not, and what the library has no room for it drops: each time it says so, that is recorded with the connection.
type listener struct {
	*link
	sub   *nats.Subscription
	batch int
}

func newListener(l *link, n names, c targets.ClientConfig) (*listener, error) {
	sub, err := l.nc.QueueSubscribeSync(n.subjects, n.stream)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		return nil, fmt.Errorf("nats: subscribe to %s: %w", n.subjects, err)
	}
	return &listener{link: l, sub: sub, batch: c.Batch}, nil
}

// Receive implements targets.Consumer. Deliveries have no position, count or mark: core NATS has none.
func (c *listener) Receive(ctx context.Context) ([]targets.Delivery, error) {
	wait, cancel := context.WithTimeout(ctx, receiveWait)
	defer cancel()
	var ds []targets.Delivery
	for len(ds) < c.batch {
		var m *nats.Msg
		var err error
		if len(ds) == 0 {
			m, err = c.sub.NextMsgWithContext(wait)
		} else {
			m, err = c.sub.NextMsg(time.Nanosecond) // only what is here already
		}
		switch {
		case err == nil:
			d := targets.Delivery{Native: m}
			d.Token, d.Attempt, d.Key, d.Payload = decode(m)
			ds = append(ds, d)
			continue
		case errors.Is(err, nats.ErrSlowConsumer):
			c.link.connected(false, "", fmt.Sprintf("the client keeps %d messages at most and dropped what came beyond", heldByClient))
			continue
		case len(ds) > 0:
			return ds, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case wait.Err() != nil:
			return nil, nil
		}
		return nil, fmt.Errorf("nats: receive: %w", err)
	}
	return ds, nil
}

// Ack implements targets.Consumer: there is nothing to acknowledge.
func (c *listener) Ack(_ context.Context, ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
	for i := range ds {
		done(i, history.Unconfirmable, history.NoConfirmation)
	}
	return nil
}

// Close implements targets.Consumer.
func (c *listener) Close() error {
	if n, err := c.sub.Dropped(); err == nil && n > 0 {
		c.link.close()
		return fmt.Errorf("nats: the client dropped %d messages it could not hold: they count as lost by the harness, not the broker", n)
	}
	c.link.close()
	return nil
}
