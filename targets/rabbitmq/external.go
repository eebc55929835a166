package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/targets"
)

// external implements targets.Cluster for brokers that somebody else runs. It speaks AMQP only: it makes, finds and removes
// its own queues, and can neither see what leads or limits them nor set policies. So a mirrored queue cannot be had, and an
// operator's policies that discard messages are not seen.
type external struct {
	access  targets.Access
	nodes   []targets.Node
	release release

	mu     sync.Mutex
	queues []string
}

// Addresses implements targets.Connector.
func (target) Addresses() []string {
	return []string{"127.0.0.1:5672", "127.0.0.1:5673", "127.0.0.1:5674"}
}

// Connect implements targets.Connector.
func (target) Connect(ctx context.Context, a targets.Access) (targets.Cluster, error) {
	if len(a.Brokers) == 0 {
		return nil, errors.New("rabbitmq: no brokers to connect to")
	}
	e := &external{access: a}
	for i, addr := range a.Brokers {
		n := targets.Node{Name: fmt.Sprintf("n%d", i+1), Addr: addr}
		e.nodes = append(e.nodes, n)
		properties, err := e.properties(ctx, n)
		if err != nil {
			return nil, err
		}
		version, _ := properties["version"].(string)
		if err := supported(version); err != nil {
			return nil, fmt.Errorf("%w (broker %s)", err, addr)
		}
		if e.release, err = parseVersion(version); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// properties are what a broker says of itself when a client connects.
func (e *external) properties(ctx context.Context, n targets.Node) (amqp.Table, error) {
	var p amqp.Table
	err := connection(ctx, n.Addr, &e.access, func(c *amqp.Connection) error { p = c.Properties; return nil })
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: broker %s: %w", n.Addr, err)
	}
	return p, nil
}

// Nodes implements targets.Cluster.
func (e *external) Nodes() []targets.Node { return slices.Clone(e.nodes) }

// CreateQueue implements targets.Cluster. The queue is declared by way of the first broker.
func (e *external) CreateQueue(ctx context.Context, q targets.Queue) error {
	m, ok := modeOf(q.Mode)
	if !ok {
		return fmt.Errorf("rabbitmq: queue %q: no mode %q", q.Name, q.Mode)
	}
	if m.kind == mirrored {
		return fmt.Errorf("rabbitmq: queue %q: mirrors are set by a policy, which AMQP cannot do: leave mode %s out: %w", q.Name, q.Mode, targets.ErrExternal)
	}
	n := namesOf(q.Name)
	err := channel(ctx, e.nodes[0].Addr, &e.access, func(ch *amqp.Channel) error {
		_, err := ch.QueueDeclare(n.queue, true, false, false, false, m.kind.arguments(e.release))
		return err
	})
	if err != nil {
		return fmt.Errorf("rabbitmq: declare queue %q: %w", q.Name, err)
	}
	e.mu.Lock()
	if !slices.Contains(e.queues, n.queue) {
		e.queues = append(e.queues, n.queue)
	}
	e.mu.Unlock()
	return e.await(ctx)
}

func (e *external) await(ctx context.Context) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := e.Healthy(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("rabbitmq: waiting: %w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Healthy implements targets.Cluster, as far as AMQP tells: every broker takes connections and finds every queue, which its
// leader answers. That all replicas are there is not seen.
func (e *external) Healthy(ctx context.Context) error {
	e.mu.Lock()
	queues := slices.Clone(e.queues)
	e.mu.Unlock()
	errs := make([]error, len(e.nodes))
	var all sync.WaitGroup
	for i, n := range e.nodes {
		all.Go(func() {
			errs[i] = channel(ctx, n.Addr, &e.access, func(ch *amqp.Channel) error {
				for _, q := range queues {
					if _, err := ch.QueueDeclarePassive(q, true, false, false, false, nil); err != nil {
						return fmt.Errorf("rabbitmq: queue %s at %s: %w", q, n.Addr, err)
					}
				}
				return nil
			})
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// StartNode implements targets.Cluster.
func (e *external) StartNode(context.Context, string) error { return targets.ErrExternal }

// DeleteQueue implements targets.QueueDeleter.
func (e *external) DeleteQueue(ctx context.Context, q targets.Queue) error {
	n := namesOf(q.Name)
	err := channel(ctx, e.nodes[0].Addr, &e.access, func(ch *amqp.Channel) error {
		_, err := ch.QueueDelete(n.queue, false, false, false)
		return err
	})
	if err != nil {
		return fmt.Errorf("rabbitmq: delete queue %q: %w", q.Name, err)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.queues = slices.DeleteFunc(e.queues, func(s string) bool { return s == n.queue })
	return nil
}

// Config implements targets.ConfigReporter: what a broker tells every client.
func (e *external) Config(ctx context.Context, node string) (string, error) {
	i := slices.IndexFunc(e.nodes, func(n targets.Node) bool { return n.Name == node })
	if i < 0 {
		return "", fmt.Errorf("rabbitmq: no node %q among %v", node, e.nodes)
	}
	p, err := e.properties(ctx, e.nodes[i])
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# told by %s to clients; its settings cannot be read over AMQP\n", e.nodes[i].Addr)
	for _, k := range []string{"product", "version", "platform", "cluster_name"} {
		fmt.Fprintf(&b, "%s: %v\n", k, p[k])
	}
	return b.String(), nil
}

// Close implements targets.Cluster. No connection is kept open.
func (e *external) Close() error { return nil }
