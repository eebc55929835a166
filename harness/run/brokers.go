package run

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/targets"
)

// broker is a node's place: a host that has one life after another.
type broker struct {
	host *lab.Host
	mu   sync.Mutex
	life history.Life
	down bool // on purpose
}

// startBrokers makes the brokers' hosts and lets the target form a cluster on them.
func (c *controller) startBrokers(ctx context.Context) error {
	var hosts []*lab.Host
	for i := range c.exp.Nodes {
		h, err := c.lab.AddHost(ctx, fmt.Sprintf("n%d", i+1))
		if err != nil {
			return err
		}
		hosts = append(hosts, h)
		b := &broker{host: h}
		c.brokers[h.Name()] = b
		c.brokerStarts(b)
	}
	ctx, cancel := context.WithTimeout(ctx, c.exp.Limits.Start)
	defer cancel()
	cluster, err := c.target.Start(ctx, targets.Start{Distribution: c.job.Distribution, Profile: c.exp.Profile, Hosts: hosts,
		Log: func(format string, args ...any) { c.tell(Progress{Line: fmt.Sprintf(format, args...)}) }})
	if err != nil {
		return err
	}
	c.cluster = cluster
	reporter, ok := cluster.(targets.ConfigReporter)
	if !ok {
		return nil
	}
	for _, h := range hosts {
		text, err := reporter.Config(ctx, h.Name())
		if err != nil {
			return fmt.Errorf("configuration of %s: %w", h.Name(), err)
		}
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

// brokerStarts records a new life on a broker's host.
func (c *controller) brokerStarts(b *broker) {
	b.mu.Lock()
	b.life, b.down = c.newLife(), false
	life := b.life
	b.mu.Unlock()
	c.journal.put(history.Event{Kind: history.LifeStart, Other: life, Name: b.host.Name(), Text: "broker"})
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

// watchLeaders records who leads each lane's queue and consumer group whenever that changes.
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
	}
	type holder struct {
		node  string
		epoch uint64
	}
	known := map[seat]holder{}
	for {
		for _, l := range c.lanes {
			if !l.spec.Mode.Traits.Leader {
				continue
			}
			for _, of := range []string{"queue", "consumer"} {
				short, cancel := context.WithTimeout(ctx, time.Second)
				node, epoch, err := finder.Leader(short, l.spec.Queue, of)
				cancel()
				now := holder{node, epoch}
				if err != nil || node == "" || known[seat{l.index, of}] == now {
					continue
				}
				known[seat{l.index, of}] = now
				c.journal.put(history.Event{Kind: history.Leader, Lane: uint32(l.index), Name: node, Text: of, Pos: history.Position{Epoch: epoch}})
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}
