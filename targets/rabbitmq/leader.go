package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"waybill/targets"
)

// epoch counts the processes that have led a classic queue.
type epoch struct {
	process string
	count   uint64
}

// Leaders implements targets.LeaderFinder: a queue is one partition. The epoch of a quorum queue is its Raft term. Classic
// queues have none of the broker's, so it is how many leaders this cluster's observer has seen so far, itself included: a
// promoted mirror or a restarted queue is another process.
func (c *cluster) Leaders(ctx context.Context, queue, of string) ([]targets.Leadership, error) {
	if of != targets.OfQueue {
		return nil, fmt.Errorf("rabbitmq: leader of %q: want %q", queue, targets.OfQueue)
	}
	views := make([]*queueView, len(c.nodes))
	asked := c.each(func(i int, n *node) error {
		var v queueView
		if err := c.ask(ctx, n, &v, "queue", namesOf(queue).queue); err != nil {
			return err
		}
		views[i] = &v
		return nil
	})
	best := -1
	for i, v := range views {
		if v != nil && v.leads(c.erlangNodes()[i]) && (best < 0 || v.before(views[best])) {
			best = i
		}
	}
	if best < 0 {
		return nil, fmt.Errorf("rabbitmq: queue %q: %w: %w", queue, targets.ErrNoLeader, orAnswered(asked))
	}
	l := targets.Leadership{Node: c.nodes[best].Name, Epoch: views[best].Term}
	if views[best].Kind != string(quorum) {
		l.Epoch = c.epochOf(queue, views[best].Process)
	}
	return []targets.Leadership{l}, nil
}

// leads reports whether the node that has this view leads the queue, by its own account.
func (v *queueView) leads(node string) bool {
	if v.Kind == string(quorum) {
		return v.Role == "leader"
	}
	return v.Leader == node && v.Alive
}

// before reports whether this leader counts rather than another that believes it leads as well. Of Raft leaders that is the
// later one; of the two leaders of a mirrored queue in a partition, the one that kept more mirrors.
func (v *queueView) before(o *queueView) bool {
	if v.Kind == string(quorum) {
		return v.Term > o.Term
	}
	return len(v.Mirrors) > len(o.Mirrors)
}

func (c *cluster) epochOf(queue, process string) uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.epochs[queue]
	if e.process != process {
		e = epoch{process: process, count: e.count + 1}
		c.epochs[queue] = e
	}
	return e.count
}

var errAllAnswered = errors.New("every node answered")

// orAnswered is an error that can be wrapped even when nothing failed.
func orAnswered(err error) error {
	if err == nil {
		return errAllAnswered
	}
	return err
}

// MoveLeader implements targets.LeaderFinder, for quorum and mirrored queues: the leader is asked to hand over to node, again
// until it has.
func (c *cluster) MoveLeader(ctx context.Context, queue, of, name string) error {
	to, err := c.node(name)
	if err != nil {
		return err
	}
	tick := time.NewTicker(300 * time.Millisecond)
	defer tick.Stop()
	for {
		var last error
		now, err := c.Leaders(ctx, queue, of)
		switch {
		case err != nil:
			last = err
		case now[0].Node == name:
			return nil
		default:
			last = c.handOver(ctx, queue, now[0].Node, to)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("rabbitmq: move leader of %q to %s: %w: last: %w", queue, name, ctx.Err(), orAnswered(last))
		case <-tick.C:
		}
	}
}

// handOver asks once. A mirrored queue is moved by dropping mirrors and adding them again, which takes seconds. While a mirror is not
// synchronised it is not asked: the leader would be dropped as well, no mirror be promoted, and the queue be down for good.
func (c *cluster) handOver(ctx context.Context, queue, from string, to *node) error {
	leader, err := c.node(from)
	if err != nil {
		return err
	}
	k, ok := c.known()[queue]
	if !ok || k == classic {
		return fmt.Errorf("rabbitmq: queue %q stays where it is", queue)
	}
	if k == mirrored {
		views, err := c.views(ctx, queue)
		if err != nil {
			return err
		}
		if err := checkQueue(queue, k, views, c.erlangNodes(), 0, true); err != nil {
			return err
		}
	}
	return c.asker.askFor(ctx, 20*time.Second, erlangNode(leader.machine.addr.String()), nil,
		"move", namesOf(queue).queue, erlangNode(to.machine.addr.String()))
}
