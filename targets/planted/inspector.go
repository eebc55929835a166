package planted

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// inspector asks the leader what is left, and each node what it holds.
type inspector struct {
	queue string
	any   *link
	nodes []*link // one a node, in order
	names []string
	scan  sync.Mutex
}

func newInspector(c *client) *inspector {
	i := &inspector{queue: c.config.Queue.Name, any: c.link()}
	for _, n := range addresses(c.config.Nodes) {
		i.names = append(i.names, n.name)
		i.nodes = append(i.nodes, openLink([]nodeAddr{n}, linkOptions{pin: n.name}))
	}
	return i
}

// Depth implements targets.Inspector.
func (i *inspector) Depth(ctx context.Context) (targets.Depth, error) {
	d, _, err := i.depth(ctx)
	return d, err
}

// depth also returns how far the leader's log was applied.
func (i *inspector) depth(ctx context.Context) (targets.Depth, uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*ask)
	defer cancel()
	if err := i.any.until(ctx, ""); err != nil {
		return targets.Depth{}, 0, err
	}
	var e encoder
	e.text(i.queue)
	d, err := i.any.call(ctx, askDepth, e.b)
	if err != nil {
		return targets.Depth{}, 0, fmt.Errorf("planted: depth of %s: %w", i.queue, err)
	}
	out := targets.Depth{Ready: int64(d.u64()), Unacked: int64(d.u64()), Last: int64(d.u64())}
	index := d.u64()
	out.From = d.text()
	out.Settled = out.Ready == 0 && out.Unacked == 0
	return out, index, d.err()
}

// Scan implements targets.Inspector: each node answers from its own log, once it has applied what the leader had when the scan began.
func (i *inspector) Scan(ctx context.Context, want int, v targets.ScanVisitor) error {
	i.scan.Lock()
	defer i.scan.Unlock()
	d, index, err := i.depth(ctx)
	if err != nil {
		return err
	}
	read := 0
	var errs []error
	for n, l := range i.nodes {
		if read >= want {
			break
		}
		if err := i.reachable(ctx, l); err != nil {
			errs = append(errs, err)
			continue
		}
		if err := i.read(ctx, i.names[n], l, d.Last, index, v); err != nil {
			errs = append(errs, fmt.Errorf("planted: scan of %s on %s: %w", i.queue, i.names[n], err))
			continue
		}
		read++
	}
	if read < want {
		return errors.Join(append(errs, fmt.Errorf("planted: scan of %s read %d replicas, want %d", i.queue, read, want))...)
	}
	return nil
}

func (i *inspector) reachable(ctx context.Context, l *link) error {
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	return l.until(ctx, "")
}

func (i *inspector) read(ctx context.Context, replica string, l *link, last int64, index uint64, v targets.ScanVisitor) (err error) {
	v.Begin(replica, []targets.Range{{From: history.Position{Offset: 1}, To: history.Position{Offset: last}}})
	copies := int64(0)
	defer func() { v.End(replica, copies, err) }()
	for next := int64(1); next <= last; {
		var e encoder
		e.text(i.queue)
		e.u64(uint64(next))
		e.u64(uint64(last))
		e.u64(index)
		d, err := i.patiently(ctx, l, askScan, e.b)
		if err != nil {
			return fmt.Errorf("from position %d: %w", next, err)
		}
		to := int64(d.u64())
		for d.at < len(d.b) && !d.bad {
			pos := int64(d.u64())
			r := d.record()
			if d.bad {
				break
			}
			v.Copy(targets.Copy{Token: r.token, Attempt: r.attempt, Key: r.key, Payload: r.payload, Pos: history.Position{Offset: pos}})
			copies++
		}
		if err := d.err(); err != nil {
			return err
		}
		if to <= next {
			return fmt.Errorf("position %d is followed by %d", next, to)
		}
		next = to
	}
	return nil
}

// patiently asks a node that may still be catching up, for a few seconds.
func (i *inspector) patiently(ctx context.Context, l *link, kind byte, body []byte) (*decoder, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*ask)
	defer cancel()
	for {
		d, err := l.call(ctx, kind, body)
		if !errors.Is(err, errUnavailable) || ctx.Err() != nil {
			return d, err
		}
		select {
		case <-time.After(redialWait):
		case <-ctx.Done():
		}
	}
}

// Outputs implements targets.OutputReader, for the mode that has them.
func (i *inspector) Outputs(ctx context.Context, each func(targets.Output) error) error {
	_, index, err := i.depth(ctx)
	if err != nil {
		return err
	}
	for next := uint64(0); ; {
		var e encoder
		e.text(i.queue)
		e.u64(next)
		e.u64(index)
		d, err := i.patiently(ctx, i.any, askReadOutputs, e.b)
		if err != nil {
			return fmt.Errorf("planted: outputs of %s: %w", i.queue, err)
		}
		to := d.u64()
		for d.at < len(d.b) && !d.bad {
			var o targets.Output
			o.Pos.Offset = int64(d.u64()) + 1
			o.Transaction, o.Visible = d.text(), d.u8() == 1
			r := d.record()
			if d.bad {
				break
			}
			o.Token, o.Attempt, o.Key, o.Payload = r.token, r.attempt, r.key, r.payload
			if err := each(o); err != nil {
				return err
			}
		}
		if err := d.err(); err != nil {
			return err
		}
		if to == next {
			return nil
		}
		next = to
	}
}

// Close implements targets.Inspector.
func (i *inspector) Close() error {
	i.any.close()
	for _, l := range i.nodes {
		l.close()
	}
	return nil
}
