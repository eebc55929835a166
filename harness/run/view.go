package run

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill/harness/history"
	"waybill/nemesis"
	"waybill/targets"
)

// Timing is what faults' lengths depend on, from what the target states and how long its producers wait.
func Timing(t targets.Timing, confirm time.Duration) nemesis.Timing {
	return nemesis.Timing{Detection: t.Detection, Redelivery: t.Redelivery, Election: t.Election, Confirm: confirm, Answer: t.Answer, Transaction: t.Transaction}
}

// view is what faults may see and do.
func (c *controller) view() nemesis.View {
	v := nemesis.View{
		Timing:  Timing(c.product.Timing, c.exp.Load.Confirm),
		Trigger: c.exp.Limits.Trigger, Machines: machines{c}, Links: links{c}, Leaders: leaders{c}, Clients: clients{c},
		Healthy: c.cluster.Healthy,
	}
	if c.disks != nil {
		v.Disks = c.disks
	}
	for _, n := range c.cluster.Nodes() {
		v.Brokers = append(v.Brokers, n.Name)
	}
	v.Extra = c.exp.Extra
	for _, l := range c.lanes {
		x := nemesis.Lane{Name: l.spec.Name, Mode: l.spec.Mode}
		for _, m := range l.producers {
			x.Producers = append(x.Producers, m.host.Name())
		}
		for _, m := range l.consumers {
			x.Consumers = append(x.Consumers, m.host.Name())
		}
		v.Lanes = append(v.Lanes, x)
	}
	return v
}

// machines does things to hosts, and records whose life that touches.
type machines struct{ c *controller }

// touch records that the current life on host is a victim of the current fault, and returns it. ends says that it will end by it.
func (m machines) touch(host string, ends bool) (history.Life, int, error) {
	if b, ok := m.c.brokers[host]; ok {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.down = b.down || ends
		m.victim(host, b.life, 0)
		return b.life, 0, nil
	}
	x, ok := m.c.members[host]
	if !ok {
		return 0, 0, fmt.Errorf("run: no host %q", host)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.expected = x.expected || ends
	m.victim(host, x.life, x.lane)
	return x.life, x.lane, nil
}

func (m machines) victim(host string, life history.Life, lane int) {
	m.c.journal.put(history.Event{Kind: history.FaultVictim, Ref: uint64(m.c.episode.Load()), Other: life, Name: host, Lane: uint32(lane)})
}

func (m machines) Kill(ctx context.Context, hosts ...string) error {
	var g errgroup.Group
	for _, name := range hosts {
		life, lane, err := m.touch(name, true)
		if err != nil {
			return err
		}
		g.Go(func() error {
			h, ok := m.c.lab.Host(name)
			if !ok {
				return fmt.Errorf("run: no host %q", name)
			}
			if err := h.Kill(ctx); err != nil {
				return err
			}
			m.c.journal.put(history.Event{Kind: history.LifeEnd, Other: life, Name: name, Lane: uint32(lane), Status: history.OK,
				Reason: history.KilledByFault, Ref: uint64(m.c.episode.Load())})
			return nil
		})
	}
	return g.Wait()
}

func (m machines) Restart(ctx context.Context, hosts ...string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, name := range hosts {
		g.Go(func() error {
			h, ok := m.c.lab.Host(name)
			if !ok {
				return fmt.Errorf("run: no host %q", name)
			}
			if err := h.Restart(ctx); err != nil {
				return err
			}
			if b, ok := m.c.brokers[name]; ok {
				if err := m.c.disks.mount(ctx, h); err != nil {
					return err
				}
				if err := m.c.cluster.StartNode(ctx, name); err != nil {
					return err
				}
				m.c.brokerStarts(b)
				return nil
			}
			x := m.c.members[name]
			if err := x.start(ctx); err != nil {
				return err
			}
			return x.order(ctx, "resume", nil, nil)
		})
	}
	return g.Wait()
}

func (m machines) Pause(ctx context.Context, hosts ...string) error {
	return m.each(hosts, func(name string) error {
		if _, _, err := m.touch(name, false); err != nil {
			return err
		}
		h, _ := m.c.lab.Host(name)
		return h.Pause(ctx)
	})
}

func (m machines) Resume(ctx context.Context, hosts ...string) error {
	return m.each(hosts, func(name string) error {
		h, ok := m.c.lab.Host(name)
		if !ok {
			return fmt.Errorf("run: no host %q", name)
		}
		return h.Resume(ctx)
	})
}

func (m machines) each(hosts []string, do func(string) error) error {
	var g errgroup.Group
	for _, name := range hosts {
		g.Go(func() error { return do(name) })
	}
	return g.Wait()
}

func (m machines) State(host string) (string, error) {
	h, ok := m.c.lab.Host(host)
	if !ok {
		return "", fmt.Errorf("run: no host %q", host)
	}
	if !h.Up() {
		return "down", nil
	}
	states, err := h.States()
	if err != nil {
		return "", err
	}
	if len(states) == 0 {
		return "empty", nil
	}
	for _, s := range states {
		if s != "T" {
			return "up", nil
		}
	}
	return "paused", nil
}

type links struct{ c *controller }

func (l links) Cut(from, to []string) (func() error, error) { return l.c.lab.Cut(from, to) }
func (l links) Dropped(host string) (uint64, error)         { return l.c.lab.Dropped(host) }
func (l links) Reach(ctx context.Context, from, broker string) error {
	for _, n := range l.c.cluster.Nodes() {
		if n.Name == broker {
			return l.c.lab.Reach(ctx, from, n.Addr)
		}
	}
	return fmt.Errorf("run: no broker %q", broker)
}

type leaders struct{ c *controller }

func (l leaders) finder() (targets.LeaderFinder, error) {
	f, ok := l.c.cluster.(targets.LeaderFinder)
	if !ok {
		return nil, fmt.Errorf("run: target %s has no leaders to find", l.c.exp.Target)
	}
	return f, nil
}

func (l leaders) Gather(ctx context.Context, of, node string) error {
	f, err := l.finder()
	if err != nil {
		return err
	}
	for _, x := range l.c.lanes {
		if !x.spec.Mode.Traits.Leader {
			continue
		}
		if err := f.MoveLeader(ctx, x.spec.Queue, of, node); err != nil {
			return fmt.Errorf("run: make %s lead the %s of %s: %w", node, of, x.spec.Name, err)
		}
	}
	return nil
}

// Anchor finds where a queue without failover lives: faults that want leaders gather the others there.
func (l leaders) Anchor(ctx context.Context, of string) (string, error) {
	f, err := l.finder()
	if err != nil {
		return "", err
	}
	for _, x := range l.c.lanes {
		if x.spec.Mode.Traits.Leader {
			continue
		}
		if now, err := f.Leaders(ctx, x.spec.Queue, of); err == nil && len(now) > 0 {
			return now[0].Node, nil
		}
	}
	return "", ctx.Err()
}

// Controller finds who leads the cluster itself.
func (l leaders) Controller(ctx context.Context) (string, error) {
	f, err := l.finder()
	if err != nil {
		return "", err
	}
	now, err := f.Leaders(ctx, "", targets.OfController)
	if err != nil {
		return "", fmt.Errorf("run: who leads the cluster: %w", err)
	}
	if len(now) == 0 {
		return "", targets.ErrNoLeader
	}
	return now[0].Node, nil
}

type clients struct{ c *controller }

func (x clients) Pin(ctx context.Context, node string, hosts ...string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, h := range hosts {
		m, ok := x.c.members[h]
		if !ok {
			return fmt.Errorf("run: no client %q", h)
		}
		g.Go(func() error { return m.order(ctx, "pin", node, nil) })
	}
	return g.Wait()
}

func (x clients) Counter(host string, c history.Counter) uint64 {
	m, ok := x.c.members[host]
	if !ok {
		return 0
	}
	return m.counter(c)
}
