package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// replicasToScan is how many copies of a queue a checkpoint reads: a scan of one replica certifies that one alone.
const replicasToScan = 2

// checkpoint brings every lane to rest and reads what is there: quiesce, drain, scan, read back. A lane that cannot be proven drained
// is recorded as such and no error; an error ends the run.
func (c *controller) checkpoint(ctx context.Context, number int) error {
	ref := uint64(number)
	c.journal.put(history.Event{Kind: history.CheckpointBegin, Ref: ref})
	done := make(chan struct{})
	for _, l := range c.lanes {
		go func() {
			defer func() { done <- struct{}{} }()
			e := history.Event{Kind: history.CheckpointEnd, Ref: ref, Lane: uint32(l.index), Status: history.OK}
			if err := c.checkLane(ctx, l, ref); err != nil {
				e.Status, e.Reason, e.Text = history.Failed, history.BrokerError, err.Error()
				if errors.Is(err, context.DeadlineExceeded) {
					e.Reason = history.LimitReached
				}
				c.tell(Progress{Warning: fmt.Sprintf("%s: checkpoint: %v", l.spec.Name, err)})
			}
			c.journal.put(e)
		}()
	}
	for range c.lanes {
		<-done
	}
	if why := c.aborted(); why != nil {
		return why
	}
	return ctx.Err()
}

func (c *controller) checkLane(ctx context.Context, l *lane, ref uint64) error {
	if err := c.quiesce(ctx, l); err != nil {
		return fmt.Errorf("quiesce: %w", err)
	}
	drain, cancel := context.WithTimeout(ctx, c.exp.Limits.Drain)
	defer cancel()
	if err := c.drain(drain, l, ref); err != nil {
		return fmt.Errorf("drain: %w", err)
	}
	q := inspection{Lane: l.index, Ref: ref, Replicas: replicasToScan}
	if l.spec.Mode.Traits.Scannable {
		scan, cancel := context.WithTimeout(ctx, c.exp.Limits.Drain)
		defer cancel()
		if err := c.scan(scan, q); err != nil {
			return fmt.Errorf("scan: %w", err)
		}
	}
	q.Limit = c.exp.Limits.Drain
	if err := c.inspector.order(ctx, "readback", q, nil); err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	return nil
}

// quiesce stops new messages and waits until every one sent has its outcome. After the limit what is open stays unknown.
func (c *controller) quiesce(ctx context.Context, l *lane) error {
	for _, m := range l.clients() {
		if err := m.order(ctx, "pause", nil, nil); err != nil {
			return err
		}
	}
	limit, cancel := context.WithTimeout(ctx, c.exp.Limits.Quiesce)
	defer cancel()
	err := every(limit, 20*time.Millisecond, func(ctx context.Context) error {
		var open, flying int
		for _, p := range l.producers {
			var n int
			if err := p.order(ctx, "open", nil, &n); err != nil {
				return err
			}
			open += n
			flying += int(p.counter(history.InFlight))
		}
		if open > 0 || flying > 0 {
			return fmt.Errorf("%d messages without an outcome, %d attempts in flight", open, flying)
		}
		return nil
	})
	if err == nil || ctx.Err() != nil {
		return err
	}
	c.tell(Progress{Warning: fmt.Sprintf("%s: %v after %s: they stay unknown", l.spec.Name, err, c.exp.Limits.Quiesce)})
	for _, p := range l.producers {
		if err := p.order(ctx, "giveup", nil, nil); err != nil {
			return err
		}
	}
	last, cancel := context.WithTimeout(ctx, 2*c.exp.Load.Confirm)
	defer cancel()
	return every(last, 20*time.Millisecond, func(context.Context) error {
		if n := sum(history.InFlight, l.producers); n > 0 {
			return fmt.Errorf("%d attempts in flight", n)
		}
		return nil
	})
}

// drain waits until nothing is left to deliver. Where the target can prove that, it must hold for as long as the broker waits for an
// acknowledgement; where it cannot (a queue without a store), idleness has to do, and absence is then never a loss.
func (c *controller) drain(ctx context.Context, l *lane, ref uint64) error {
	provable := l.spec.Mode.Traits.CanDrain()
	hold := time.Second
	if provable {
		hold = cmp.Or(c.product.Timing.Hold, c.product.Timing.Redelivery)
	}
	var since time.Time
	var received, applied uint64
	return every(ctx, 100*time.Millisecond, func(ctx context.Context) error {
		quiet := func() error {
			if provable {
				var d targets.Depth
				if err := c.inspector.order(ctx, "depth", inspection{Lane: l.index, Ref: ref}, &d); err != nil {
					return err
				}
				if !d.Settled || d.Ready != 0 || d.Unacked != 0 {
					return fmt.Errorf("%d ready and %d unacknowledged of %s", d.Ready, d.Unacked, l.spec.Queue)
				}
			}
			r, a := sum(history.Received, l.consumers), sum(history.Applied, l.consumers)
			moved := r != received || a != applied
			received, applied = r, a
			if held := sum(history.Held, l.consumers); held > 0 {
				return fmt.Errorf("%d deliveries held by consumers", held)
			}
			if moved {
				return errors.New("deliveries are still coming in")
			}
			return nil
		}
		if err := quiet(); err != nil {
			since = time.Time{}
			return err
		}
		if since.IsZero() {
			since = time.Now()
		}
		if at := time.Since(since); at < hold {
			return fmt.Errorf("quiet for %s of %s", at.Round(time.Millisecond), hold)
		}
		return nil
	})
}

// scan reads the queue from several replicas until they agree: a follower may lag behind for a moment.
func (c *controller) scan(ctx context.Context, q inspection) error {
	return every(ctx, 500*time.Millisecond, func(ctx context.Context) error {
		var s scanSum
		if err := c.inspector.order(ctx, "scan", q, &s); err != nil {
			return err
		}
		if !s.equal() {
			return fmt.Errorf("replicas %v hold %v copies up to %v", s.Replicas, s.Copies, s.To)
		}
		return nil
	})
}

// every polls until check returns nil. At the end of ctx the error is the last one that check returned of its own accord, and was not cut
// short by that end, marked with the context's.
func every(ctx context.Context, d time.Duration, check func(context.Context) error) error {
	t := time.NewTicker(d)
	defer t.Stop()
	var last error
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), last)
		case <-t.C:
		}
	}
}
