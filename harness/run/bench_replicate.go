package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill/targets"
)

// errInterrupted says that somebody asked a replicate to end before its time.
var errInterrupted = errors.New("run: interrupted")

const (
	// stopWithin is how long the clients of a replicate may take to stop before their hosts are killed.
	stopWithin = 10 * time.Second
	// deleteWithin is how long the deletion of a replicate's queue may take.
	deleteWithin = 15 * time.Second
)

// replicate carries out one replicate: a queue, clients and a history of its own, on brokers and hosts that were there before.
type replicate struct {
	*controller
	job    ReplicateJob
	lane   *lane
	pass   func(Progress)
	series *series // nil until producers send

	mu  sync.Mutex
	end ReplicateEnd
}

// hear passes on what there is to tell. A warning concerns whoever reads the figures.
func (r *replicate) hear(p Progress) {
	if p.Warning != "" {
		r.trouble(p.Warning)
	}
	r.pass(p)
}

func (r *replicate) trouble(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !slices.Contains(r.end.Trouble, what) {
		r.end.Trouble = append(r.end.Trouble, what)
	}
}

func (r *replicate) stoodStill(who string, gap time.Duration) {
	r.trouble(fmt.Sprintf("%s stood still for %s: the machine had no processor for it", who, gap.Round(time.Millisecond)))
}

// silent reports whether nothing is recorded that could be audited.
func (r *replicate) silent() bool { return r.exp.Load.Record != "" }

// perform is the whole of a replicate but its clearing away.
func (r *replicate) perform(ctx context.Context) error {
	if r.job.Tool != nil {
		if err := r.phase(ctx, "queue", r.makeQueue); err != nil {
			return err
		}
		return r.phase(ctx, "tool", r.tool)
	}
	err := r.prepare(ctx)
	if err != nil {
		return err
	}
	if r.job.Search != nil {
		err = r.phase(ctx, "search", r.search)
	} else if err = r.phase(ctx, "warm-up", r.warm); err == nil {
		err = r.measure(ctx)
	}
	if err != nil {
		return err
	}
	return r.finish(ctx)
}

// makeQueue makes the queue. One that has a single leader is led where the first client connects: left to chance, some replicates would
// have every message go to another node first, and figures of the same mode would lie apart for that alone. Where partitions have leaders of
// their own, the product spreads them.
func (r *replicate) makeQueue(ctx context.Context) error {
	if err := r.createQueues(ctx); err != nil {
		return err
	}
	finder, ok := r.cluster.(targets.LeaderFinder)
	if !ok || !r.lane.spec.Mode.Traits.Leader {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.exp.Limits.Start)
	defer cancel()
	for _, of := range r.product.Leaders {
		if of == targets.OfController {
			continue
		}
		if now, err := finder.Leaders(ctx, r.lane.spec.Queue, of); err == nil && len(now) != 1 {
			return nil
		}
		if err := finder.MoveLeader(ctx, r.lane.spec.Queue, of, r.cluster.Nodes()[0].Name); err != nil {
			return fmt.Errorf("make the first node lead the %s: %w", of, err)
		}
	}
	return nil
}

// prepare makes the queue, and starts clients that do not send as yet.
func (r *replicate) prepare(ctx context.Context) error {
	if err := r.phase(ctx, "queue", r.makeQueue); err != nil {
		return err
	}
	if err := r.phase(ctx, "clients up", r.startFirst); err != nil {
		return err
	}
	go r.report(ctx)
	return nil
}

// finish brings the load to an end, and stops the clients.
func (r *replicate) finish(ctx context.Context) error {
	if err := r.rest(ctx); err != nil {
		return err
	}
	r.starvation(ctx)
	if err := r.phase(ctx, "clients down", r.stopClients); err != nil {
		return err
	}
	return r.journal.failed()
}

// startFirst starts everybody but consumers that are to be late, and lets none send as yet.
func (r *replicate) startFirst(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.exp.Limits.Start)
	defer cancel()
	if err := r.addClients(ctx); err != nil {
		return err
	}
	first := slices.Clone(r.lane.producers)
	switch {
	case !r.job.Late:
		first = append(first, r.lane.consumers...)
	case r.unread():
		r.lane.consumers = nil
	}
	if !r.unread() {
		first = append(first, r.inspector)
	}
	if err := start(ctx, first...); err != nil || r.job.Late {
		return err
	}
	return orders(ctx, r.lane.consumers, "resume", nil)
}

// unread reports whether nothing of the queue will be looked at when the load is over.
func (r *replicate) unread() bool { return r.silent() || r.job.Search != nil }

// orders gives the same order to several workers at once.
func orders(ctx context.Context, ms []*member, op string, body any) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range ms {
		g.Go(func() error { return m.order(ctx, op, body, nil) })
	}
	return g.Wait()
}

// rest brings the load to an end. Where there is something to audit, it is drained, scanned and read back: by consumers that start only
// now, if they were to be late.
func (r *replicate) rest(ctx context.Context) error {
	if r.unread() {
		return r.phase(ctx, "quiesce", func(ctx context.Context) error { return r.quiesce(ctx, r.lane) })
	}
	if r.job.Late {
		if err := orders(ctx, r.lane.producers, "pause", nil); err != nil {
			return err
		}
		err := r.phase(ctx, "consumers up", func(ctx context.Context) error { return start(ctx, r.lane.consumers...) })
		if err != nil {
			return err
		}
	}
	return r.lastCheckpoint(ctx, 1)
}

// starvation asks the clients for gaps in which they did not run.
func (r *replicate) starvation(ctx context.Context) {
	for _, m := range r.lane.clients() {
		var gap time.Duration
		if err := m.order(ctx, starvedOrder, nil, &gap); err == nil && gap > 0 {
			r.stoodStill(m.host.Name(), gap)
		}
	}
}

// clear leaves nothing of the replicate but its run directory: no process, no queue, no folder on a host. It is called however the
// replicate ended. What is left all the same is told as trouble.
func (r *replicate) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	stopped := r.stopClients(ctx)
	var g errgroup.Group
	for _, m := range r.members {
		g.Go(func() error {
			err := m.leave(ctx)
			if err != nil || stopped != nil {
				err = m.host.Kill(context.WithoutCancel(ctx)) // the next replicate brings it up again
			}
			return errors.Join(err, os.RemoveAll(filepath.Join(m.host.Dir(), r.shared)))
		})
	}
	if err := g.Wait(); err != nil {
		r.trouble(err.Error())
	}
	r.deleteQueue()
}

func (r *replicate) deleteQueue() {
	ctx, cancel := context.WithTimeout(context.Background(), deleteWithin)
	defer cancel()
	deleter, ok := r.cluster.(targets.QueueDeleter)
	if !ok {
		r.trouble(fmt.Sprintf("target %s cannot delete queues: %s stays, with what is in it", r.exp.Target, r.lane.spec.Queue))
		return
	}
	began := time.Now()
	if err := deleter.DeleteQueue(ctx, targets.Queue{Name: r.lane.spec.Queue, Mode: r.lane.spec.Mode.Name}); err != nil {
		r.trouble(fmt.Sprintf("queue %s stays, with what is in it: %v", r.lane.spec.Queue, err))
	}
	r.pass(Progress{Line: fmt.Sprintf("queue deleted in %s", time.Since(began).Round(time.Millisecond))})
}

// ending is what there is to say of the replicate.
func (r *replicate) ending(err error) ReplicateEnd {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil {
		r.end.Error = err.Error()
	}
	if r.series != nil {
		r.end.Bin = int(r.series.width / time.Microsecond)
		r.end.Sent, r.end.Acked, r.end.Applied = r.series.sent, r.series.acked, r.series.applied
	}
	return r.end
}
