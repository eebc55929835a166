package planted

import (
	"context"
	"errors"
	"fmt"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// consumer is one member of a queue's group. Each Receive is one request, so that whatever it returns was chosen after it began.
type consumer struct {
	*link
	config targets.ClientConfig
	joined bool
	epoch  uint32
}

// join makes this life the one of its member.
func (c *consumer) join(ctx context.Context) error {
	if c.joined {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, receiveWait)
	defer cancel()
	if err := c.until(ctx, ""); err != nil {
		return err
	}
	var e encoder
	e.text(c.config.Queue.Name)
	e.u32(uint32(c.config.Member))
	d, err := c.call(ctx, askJoin, e.b)
	if err != nil {
		return err
	}
	c.epoch, c.joined = d.u32(), true
	return d.err()
}

// Receive implements targets.Consumer.
func (c *consumer) Receive(ctx context.Context) ([]targets.Delivery, error) {
	ds, err := c.receive(ctx)
	if err == nil || ctx.Err() != nil {
		return ds, ctx.Err()
	}
	if !errors.Is(err, context.DeadlineExceeded) { // else a while has passed already
		select {
		case <-time.After(redialWait):
		case <-ctx.Done():
		}
	}
	return nil, ctx.Err()
}

func (c *consumer) receive(ctx context.Context) ([]targets.Delivery, error) {
	if err := c.join(ctx); err != nil {
		return nil, err
	}
	var e encoder
	e.text(c.config.Queue.Name)
	e.u32(uint32(c.config.Batch))
	e.u32(uint32(receiveWait / time.Millisecond))
	wait, cancel := context.WithTimeout(ctx, receiveWait+ask)
	defer cancel()
	d, err := c.call(wait, askFetch, e.b)
	if err != nil {
		return nil, err
	}
	var out []targets.Delivery
	for n := d.u32(); n > 0 && !d.bad; n-- {
		x := targets.Delivery{Pos: history.Position{Offset: int64(d.u64())}, Count: uint64(d.u32()), Redelivered: d.u8() == 1}
		r := d.record()
		x.Token, x.Attempt, x.Key, x.Payload = r.token, r.attempt, r.key, r.payload
		x.Tag = uint64(x.Pos.Offset)
		out = append(out, x)
	}
	return out, d.err()
}

// Ack implements targets.Consumer: a batch is one request, confirmed when a majority has it.
func (c *consumer) Ack(ctx context.Context, ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
	if len(ds) == 0 {
		return nil
	}
	var e encoder
	e.text(c.config.Queue.Name)
	e.positions(places(ds))
	wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), ask)
	defer cancel()
	_, err := c.call(wait, askAck, e.b)
	s, r := history.Confirmed, history.NoReason
	switch {
	case errors.Is(err, errNotConnected):
		s, r = history.Failed, history.NotConnected
	case errors.Is(err, context.DeadlineExceeded):
		s, r = history.Unknown, history.Timeout
	case errors.Is(err, errLost):
		s, r = history.Unknown, history.ConnectionClosed
	case err != nil:
		s, r = history.Unknown, history.BrokerError
	}
	for i := range ds {
		done(i, s, r)
	}
	return ctx.Err()
}

func places(ds []targets.Delivery) []int64 {
	ps := make([]int64, len(ds))
	for i, d := range ds {
		ps[i] = d.Pos.Offset
	}
	return ps
}

// Close implements targets.Consumer.
func (c *consumer) Close() error {
	c.link.close()
	return nil
}

// processor is a consumer that commits what it made of its deliveries. It implements targets.Transactor.
type processor struct{ *consumer }

// Transact implements targets.Transactor.
func (p *processor) Transact(ctx context.Context, t targets.Transaction) targets.TransactionEnd {
	const page = 256
	due := time.NewTimer(commitEvery)
	defer due.Stop()
	for from := 0; from < len(t.Outputs); from += page {
		to := min(from+page, len(t.Outputs))
		var e encoder
		p.head(&e, t.ID)
		e.u32(uint32(to - from))
		for _, m := range t.Outputs[from:to] {
			e.b = appendRecord(e.b, toRecord(m))
		}
		status, err := p.step(ctx, askOutputs, e.b)
		switch {
		case status == endFenced:
			return targets.TransactionEnd{Status: history.Fenced, Text: "another life has joined as this member"}
		case err != nil: // nobody has called the end, and nobody will
			p.joined = false // the next life of this member, which is this one, ends what is open
			return targets.TransactionEnd{Status: history.Aborted, Reason: history.BrokerError, Text: err.Error()}
		}
		for range to - from {
			t.Output()
		}
	}
	select {
	case <-due.C:
	case <-ctx.Done():
	}
	t.Ending()
	var e encoder
	p.head(&e, t.ID)
	commit := byte(1)
	if t.Abort {
		commit = 0
	}
	e.u8(commit)
	e.positions(places(t.Inputs))
	status, err := p.step(ctx, askEnd, e.b)
	switch {
	case status == endCommitted:
		return targets.TransactionEnd{Status: history.OK}
	case status == endAborted:
		return targets.TransactionEnd{Status: history.Aborted}
	case status == endFenced:
		p.joined = false
		return targets.TransactionEnd{Status: history.Fenced, Text: "another life has joined as this member"}
	case errors.Is(err, errNotConnected):
		p.joined = false
		return targets.TransactionEnd{Status: history.Aborted, Reason: history.NotConnected, Text: err.Error()}
	}
	return targets.TransactionEnd{Status: history.Unknown, Reason: history.Timeout, Text: fmt.Sprint(err)}
}

// head begins a request of a transaction.
func (p *processor) head(e *encoder, id string) {
	e.text(p.config.Queue.Name)
	e.u32(uint32(p.config.Member))
	e.u32(p.epoch)
	e.text(id)
}

func (p *processor) step(ctx context.Context, kind byte, body []byte) (byte, error) {
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	d, err := p.call(ctx, kind, body)
	if err != nil {
		return 0, err
	}
	return d.u8(), d.err()
}
