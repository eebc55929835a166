package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/harness/history"
	"waybill/targets"
)

const (
	// receiveWait is how long one Receive waits for a first message.
	receiveWait = 900 * time.Millisecond
	// linger is how long a batch that has begun waits to be filled. The broker pushes messages one by one, and one that takes what is
	// there works in batches of one or two, which no application that acknowledges batches would.
	linger = 20 * time.Millisecond
	// window is the prefetch, in batches: what a member may hold unacknowledged, handed out or not. One batch would have the
	// broker wait for each acknowledgement; the documentation finds 100 to 300 messages best.
	window = 16
	// windowMost is the most that quorum queues grant.
	windowMost = 2000
)

// subscriber is a member of a consumer group: a consumer of the queue.
//
// The broker pushes: what Receive returns may have been sent before it was called. A window bounds that where deliveries
// are acknowledged. With automatic acknowledgement nothing does: the library keeps what was not received, and drops it
// when the channel ends, although the broker has forgotten it; that is how this mode loses messages.
type subscriber struct {
	*link
	mode  mode
	names names
	batch int
}

// subscription is what belongs to one channel.
type subscription struct {
	deliveries <-chan amqp.Delivery
	custody    *custody // nil with automatic acknowledgement
}

// received is a delivery as the library gave it, and the session on which alone it may be acknowledged.
type received struct {
	session *session
	tag     uint64
}

func newSubscriber(c targets.ClientConfig, m mode, n names) *subscriber {
	r := &subscriber{mode: m, names: n, batch: c.Batch}
	r.link = open(c, r.prepare)
	return r
}

// prepare subscribes. A queue that does not exist is an error, and is not made.
func (r *subscriber) prepare(s *session) (any, error) {
	sub := &subscription{}
	if r.mode.Traits.Acks {
		if err := s.ch.Qos(min(window*r.batch, windowMost), 0, false); err != nil {
			return nil, fmt.Errorf("set the prefetch: %w", err)
		}
		sub.custody = newCustody()
	}
	cancelled := s.ch.NotifyCancel(make(chan string, 1))
	var err error
	if sub.deliveries, err = s.ch.Consume(r.names.queue, "", !r.mode.Traits.Acks, false, false, false, nil); err != nil {
		return nil, fmt.Errorf("consume from %s: %w", r.names.queue, err)
	}
	go func() {
		// The broker cancels consumers of a queue that was deleted, or whose node is gone. Whatever the reason, beginning anew
		// finds out what is left.
		if _, ok := <-cancelled; ok {
			s.end("the broker cancelled the consumer")
		}
	}()
	if sub.custody != nil {
		go sub.custody.giveBack(s)
	}
	return sub, nil
}

// Receive implements targets.Consumer. Lost connections, cancelled consumers and nodes that are down make it try again; only
// a queue that does not exist is an error.
func (r *subscriber) Receive(ctx context.Context) ([]targets.Delivery, error) {
	timer := time.NewTimer(receiveWait)
	defer timer.Stop()
	for {
		s, changed, failure := r.look()
		if s == nil && errors.Is(failure, errVanished) {
			return nil, failure
		}
		var incoming <-chan amqp.Delivery // nil: nothing comes
		if s != nil {
			incoming = s.role.(*subscription).deliveries
		}
		select {
		case d, ok := <-incoming:
			if !ok {
				// The consumer has ended, and with it the session, if not at this moment then in the next.
				select {
				case <-changed:
				case <-timer.C:
					return nil, nil
				case <-ctx.Done():
					return nil, ctx.Err()
				}
				continue
			}
			if ds := r.collect(s, d); len(ds) > 0 {
				return ds, nil
			}
		case <-changed:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// collect makes a batch of a first delivery and what else comes within linger.
//
// What a channel left behind that is known to have ended is dropped where deliveries are acknowledged: the broker has put it
// back into the queue, so to process it could only make a duplicate. Where they are not, it is the only copy, and counts.
func (r *subscriber) collect(s *session, first amqp.Delivery) []targets.Delivery {
	sub := s.role.(*subscription)
	if sub.custody != nil && s.isOver() {
		return nil
	}
	ds := append(make([]targets.Delivery, 0, r.batch), r.delivery(s, first))
	over := time.NewTimer(linger)
	defer over.Stop()
	for len(ds) < r.batch {
		select {
		case d, ok := <-sub.deliveries:
			if !ok {
				return ds
			}
			ds = append(ds, r.delivery(s, d))
		case <-over.C:
			return ds
		}
	}
	return ds
}

func (r *subscriber) delivery(s *session, d amqp.Delivery) targets.Delivery {
	if c := s.role.(*subscription).custody; c != nil {
		c.hold(d.DeliveryTag, time.Now())
	}
	t := targets.Delivery{
		Tag: d.DeliveryTag, Count: deliveries(&d), Redelivered: d.Redelivered,
		Native: received{s, d.DeliveryTag},
	}
	t.Token, t.Attempt, t.Key, t.Payload = decode(d.Headers, d.CorrelationId, d.Body)
	return t
}

// Ack implements targets.Consumer. Tags mean something on their own channel only: a delivery of one that has ended fails, as
// does one that was kept too long and given back.
func (r *subscriber) Ack(ctx context.Context, ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
	var errs []error
	for i := range ds {
		d, ok := ds[i].Native.(received)
		if !ok {
			errs = append(errs, fmt.Errorf("rabbitmq: delivery %d was not received by this consumer", i))
			continue
		}
		status, reason := d.acknowledge()
		done(i, status, reason)
	}
	return errors.Join(append(errs, ctx.Err())...)
}

func (d received) acknowledge() (history.Status, history.Reason) {
	c := d.session.role.(*subscription).custody
	switch {
	case c == nil:
		return history.Unconfirmable, history.NoConfirmation // the broker was not waiting for it
	case d.session.isOver():
		return history.Failed, history.NotConnected
	case !c.take(d.tag):
		return history.Failed, history.Timeout
	}
	err := d.session.ch.Ack(d.tag, false)
	if err != nil {
		d.session.failed("acknowledge", err)
	}
	return classifyAck(err)
}

// Close implements targets.Consumer.
func (r *subscriber) Close() error {
	r.link.close()
	return nil
}
