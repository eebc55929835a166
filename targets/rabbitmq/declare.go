package rabbitmq

import (
	"context"
	"fmt"
	"regexp"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/targets"
)

// arguments are what a queue of a kind is declared with. Limits are left out, or switched off where the version has them on:
// nothing may discard a message.
func (k kind) arguments(r release) amqp.Table {
	if k != quorum {
		return amqp.Table{"x-queue-type": "classic"}
	}
	a := amqp.Table{"x-queue-type": "quorum", "x-quorum-initial-group-size": int32(replicas)}
	if r.limitsDeliveries() {
		a["x-delivery-limit"] = int32(deliveryLimit)
	}
	return a
}

// mirrorPolicy mirrors a queue to all nodes, and promotes no mirror that lacks messages: without the last two, plain kills
// may lose confirmed messages, by the product's defaults.
const mirrorPolicy = `{"ha-mode":"all","ha-sync-mode":"automatic","ha-promote-on-failure":"when-synced","ha-promote-on-shutdown":"when-synced"}`

// CreateQueue implements targets.Cluster. Queues are declared on the first node: all classic ones live there, and quorum
// queues are led from there at first.
func (c *cluster) CreateQueue(ctx context.Context, q targets.Queue) error {
	m, ok := modeOf(q.Mode)
	if !ok {
		return fmt.Errorf("rabbitmq: queue %q: no mode %q", q.Name, q.Mode)
	}
	n, first := namesOf(q.Name), c.nodes[0]
	if m.kind == mirrored {
		if !c.release.hasMirrors() {
			return fmt.Errorf("rabbitmq: queue %q: version %s has no mirrored queues: they were removed in 4.0", q.Name, c.dist.Version)
		}
		if err := c.ask(ctx, first, nil, "set policy", n.queue, "^"+regexp.QuoteMeta(n.queue)+"$", mirrorPolicy); err != nil {
			return fmt.Errorf("rabbitmq: policy of queue %q: %w", q.Name, err)
		}
	}
	if err := c.declare(ctx, first, n, m.kind); err != nil {
		return err
	}
	c.mu.Lock()
	c.queues[q.Name] = m.kind
	c.mu.Unlock()
	if err := c.await(ctx, c.usable(q.Name, m.kind)); err != nil || m.kind != quorum {
		return err
	}
	return c.saved(ctx)
}

// saved has every node write down which quorum queues it has members of. Before rabbitmq/ra#443, of May 2024, it does so itself
// only half a second after the last change; a member that it does not find there after a kill it starts anew with an empty
// log, whatever was confirmed, and if that befalls all three, none of them ever stands for election. That is a finding of its own:
// what faults are to strike here are queues that have existed for a while.
func (c *cluster) saved(ctx context.Context) error {
	return c.each(func(_ int, n *node) error { return c.ask(ctx, n, nil, "save members") })
}

// usable reports whether a queue has all its replicas, and is known by every node.
func (c *cluster) usable(queue string, k kind) func(context.Context) error {
	return func(ctx context.Context) error {
		views, err := c.views(ctx, queue)
		if err != nil {
			return err
		}
		return checkQueue(queue, k, views, c.erlangNodes(), leaderApplied(views), true)
	}
}

// declare declares a queue. Declaring one again that is as it should be changes nothing.
func (c *cluster) declare(ctx context.Context, at *node, n names, k kind) error {
	err := channel(ctx, at.Addr, ourAccess(), func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(n.queue, true, false, false, false, k.arguments(c.release))
		return err
	})
	if err != nil {
		return fmt.Errorf("rabbitmq: declare queue %q on %s: %w", n.queue, at.Name, err)
	}
	return nil
}

// DeleteQueue implements targets.QueueDeleter.
func (c *cluster) DeleteQueue(ctx context.Context, q targets.Queue) error {
	n, first := namesOf(q.Name), c.nodes[0]
	err := channel(ctx, first.Addr, ourAccess(), func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(n.queue, false, false, false)
		return err
	})
	if err != nil {
		return fmt.Errorf("rabbitmq: delete queue %q: %w", q.Name, err)
	}
	if c.known()[q.Name] == mirrored {
		err = c.ask(ctx, first, nil, "clear policy", n.queue)
	}
	c.mu.Lock()
	delete(c.queues, q.Name)
	c.mu.Unlock()
	return err
}
