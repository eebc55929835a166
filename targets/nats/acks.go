package nats

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"waybill/harness/history"
	"waybill/targets"
)

// ackConfirm is how long an acknowledgement waits to be acknowledged itself.
const ackConfirm = time.Second

var ack = []byte("+ACK")

// Ack implements targets.Consumer. Without confirmation an acknowledgement is unconfirmable, or failed when there was no
// connection to hand it to. With confirmation the batch is pipelined, each acknowledgement with a reply subject of its
// own, which the consumer's leader answers once the acknowledgement is replicated.
func (p *puller) Ack(ctx context.Context, ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
	if !p.confirms {
		return p.ackBlindly(ds, done)
	}
	errs := []error{nil}
	var all sync.WaitGroup
	for i := range ds {
		m, ok := ds[i].Native.(*nats.Msg)
		if !ok {
			errs = append(errs, fmt.Errorf("nats: delivery %d was not received by this consumer", i))
			continue
		}
		all.Add(1)
		id, open := p.acks.add(func(o targets.Outcome) {
			done(i, ackStatus(o), o.Reason)
			all.Done()
		})
		if !open {
			done(i, history.Failed, history.ConnectionClosed)
			all.Done()
			continue
		}
		p.acks.hand(id)
		if err := p.nc.PublishRequest(m.Reply, p.in+strconv.FormatUint(id, 10), ack); err != nil {
			p.acks.end(id, classifyPublish(err))
		}
	}
	all.Wait() // ackConfirm at most, whatever ctx says: every delivery has its outcome
	errs[0] = ctx.Err()
	return errors.Join(errs...)
}

func (p *puller) ackBlindly(ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
	var errs []error
	for i := range ds {
		m, ok := ds[i].Native.(*nats.Msg)
		if !ok {
			errs = append(errs, fmt.Errorf("nats: delivery %d was not received by this consumer", i))
			continue
		}
		if err := p.nc.Publish(m.Reply, ack); err != nil {
			o := classifyPublish(err)
			done(i, ackStatus(o), o.Reason)
			continue
		}
		done(i, history.Unconfirmable, history.NoConfirmation)
	}
	return errors.Join(errs...)
}

func (p *puller) ackAnswered(m *nats.Msg) {
	id, ok := number(m.Subject, len(p.in))
	if !ok {
		return
	}
	o := targets.Outcome{Status: history.Acked, Origin: history.FromBroker}
	switch {
	case m.Header.Get(statusHeader) == noResponders:
		o = targets.Outcome{Status: history.Unknown, Reason: history.NoResponders, Origin: history.FromBroker}
	case len(m.Data) > 0: // the leader's answer is empty; anything else is no confirmation
		o = targets.Outcome{Status: history.Unknown, Reason: history.BrokerError, Origin: history.FromBroker}
	}
	p.acks.end(id, o)
}

// ackStatus puts an outcome in the words of an acknowledgement.
func ackStatus(o targets.Outcome) history.Status {
	switch o.Status {
	case history.Acked:
		return history.Confirmed
	case history.Rejected:
		return history.Failed
	}
	return history.Unknown
}
