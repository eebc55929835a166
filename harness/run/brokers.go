package run

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/targets"
)

// broker is the place of a node, or of what the profile has besides (a controller): a host that has one life after another.
type broker struct {
	host *lab.Host
	role string
	mu   sync.Mutex
	life history.Life
	down bool // on purpose
}

// startBrokers makes the brokers' hosts and lets the target form a cluster on them.
func (c *controller) startBrokers(ctx context.Context) error {
	add := func(name, role string) (*lab.Host, error) {
		h, err := c.lab.AddHost(ctx, name)
		if err != nil {
			return nil, err
		}
		b := &broker{host: h, role: role}
		c.brokers[name] = b
		c.brokerStarts(b)
		return h, nil
	}
	var nodes, extra []*lab.Host
	for i := range c.exp.Nodes {
		h, err := add(fmt.Sprintf("n%d", i+1), "broker")
		if err != nil {
			return err
		}
		nodes = append(nodes, h)
	}
	for _, name := range c.exp.Extra {
		h, err := add(name, "extra")
		if err != nil {
			return err
		}
		extra = append(extra, h)
	}
	if err := c.startDisks(ctx, nodes); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.exp.Limits.Start)
	defer cancel()
	cluster, err := c.target.Start(ctx, targets.Start{Distribution: c.job.Distribution, Profile: c.exp.Profile, Hosts: nodes, Extra: extra,
		Plants: planted(c.exp.Plant), Seed: c.exp.Seed,
		Log: func(format string, args ...any) { c.tell(Progress{Line: fmt.Sprintf(format, args...)}) }})
	if err != nil {
		return err
	}
	c.cluster = cluster
	reporter, ok := cluster.(targets.ConfigReporter)
	if !ok {
		return nil
	}
	for _, h := range append(nodes, extra...) {
		text, err := reporter.Config(ctx, h.Name())
		if err != nil {
			return fmt.Errorf("configuration of %s: %w", h.Name(), err)
		}
		c.configs[h.Name()] = text
		c.journal.put(history.Event{Kind: history.BrokerConfig, Name: h.Name(), Text: text})
		to := filepath.Join(c.job.Dir, "brokers", h.Name())
		if err := os.MkdirAll(to, 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, "configuration"), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// planted is the bugs that brokers are started with, in order.
func planted(rates map[string]float64) (out []targets.Planted) {
	for _, name := range slices.Sorted(maps.Keys(rates)) {
		out = append(out, targets.Planted{Name: name, Rate: rates[name]})
	}
	return out
}

// brokerStarts records a new life on a broker's host.
func (c *controller) brokerStarts(b *broker) {
	b.mu.Lock()
	b.life, b.down = c.newLife(), false
	life := b.life
	b.mu.Unlock()
	c.journal.put(history.Event{Kind: history.LifeStart, Other: life, Name: b.host.Name(), Text: b.role})
}

// watchBrokers looks for a broker whose processes have all ended although nobody meant them to: its own crash, a finding.
func (c *controller) watchBrokers(ctx context.Context) {
	t := time.NewTicker(250 * time.Millisecond)
	defer t.Stop()
	reported := map[history.Life]bool{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		for _, b := range c.brokers {
			b.mu.Lock()
			life, down := b.life, b.down
			states := map[int]string{0: "?"}
			var err error
			if !down {
				states, err = b.host.States()
			}
			b.mu.Unlock()
			if down || err != nil || len(states) > 0 || reported[life] {
				continue
			}
			reported[life] = true
			c.journal.put(history.Event{Kind: history.LifeEnd, Other: life, Name: b.host.Name(), Status: history.Failed, Reason: history.Crashed,
				Text: "the broker has no process left"})
		}
	}
}

// watchLeaders records who leads each lane's queue and consumer group, and the cluster, whenever that changes.
func (c *controller) watchLeaders(ctx context.Context) {
	finder, ok := c.cluster.(targets.LeaderFinder)
	if !ok {
		return
	}
	t := time.NewTicker(400 * time.Millisecond)
	defer t.Stop()
	type seat struct {
		lane int
		of   string
		part uint32
	}
	var mu sync.Mutex
	known := map[seat]targets.Leadership{}
	look := func(lane int, queue, of string) {
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		now, err := finder.Leaders(short, queue, of)
		if err != nil {
			return // nobody leads, or nobody can be asked: the next look may tell
		}
		mu.Lock()
		defer mu.Unlock()
		for _, lead := range now {
			if known[seat{lane, of, lead.Partition}] == lead {
				continue
			}
			known[seat{lane, of, lead.Partition}] = lead
			c.journal.put(history.Event{Kind: history.Leader, Lane: uint32(lane), Name: lead.Node, Text: of,
				Pos: history.Position{Partition: lead.Partition, Epoch: lead.Epoch}})
		}
	}
	for {
		var round sync.WaitGroup // at once: while a node does not answer, each look takes its second
		for _, of := range c.product.Leaders {
			if of == targets.OfController {
				round.Go(func() { look(0, "", of) })
				continue
			}
			for _, l := range c.lanes {
				if l.spec.Mode.Traits.Leader {
					round.Go(func() { look(l.index, l.spec.Queue, of) })
				}
			}
		}
		round.Wait()
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
