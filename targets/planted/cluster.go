package planted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"waybill/harness/lab"
	"waybill/targets"
)

const (
	clientPort = 4600
	raftPort   = 4601
)

// cluster implements targets.Cluster, with a connection to each node.
type cluster struct {
	nodes []*member

	mu     sync.Mutex
	queues map[string]bool
}

// member is one node, seen by the harness.
type member struct {
	peer
	config string // path
	host   *lab.Host
	link   *link

	mu      sync.Mutex
	process *lab.Process
}

func start(ctx context.Context, s targets.Start) (_ *cluster, err error) {
	c := &cluster{queues: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	var peers []peer
	for _, h := range s.Hosts {
		peers = append(peers, peer{Name: h.Name(), Client: netip.AddrPortFrom(h.Addr(), clientPort).String(), Raft: netip.AddrPortFrom(h.Addr(), raftPort).String()})
	}
	rates := map[string]float64{}
	for _, p := range s.Plants {
		rates[p.Name] = p.Rate
	}
	for i, h := range s.Hosts {
		m := &member{peer: peers[i], host: h, config: filepath.Join(h.Dir(), "broker.json")}
		b, err := json.MarshalIndent(nodeConfig{Name: h.Name(), Dir: h.Dir(), Peers: peers, Plants: rates, Seed: s.Seed}, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("planted: configuration: %w", err)
		}
		if err := errors.Join(os.MkdirAll(h.Dir(), 0o755), os.WriteFile(m.config, b, 0o644)); err != nil {
			return nil, fmt.Errorf("planted: configuration of %s: %w", h.Name(), err)
		}
		if err := m.run(ctx); err != nil {
			return nil, err
		}
		m.link = openLink([]nodeAddr{{m.Name, m.Client}}, linkOptions{pin: m.Name})
		c.nodes = append(c.nodes, m)
	}
	return c, c.await(ctx, func() error {
		for _, m := range c.nodes {
			if err := m.ended(); err != nil {
				return fmt.Errorf("%w: %w", errGone, err)
			}
		}
		return c.Healthy(ctx)
	})
}

var errGone = errors.New("planted: a broker has ended")

func (m *member) run(ctx context.Context) error {
	p, err := m.host.Start(ctx, lab.Proc{Name: program, Program: program, Args: []string{m.config}})
	if err != nil {
		return fmt.Errorf("planted: start %s: %w", m.Name, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.process = p
	return nil
}

func (m *member) ended() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case <-m.process.Done():
		e := m.process.Exit()
		return fmt.Errorf("%s: exit code %d, signal %q, last words %q", m.Name, e.Code, e.Signal, e.Stderr)
	default:
		return nil
	}
}

// await repeats f until it returns nil, an error that waiting does not mend, or the time is up.
func (c *cluster) await(ctx context.Context, f func() error) error {
	t := time.NewTicker(100 * time.Millisecond)
	defer t.Stop()
	for {
		err := f()
		if err == nil || errors.Is(err, errGone) {
			return err
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// Nodes implements targets.Cluster.
func (c *cluster) Nodes() []targets.Node {
	var ns []targets.Node
	for _, m := range c.nodes {
		ns = append(ns, targets.Node{Name: m.Name, Addr: m.Client})
	}
	return ns
}

func (c *cluster) node(name string) (*member, error) {
	for _, m := range c.nodes {
		if m.Name == name {
			return m, nil
		}
	}
	return nil, fmt.Errorf("planted: no node %q among %v", name, c.Nodes())
}

// StartNode implements targets.Cluster.
func (c *cluster) StartNode(ctx context.Context, name string) error {
	m, err := c.node(name)
	if err != nil {
		return err
	}
	return m.run(ctx)
}

// CreateQueue implements targets.Cluster.
func (c *cluster) CreateQueue(ctx context.Context, q targets.Queue) error {
	var e encoder
	e.text(q.Name)
	e.text(q.Mode)
	if err := c.ask(ctx, askCreate, e.b); err != nil {
		return fmt.Errorf("planted: create queue %q: %w", q.Name, err)
	}
	c.mu.Lock()
	c.queues[q.Name] = true
	c.mu.Unlock()
	return c.await(ctx, func() error { return c.Healthy(ctx) })
}

// DeleteQueue implements targets.QueueDeleter.
func (c *cluster) DeleteQueue(ctx context.Context, q targets.Queue) error {
	c.mu.Lock()
	delete(c.queues, q.Name)
	c.mu.Unlock()
	var e encoder
	e.text(q.Name)
	if err := c.ask(ctx, askDelete, e.b); err != nil && !strings.Contains(err.Error(), "no queue") {
		return fmt.Errorf("planted: delete queue %q: %w", q.Name, err)
	}
	return nil
}

// ask asks any node that answers, until one does.
func (c *cluster) ask(ctx context.Context, kind byte, body []byte) error {
	n := 0
	return c.await(ctx, func() error {
		n++
		ctx, cancel := context.WithTimeout(ctx, ask)
		defer cancel()
		_, err := c.nodes[n%len(c.nodes)].link.call(ctx, kind, body)
		if errors.Is(err, errRefused) {
			return fmt.Errorf("%w: %w", errGone, err)
		}
		return err
	})
}

// statuses asks every node about itself, at once.
func (c *cluster) statuses(ctx context.Context) ([]status, error) {
	out, errs := make([]status, len(c.nodes)), make([]error, len(c.nodes))
	var all sync.WaitGroup
	for i, m := range c.nodes {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, ask)
			defer cancel()
			d, err := m.link.call(ctx, askStatus, nil)
			if err == nil {
				err = json.Unmarshal(d.b, &out[i])
			}
			if err != nil {
				errs[i] = fmt.Errorf("planted: %s: %w", m.Name, err)
			}
		})
	}
	all.Wait()
	return out, errors.Join(errs...)
}

// Healthy implements targets.Cluster: every node answers, all follow one leader in one term, and it serves and knows every queue.
func (c *cluster) Healthy(ctx context.Context) error {
	all, err := c.statuses(ctx)
	if err != nil {
		return err
	}
	leads := 0
	for _, s := range all {
		if s.Leader == "" || s.Leader != all[0].Leader || s.Term != all[0].Term {
			return fmt.Errorf("planted: %s follows %q in term %d, and %s %q in term %d", s.Name, s.Leader, s.Term, all[0].Name, all[0].Leader, all[0].Term)
		}
		if s.Name != s.Leader {
			continue
		}
		if !s.Serves {
			return fmt.Errorf("planted: %s leads, and does not serve yet", s.Name)
		}
		leads++
		c.mu.Lock()
		for q := range c.queues {
			if s.Queues[q] == "" {
				err = fmt.Errorf("planted: %s does not know the queue %q", s.Name, q)
			}
		}
		c.mu.Unlock()
	}
	if leads != 1 {
		return fmt.Errorf("planted: %d of the nodes lead: %w", leads, targets.ErrNoLeader)
	}
	return err
}

// InSync implements targets.Syncer: Healthy, and every node has applied what the leader had committed.
func (c *cluster) InSync(ctx context.Context) error {
	before, err := c.statuses(ctx)
	if err != nil {
		return err
	}
	if err := c.Healthy(ctx); err != nil {
		return err
	}
	now, err := c.statuses(ctx)
	if err != nil {
		return err
	}
	committed := uint64(0)
	for _, s := range before {
		committed = max(committed, s.Commit)
	}
	for _, s := range now {
		if s.Applied < committed {
			return fmt.Errorf("planted: %s has applied %d of %d entries", s.Name, s.Applied, committed)
		}
	}
	return nil
}

// Leaders implements targets.LeaderFinder: the node that says it leads in the highest term. One node leads everything.
func (c *cluster) Leaders(ctx context.Context, _, _ string) ([]targets.Leadership, error) {
	all, err := c.statuses(ctx)
	var lead targets.Leadership
	for _, s := range all {
		if s.Name != "" && s.Serves && s.Term > lead.Epoch {
			lead = targets.Leadership{Node: s.Name, Epoch: s.Term}
		}
	}
	if lead.Node == "" {
		return nil, errors.Join(targets.ErrNoLeader, err)
	}
	return []targets.Leadership{lead}, nil
}

// MoveLeader implements targets.LeaderFinder.
func (c *cluster) MoveLeader(ctx context.Context, queue, of, node string) error {
	if _, err := c.node(node); err != nil {
		return err
	}
	err := c.await(ctx, func() error {
		now, err := c.Leaders(ctx, queue, of)
		if err != nil || now[0].Node == node {
			return err
		}
		leader, err := c.node(now[0].Node)
		if err != nil {
			return err
		}
		var e encoder
		e.text(node)
		short, cancel := context.WithTimeout(ctx, 2*ask)
		defer cancel()
		if _, err := leader.link.call(short, askTransfer, e.b); err != nil {
			return err
		}
		return fmt.Errorf("planted: %s was asked to hand over to %s", now[0].Node, node)
	})
	if err != nil {
		return fmt.Errorf("planted: move the leader to %s: %w", node, err)
	}
	return nil
}

// Config implements targets.ConfigReporter.
func (c *cluster) Config(ctx context.Context, node string) (string, error) {
	m, err := c.node(node)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, ask)
	defer cancel()
	if err := m.link.until(ctx, ""); err != nil {
		return "", err
	}
	d, err := m.link.call(ctx, askStatus, nil)
	if err != nil {
		return "", err
	}
	own, err := os.ReadFile(m.config)
	if err != nil {
		return "", fmt.Errorf("planted: configuration of %s: %w", node, err)
	}
	return string(own) + "\n" + string(d.b) + "\n", nil
}

// Close implements targets.Cluster. The brokers end with their hosts.
func (c *cluster) Close() error {
	for _, m := range c.nodes {
		m.link.close()
	}
	return nil
}
