package ceiling

import (
	"context"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// receiveWait is how long a Receive waits for a first message.
const receiveWait = 900 * time.Millisecond

// producer sends one message after another.
type producer struct{ broker *broker }

// Send implements targets.Producer.
func (p *producer) Send(_ context.Context, m targets.Message, done func(targets.Outcome)) {
	p.broker.send([]targets.Message{m}, asked{one: done})
}

// Flush implements targets.Producer: the broker answers in order, an empty question last.
func (p *producer) Flush(ctx context.Context) error {
	answered := make(chan struct{})
	p.broker.send(nil, asked{many: func([]targets.Ended) { close(answered) }})
	select {
	case <-answered:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close implements targets.Producer.
func (p *producer) Close() error { return nil }

// batchProducer sends many at once.
type batchProducer struct{ producer }

// SendBatch implements targets.BatchProducer.
func (p *batchProducer) SendBatch(_ context.Context, ms []targets.Message, done func([]targets.Ended)) {
	p.broker.send(ms, asked{many: done})
}

// consumer receives batches and acknowledges one delivery after another.
type consumer struct {
	broker *broker
	most   int
	timer  *time.Timer
}

// Receive implements targets.Consumer.
func (c *consumer) Receive(ctx context.Context) ([]targets.Delivery, error) {
	c.timer.Reset(receiveWait)
	for {
		if !c.broker.stand(ctx) {
			return nil, ctx.Err()
		}
		if ds := c.broker.take(c.most); len(ds) > 0 {
			return ds, nil
		}
		select {
		case <-c.broker.arrived:
		case <-c.timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Ack implements targets.Consumer.
func (c *consumer) Ack(ctx context.Context, ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
	c.broker.stand(ctx)
	c.broker.acknowledge(len(ds))
	for i := range ds {
		done(i, history.Confirmed, history.NoReason)
	}
	return ctx.Err()
}

// Close implements targets.Consumer.
func (c *consumer) Close() error { return nil }

// batchConsumer learns of a batch's acknowledgements at once.
type batchConsumer struct {
	consumer
	ended []targets.AckEnded
}

// AckBatch implements targets.BatchAcker.
func (c *batchConsumer) AckBatch(ctx context.Context, ds []targets.Delivery, done func([]targets.AckEnded)) error {
	c.broker.stand(ctx)
	c.broker.acknowledge(len(ds))
	c.ended = c.ended[:0]
	for i := range ds {
		c.ended = append(c.ended, targets.AckEnded{Index: i, Status: history.Confirmed})
	}
	done(c.ended)
	return ctx.Err()
}
