package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"waybill/harness/lab"
	"waybill/targets"
)

// cluster implements targets.Cluster for brokers on lab hosts. Everything it knows about them it asks each node about
// itself, over Erlang's distribution from outside the cluster.
type cluster struct {
	log     func(string, ...any)
	dist    targets.Distribution
	release release
	profile string
	nodes   []*node
	asker   *asker

	mu     sync.Mutex
	queues map[string]kind // by name
	epochs map[string]epoch
}

type node struct {
	targets.Node
	machine machine
	host    *lab.Host

	mu      sync.Mutex
	process *lab.Process
}

// start brings all nodes up at once and waits until they form a cluster.
func start(ctx context.Context, s targets.Start) (_ *cluster, err error) {
	c := &cluster{log: s.Log, dist: s.Distribution, profile: s.Profile, queues: map[string]kind{}, epochs: map[string]epoch{}}
	if c.log == nil {
		c.log = func(string, ...any) {}
	}
	if c.release, err = parseVersion(s.Distribution.Version); err != nil {
		return nil, err
	}
	for _, h := range s.Hosts {
		m := machine{name: h.Name(), addr: h.Addr(), dir: h.Dir()}
		addr := netip.AddrPortFrom(h.Addr(), amqpPort).String()
		c.nodes = append(c.nodes, &node{Node: targets.Node{Name: h.Name(), Addr: addr}, machine: m, host: h})
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	for _, n := range c.nodes {
		if err := n.machine.prepare(c.profile, c.machines()); err != nil {
			return nil, err
		}
		if err := c.run(ctx, n); err != nil {
			return nil, err
		}
	}
	if c.asker, err = newAsker(ctx, c.nodes[0].machine.addr.String()); err != nil {
		return nil, err
	}
	c.log("rabbitmq: %d nodes of %s started; waiting for them to form a cluster", len(c.nodes), c.dist.Version)
	if err := c.await(ctx, c.Healthy); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *cluster) machines() []machine {
	var ms []machine
	for _, n := range c.nodes {
		ms = append(ms, n.machine)
	}
	return ms
}

// run starts a node's broker. What it finds in its folder from earlier, it goes on with.
func (c *cluster) run(ctx context.Context, n *node) error {
	path, args := n.machine.command(c.dist.Dir)
	p, err := n.host.Start(ctx, lab.Proc{Name: "rabbitmq", Path: path, Args: args})
	if err != nil {
		return fmt.Errorf("rabbitmq: start %s: %w", n.Name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process = p
	return nil
}

// ended says why a node's process ended, if it has.
func (n *node) ended() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return fmt.Errorf("rabbitmq: %s was never started", n.Name)
	}
	select {
	case <-n.process.Done():
		e := n.process.Exit()
		return fmt.Errorf("rabbitmq: the broker on %s has ended: exit code %d, signal %q, last words %q", n.Name, e.Code, e.Signal, e.Stderr)
	default:
		return nil
	}
}

// Nodes implements targets.Cluster.
func (c *cluster) Nodes() []targets.Node {
	var ns []targets.Node
	for _, n := range c.nodes {
		ns = append(ns, n.Node)
	}
	return ns
}

// StartNode implements targets.Cluster. It returns when the process runs and does not wait for the broker: after all were
// killed, each waits for others that were up when it went down. Healthy tells when they serve.
func (c *cluster) StartNode(ctx context.Context, name string) error {
	n, err := c.node(name)
	if err != nil {
		return err
	}
	return c.run(ctx, n)
}

func (c *cluster) node(name string) (*node, error) {
	for _, n := range c.nodes {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("rabbitmq: no node %q among %v", name, c.Nodes())
}

// ask puts a question to a node. One that is known to have ended is not asked: from a host that is down not even a refusal
// comes, and each question would cost its whole timeout.
func (c *cluster) ask(ctx context.Context, n *node, into any, question ...string) error {
	if err := n.ended(); err != nil {
		return err
	}
	return c.asker.ask(ctx, n.machine.addr.String(), into, question...)
}

// each runs f for all nodes at once and joins what failed.
func (c *cluster) each(f func(i int, n *node) error) error {
	errs := make([]error, len(c.nodes))
	var all sync.WaitGroup
	for i, n := range c.nodes {
		all.Go(func() { errs[i] = f(i, n) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// await returns when check does not fail; when ctx ends first, the error says what was still missing. A node whose process
// ended ends the wait.
func (c *cluster) await(ctx context.Context, check func(context.Context) error) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	var last error // that a node said, and not the end of ctx
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		for _, n := range c.nodes {
			if gone := n.ended(); gone != nil {
				return gone
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("rabbitmq: waiting: %w: %w", ctx.Err(), last)
		case <-tick.C:
		}
	}
}

// listens makes a connection to a node's port for clients and closes it.
func listens(ctx context.Context, n *node) error {
	d := net.Dialer{Timeout: askTimeout}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(n.machine.addr.String(), strconv.Itoa(amqpPort)))
	if err != nil {
		return fmt.Errorf("rabbitmq: %s: %w", n.Name, err)
	}
	return c.Close()
}

// Close implements targets.Cluster: it ends the asking node. The brokers end with their hosts.
func (c *cluster) Close() error {
	if c.asker == nil {
		return nil
	}
	return c.asker.Close()
}
