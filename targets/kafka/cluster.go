package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"waybill/targets"
	"waybill/targets/maven"
)

// cluster implements targets.Cluster for the harness. It holds a connection to every listener of every node, so that each
// is asked about itself, and a node that does not answer costs one timeout and hides nothing.
type cluster struct {
	log         func(string, ...any)
	brokers     []*node
	controllers []*node // the same nodes where they have both roles; none in a cluster that somebody else runs
	copies      int     // of each queue
	launch      *launch // nil in a cluster that somebody else runs

	looks  singleflight.Group // see sharedViews
	mu     sync.Mutex
	topics map[string]bool // that were made, and so must be there
}

// launch is what starting a process takes.
type launch struct {
	java      maven.Java
	classPath string
	archive   []string // the JVM's arguments for its archive of classes; none where there is no archive
}

// plan says which machines get which role.
type plan struct {
	brokers     []machine
	controllers []machine // empty: the brokers have both roles
	fsync       bool      // everything is synced to disk before it is acknowledged
}

// start brings all nodes up at once and waits until they form a cluster whose internal topics are there.
func start(ctx context.Context, p prepared, l *launch, plan plan, log func(string, ...any)) (_ *cluster, err error) {
	if log == nil {
		log = func(string, ...any) {}
	}
	c := &cluster{log: log, copies: min(replicas, len(plan.brokers)), launch: l, topics: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	began := time.Now()
	if err := c.configure(p, plan); err != nil {
		return nil, err
	}
	if err := each(c.nodes(), func(_ int, n *node) error { return c.run(ctx, n) }); err != nil {
		return nil, err
	}
	log("kafka: %d brokers and %d controllers started; waiting for them to form a cluster", len(c.brokers), len(c.controllers))
	if err := c.await(ctx, c.Healthy); err != nil {
		return nil, err
	}
	if err := c.await(ctx, c.internalTopics); err != nil {
		return nil, err
	}
	log("kafka: the cluster serves after %v", time.Since(began).Round(100*time.Millisecond))
	return c, nil
}

// launchFrom finds what is needed to start processes from a prepared folder.
func launchFrom(ctx context.Context, p prepared) (*launch, error) {
	j, err := maven.FindJava(ctx, oldestJava)
	if err != nil {
		return nil, fmt.Errorf("kafka: brokers: %w", err)
	}
	l := &launch{java: j}
	if l.classPath, err = p.classPath(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(p.classes(j)); err == nil {
		l.archive = []string{"-XX:SharedArchiveFile=" + p.classes(j)}
	}
	return l, nil
}

// configure gives every machine its identity, its configuration and its formatted storage, and opens the lines.
func (c *cluster) configure(p prepared, plan plan) error {
	id, voters := newID(), voters(plan)
	add := func(i int, m machine, roles ...string) (*node, error) {
		n := &node{Node: targets.Node{Name: m.name, Addr: m.addr(m.client)}, id: int32(i), machine: m}
		n.server = server{id: i, roles: roles, host: m.host, dir: m.dir, client: m.client, voters: voters, copies: c.copies, fsync: plan.fsync}
		if err := n.server.write(); err != nil {
			return nil, err
		}
		if err := p.formatFor(n.server, id); err != nil {
			return nil, err
		}
		var err error
		if n.server.is(roleBroker) {
			if n.client, err = openLine(m.name, n.Addr, nil); err != nil {
				return nil, err
			}
		}
		if n.server.is(roleController) {
			if n.controller, err = openLine(m.name, m.addr(m.controller), nil); err != nil {
				return nil, err
			}
		}
		return n, nil
	}
	for i, m := range plan.brokers {
		roles := []string{roleBroker}
		if len(plan.controllers) == 0 {
			roles = append(roles, roleController)
		}
		n, err := add(i+1, m, roles...)
		if err != nil {
			return err
		}
		c.brokers = append(c.brokers, n)
	}
	if len(plan.controllers) == 0 {
		c.controllers = c.brokers
	}
	for i, m := range plan.controllers {
		n, err := add(firstController+i, m, roleController)
		if err != nil {
			return err
		}
		c.controllers = append(c.controllers, n)
	}
	return nil
}

// firstController is the number of the first node that is a controller alone; brokers count from 1.
const firstController = 101

func voters(p plan) []voter {
	first, ms := firstController, p.controllers
	if len(ms) == 0 {
		first, ms = 1, p.brokers
	}
	var vs []voter
	for i, m := range ms {
		vs = append(vs, voter{id: first + i, host: m.host, port: m.controller})
	}
	return vs
}

// nodes are all processes, each once, controllers of their own first: brokers wait for them.
func (c *cluster) nodes() []*node {
	var ns []*node
	for _, n := range c.controllers {
		if !n.server.is(roleBroker) {
			ns = append(ns, n)
		}
	}
	return append(ns, c.brokers...)
}

func (c *cluster) run(ctx context.Context, n *node) error {
	args := append(slices.Clone(c.launch.archive), n.server.arguments()...)
	p, err := n.machine.start(ctx, c.launch.java.Path, args, []string{"CLASSPATH=" + c.launch.classPath})
	if err != nil {
		return fmt.Errorf("kafka: start %s: %w", n.Name, err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.process = p
	return nil
}

// Nodes implements targets.Cluster: the brokers.
func (c *cluster) Nodes() []targets.Node {
	var ns []targets.Node
	for _, n := range c.brokers {
		ns = append(ns, n.Node)
	}
	return ns
}

// StartNode implements targets.Cluster. It returns when the process runs; Healthy tells when it serves.
func (c *cluster) StartNode(ctx context.Context, name string) error {
	if c.launch == nil {
		return fmt.Errorf("kafka: start %s: %w", name, targets.ErrExternal)
	}
	for _, n := range c.nodes() {
		if n.Name == name {
			return c.run(ctx, n)
		}
	}
	return fmt.Errorf("kafka: no node %q among %v", name, c.names())
}

func (c *cluster) names() []string {
	var names []string
	for _, n := range c.nodes() {
		names = append(names, n.Name)
	}
	return names
}

func (c *cluster) broker(name string) (*node, error) {
	for _, n := range c.brokers {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("kafka: no broker %q among %v", name, c.Nodes())
}

// await repeats check until it returns nil. When ctx ends first, the error says what was still missing. A node whose
// process ended ends the wait.
func (c *cluster) await(ctx context.Context, check func(context.Context) error) error {
	for {
		err := check(ctx)
		if err == nil {
			return nil
		}
		for _, n := range c.nodes() {
			if gone := n.ended(); gone != nil {
				return gone
			}
		}
		if targets.Pause(ctx, pollEvery) != nil {
			return fmt.Errorf("kafka: waiting for the cluster: %w: %w", ctx.Err(), err)
		}
	}
}

// Close implements targets.Cluster: it closes the harness's connections. The brokers end with their hosts.
func (c *cluster) Close() error {
	for _, n := range c.nodes() {
		n.close()
	}
	return nil
}
