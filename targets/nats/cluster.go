package nats

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// cluster implements targets.Cluster for the harness. It holds two connections to every node, one of the application's
// account and one of the system's, each kept to its node: so every node is asked about itself, and a node that does not
// answer costs one timeout and hides nothing.
type cluster struct {
	peers
	profile string
}

// peers is what there is of any cluster, also of one that somebody else runs: its nodes, each with a connection of the
// application's account, and the queues made on it.
type peers struct {
	log   func(string, ...any)
	nodes []*node

	mu     sync.Mutex
	queues map[string]string // by name: the mode
}

type node struct {
	targets.Node
	machine machine
	config  string // path
	app     *link
	sys     *link // nil of a cluster that somebody else runs

	mu      sync.Mutex
	process process
}

// ask is the longest that one node may take to answer one question.
const ask = 2 * time.Second

// start brings all nodes up at once and waits until they form a cluster with a leader.
func start(ctx context.Context, profile string, ms []machine, log func(string, ...any)) (_ *cluster, err error) {
	if log == nil {
		log = func(string, ...any) {}
	}
	c := &cluster{peers{log: log, queues: map[string]string{}}, profile}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	for _, m := range ms {
		n := &node{Node: targets.Node{Name: m.name, Addr: m.client}, machine: m}
		if n.config, err = writeConfig(profile, m, ms); err != nil {
			return nil, err
		}
		c.nodes = append(c.nodes, n)
		if err := n.run(ctx); err != nil {
			return nil, err
		}
	}
	for _, n := range c.nodes {
		if n.app, err = open([]targets.Node{n.Node}, dialOptions{name: "harness"}); err != nil {
			return nil, err
		}
		if n.sys, err = open([]targets.Node{n.Node}, dialOptions{name: "harness-system", user: systemUser, password: systemUser}); err != nil {
			return nil, err
		}
	}
	log("nats: %d nodes started; waiting for them to form a cluster", len(c.nodes))
	if err := c.await(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

func (n *node) run(ctx context.Context) error {
	p, err := n.machine.start(ctx, n.config)
	if err != nil {
		return fmt.Errorf("nats: start %s: %w", n.Name, err)
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
		return fmt.Errorf("nats: %s was never started", n.Name)
	}
	select {
	case <-n.process.Done():
		return fmt.Errorf("nats: the server on %s has ended: %s", n.Name, n.process.Why())
	default:
		return nil
	}
}

// Nodes implements targets.Cluster.
func (c *peers) Nodes() []targets.Node {
	var ns []targets.Node
	for _, n := range c.nodes {
		ns = append(ns, n.Node)
	}
	return ns
}

// StartNode implements targets.Cluster. It returns when the process runs; Healthy tells when it has caught up.
func (c *cluster) StartNode(ctx context.Context, name string) error {
	n, err := c.node(name)
	if err != nil {
		return err
	}
	return n.run(ctx)
}

func (c *peers) node(name string) (*node, error) {
	for _, n := range c.nodes {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("nats: no node %q among %v", name, c.Nodes())
}

// await returns when the cluster is healthy; when ctx ends first, the error says what was still missing. A node whose
// process ended ends the wait.
func (c *cluster) await(ctx context.Context) error {
	for {
		err := c.Healthy(ctx)
		if err == nil {
			return nil
		}
		for _, n := range c.nodes {
			if gone := n.ended(); gone != nil {
				return gone
			}
		}
		if targets.Pause(ctx, 100*time.Millisecond) != nil {
			return fmt.Errorf("nats: waiting for a healthy cluster: %w: %w", ctx.Err(), err)
		}
	}
}

// Close implements targets.Cluster: it closes the harness's connections. The brokers end with their hosts.
func (c *peers) Close() error {
	for _, n := range c.nodes {
		for _, l := range []*link{n.app, n.sys} {
			if l != nil {
				l.close()
			}
		}
	}
	return nil
}

// request asks over one connection, for at most as long as a node may take.
func request(ctx context.Context, l *link, subject string, body []byte) (*nats.Msg, error) {
	if !l.nc.IsConnected() {
		return nil, fmt.Errorf("nats: not connected to %s", l.nodes[0].Name)
	}
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	m, err := l.nc.RequestWithContext(ctx, subject, body)
	if err != nil {
		return nil, fmt.Errorf("nats: %s asked for %s: %w", l.nodes[0].Name, subject, err)
	}
	return m, nil
}
