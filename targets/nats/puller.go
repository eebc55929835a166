package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// receiveWait is how long one Receive waits for a first message.
const receiveWait = 900 * time.Millisecond

// puller is a member of a consumer group: a puller from the queue's durable consumer.
//
// Each Receive makes its own pull requests and returns only what they fetched. So the instant at which Receive is called
// is before the broker chose to send any of its deliveries, which the judgement of illegal redeliveries rests on; what
// arrives for a request after its Receive returned is left to the acknowledgement timeout.
type puller struct {
	*link
	names    names
	batch    int
	confirms bool

	next string // subject of pull requests
	acks *pending
	in   string // inbox of acknowledgements' answers, with a dot at its end
}

func newPuller(l *link, n names, confirms bool, c targets.ClientConfig) (*puller, error) {
	p := &puller{
		link: l, names: n, batch: c.Batch, confirms: confirms,
		next: "$JS.API.CONSUMER.MSG.NEXT." + n.stream + "." + n.stream,
		in:   nats.NewInbox() + ".",
		acks: newPending(l, ackConfirm),
	}
	sub, err := l.nc.Subscribe(p.in+"*", p.ackAnswered)
	if err == nil {
		err = sub.SetPendingLimits(-1, -1)
	}
	if err != nil {
		p.acks.close()
		return nil, fmt.Errorf("nats: subscribe to acknowledgements' answers: %w", err)
	}
	return p, nil
}

// pull is a request to the consumer's leader. no_wait with an expiry means: wait for the first message, then send what
// there is and end the request, rather than hold it open until the batch is full.
type pull struct {
	Batch   int           `json:"batch"`
	Expires time.Duration `json:"expires"`
	NoWait  bool          `json:"no_wait"`
}

// Receive implements targets.Consumer. Leader changes, missing leaders and lost connections make it try again, and
// return nothing after about receiveWait; only a consumer that no longer exists is an error.
func (p *puller) Receive(ctx context.Context) ([]targets.Delivery, error) {
	until := time.Now().Add(receiveWait)
	for {
		ds, again, err := p.request(ctx, time.Until(until))
		if len(ds) > 0 || err != nil {
			return ds, err
		}
		rest := time.Until(until)
		if rest < 10*time.Millisecond {
			return nil, nil
		}
		if err := targets.Pause(ctx, min(again, rest)); err != nil {
			return nil, err
		}
	}
}

// request makes one pull request and collects its answer. again is how long to wait before the next one.
func (p *puller) request(ctx context.Context, wait time.Duration) (ds []targets.Delivery, again time.Duration, err error) {
	const soon, later = 20 * time.Millisecond, 100 * time.Millisecond
	if !p.nc.IsConnected() {
		return nil, later, nil
	}
	inbox := nats.NewInbox()
	sub, err := p.nc.SubscribeSync(inbox)
	if err != nil {
		return nil, 0, fmt.Errorf("nats: subscribe for a pull: %w", err)
	}
	defer sub.Unsubscribe() //nolint:errcheck // fails only when the connection is gone, and the subscription with it
	body, err := json.Marshal(pull{Batch: p.batch, Expires: wait, NoWait: true})
	if err != nil {
		return nil, 0, fmt.Errorf("nats: pull request: %w", err)
	}
	if err := p.nc.PublishRequest(p.next, inbox, body); err != nil {
		return nil, later, nil // no connection: certain, and mended by the next try
	}
	// The request's end is announced; should that be lost, it is over a while after its expiry.
	over, cancel := context.WithTimeout(ctx, wait+200*time.Millisecond)
	defer cancel()
	epoch := p.epoch.Load()
	for len(ds) < p.batch {
		m, err := p.nextOf(over, sub, epoch)
		if err != nil { // no leader, out of time, or cut off
			if len(ds) == 0 && ctx.Err() != nil {
				return nil, 0, ctx.Err()
			}
			return ds, later, nil
		}
		if len(m.Data) == 0 && m.Header.Get(statusHeader) != "" && m.Reply == "" {
			again, err := pullEnded(m)
			if len(ds) > 0 {
				return ds, 0, nil
			}
			return nil, again, err
		}
		d, err := delivery(m)
		if err != nil {
			return ds, soon, err
		}
		ds = append(ds, d)
	}
	return ds, 0, nil
}

var errCut = errors.New("nats: the connection of this request ended")

// nextOf waits for a message, and looks up now and then whether the connection that the request went out on still lives.
func (p *puller) nextOf(ctx context.Context, sub *nats.Subscription, epoch uint64) (*nats.Msg, error) {
	for {
		look, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		m, err := sub.NextMsgWithContext(look)
		cancel()
		switch {
		case err == nil:
			return m, nil
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case p.epoch.Load() != epoch:
			return nil, errCut
		case !errors.Is(err, context.DeadlineExceeded):
			return nil, err
		}
	}
}

// pullEnded says what a status that ends a pull request asks for: when to try again, or an error that no retry mends.
func pullEnded(m *nats.Msg) (again time.Duration, err error) {
	status, why := m.Header.Get(statusHeader), m.Header.Get("Description")
	if status == "409" && why == "Consumer Deleted" || status == "400" {
		return 0, fmt.Errorf("nats: pull refused: %s %s", status, why)
	}
	return 20 * time.Millisecond, nil // timed out, other requests come first, leadership moved, server shuts down
}

func delivery(m *nats.Msg) (targets.Delivery, error) {
	meta, err := m.Metadata()
	if err != nil {
		return targets.Delivery{}, fmt.Errorf("nats: a delivery's reply subject %q: %w", m.Reply, err)
	}
	d := targets.Delivery{
		Native: m,
		Tag:    meta.Sequence.Consumer, Count: meta.NumDelivered, Redelivered: meta.NumDelivered > 1,
		BrokerTime: meta.Timestamp.UnixMicro(),
	}
	d.Pos.Offset = int64(meta.Sequence.Stream)
	d.Token, d.Attempt, d.Key, d.Payload = decode(m)
	return d, nil
}

// Close implements targets.Consumer.
func (p *puller) Close() error {
	p.link.close()
	p.acks.close()
	return nil
}

// number reads the last part of an inbox subject.
func number(subject string, prefix int) (uint64, bool) {
	if len(subject) <= prefix {
		return 0, false
	}
	n, err := strconv.ParseUint(subject[prefix:], 10, 64)
	return n, err == nil
}
