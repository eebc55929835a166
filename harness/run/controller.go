package run

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/targets"
)

// controller carries an experiment out. It lives in the lab's own network namespace, beside the hosts.
type controller struct {
	job     Job
	exp     experiment.Experiment
	lab     *lab.Lab
	target  targets.Target
	product targets.Description
	cluster targets.Cluster
	journal *journal
	tell    func(Progress)

	frames    bool // a fault of the schedule does something to single frames
	brokers   map[string]*broker
	disks     *disks // nil: brokers are on plain disks
	lanes     []*lane
	inspector *member
	members   map[string]*member // by host
	configs   map[string]string  // of brokers, as they reported it, by host
	shared    string             // folder below each client's host, where hosts are there for several runs; "": the host's own
	seat      int                // among runs that use the hosts at once, from 0

	lives   atomic.Uint32
	episode atomic.Int64 // number of the current one: what a killed life was killed by

	stopMu sync.Mutex
	why    error              // why the run was aborted
	cancel context.CancelFunc // ends everything at once
}

// lane is one mode's clients.
type lane struct {
	index     int
	spec      experiment.Lane
	producers []*member
	consumers []*member
}

func (l *lane) clients() []*member {
	return append(append([]*member(nil), l.producers...), l.consumers...)
}

// sum adds a live figure over members.
func sum(c history.Counter, ms []*member) (n uint64) {
	for _, m := range ms {
		n += m.counter(c)
	}
	return n
}

func (c *controller) newLife() history.Life { return history.Life(c.lives.Add(1)) }

// abort ends the run at once: something the harness rests on is gone.
func (c *controller) abort(why error) {
	c.stopMu.Lock()
	defer c.stopMu.Unlock()
	if c.why == nil {
		c.why = why
		c.journal.put(history.Event{Kind: history.Abort, Text: why.Error()})
	}
	c.cancel()
}

func (c *controller) aborted() error {
	c.stopMu.Lock()
	defer c.stopMu.Unlock()
	return c.why
}

// run is the whole of it. soft ends when the user asked to stop: what is broken is mended, drained and scanned before run returns.
func (c *controller) run(ctx, soft context.Context, s experiment.Schedule) (err error) {
	defer func() {
		if why := c.aborted(); why != nil {
			err = why
		}
	}()
	if c.job.Access != nil {
		err = c.phase(ctx, "connect", c.connect)
	} else {
		err = c.phase(ctx, "brokers up", c.startBrokers)
	}
	if err != nil {
		return err
	}
	defer c.leave()
	if err := c.phase(ctx, "queues", c.createQueues); err != nil {
		return err
	}
	if err := c.disks.settle(ctx); err != nil {
		return err
	}
	if err := c.phase(ctx, "clients up", c.startClients); err != nil {
		return err
	}
	go c.watchBrokers(ctx)
	go c.watchLeaders(ctx)
	go c.report(ctx)
	last := 0
	for _, e := range s.Episodes {
		if soft.Err() != nil {
			break
		}
		if err := c.runEpisode(ctx, soft, e); err != nil {
			return err
		}
		last = e.Number
	}
	if soft.Err() != nil {
		c.journal.put(history.Event{Kind: history.Abort, Reason: history.Interrupted, Text: fmt.Sprintf("interrupted after %d of %d episodes", last, len(s.Episodes))})
	}
	if err := c.finish(ctx, last+1); err != nil {
		return err
	}
	return c.journal.failed()
}

// phase records a step of the run and says so.
func (c *controller) phase(ctx context.Context, name string, do func(context.Context) error) error {
	c.tell(Progress{Phase: name})
	c.journal.put(history.Event{Kind: history.PhaseBegin, Name: name})
	err := do(ctx)
	c.journal.put(history.Event{Kind: history.PhaseEnd, Name: name})
	if err != nil {
		return fmt.Errorf("run: %s: %w", name, err)
	}
	return nil
}

// createQueues makes a queue for each lane, in parallel, and records the discard policies the broker reports for it.
func (c *controller) createQueues(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.exp.Limits.Start)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range c.lanes {
		g.Go(func() error {
			q := targets.Queue{Name: l.spec.Queue, Mode: l.spec.Mode.Name}
			if err := c.cluster.CreateQueue(ctx, q); err != nil {
				return fmt.Errorf("%s: %w", l.spec.Name, err)
			}
			reader, ok := c.cluster.(targets.PolicyReader)
			if !ok {
				return nil
			}
			policies, err := reader.Policies(ctx, q.Name)
			if err != nil {
				return fmt.Errorf("%s: policies: %w", l.spec.Name, err)
			}
			for _, p := range policies {
				c.journal.put(history.Event{Kind: history.Policy, Lane: uint32(l.index), Name: p.Name, Text: p.Value})
			}
			return nil
		})
	}
	return g.Wait()
}

// startClients makes a host for each client and starts it; then all producers start sending.
func (c *controller) startClients(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.exp.Limits.Start)
	defer cancel()
	if err := c.addClients(ctx); err != nil {
		return err
	}
	all := []*member{c.inspector}
	for _, l := range c.lanes {
		all = append(all, l.clients()...)
	}
	if err := start(ctx, all...); err != nil {
		return err
	}
	return c.orderClients(ctx, "resume")
}

// addClients makes the hosts of all workers, and starts the ledger, if there is one.
func (c *controller) addClients(ctx context.Context) error {
	ledger, err := c.startLedger(ctx)
	if err != nil {
		return err
	}
	var views []InspectorLane
	for _, l := range c.lanes {
		view := InspectorLane{Index: l.index, Lane: l.spec, Client: c.clientConfig(l, 0)}
		if l.spec.Mode.Traits.DedupEffect {
			view.Ledger = ledger
		}
		for i := range l.spec.Producers {
			m, err := c.addMember(ctx, c.clientHost(l, "p", i), "producer", "sends", l.index)
			if err != nil {
				return err
			}
			m.config.Client = c.clientConfig(l, i)
			l.producers = append(l.producers, m)
		}
		for i := range l.spec.Consumers {
			m, err := c.addMember(ctx, c.clientHost(l, "c", i), "consumer", "deliveries", l.index)
			if err != nil {
				return err
			}
			m.config.Client = c.clientConfig(l, i)
			m.config.Ledger = view.Ledger
			l.consumers = append(l.consumers, m)
			view.Effects = append(view.Effects, m.config.Dir)
		}
		views = append(views, view)
	}
	if c.inspector, err = c.addMember(ctx, c.seated("inspector"), "inspector", "", 0); err != nil {
		return err
	}
	c.inspector.config.Lanes = views
	return nil
}

// clientHost is the name of the host of a lane's client. Hosts that serve several runs, of one lane each, are not named after it.
func (c *controller) clientHost(l *lane, kind string, i int) string {
	if c.shared != "" {
		return c.seated("client") + fmt.Sprintf("-%s%d", kind, i+1)
	}
	return fmt.Sprintf("%s-%s%d", l.spec.Name, kind, i+1)
}

// seated is the name of a host that those who share the lab at once have one each of.
func (c *controller) seated(name string) string {
	if c.seat == 0 {
		return name
	}
	return fmt.Sprintf("%s%d", name, c.seat+1)
}

// start starts workers, a few at a time.
func start(ctx context.Context, ms ...*member) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	for _, m := range ms {
		g.Go(func() error { return m.start(ctx) })
	}
	return g.Wait()
}

// addMember makes the host of a worker, or takes the one of an earlier run in this lab.
func (c *controller) addMember(ctx context.Context, host, role, counted string, lane int) (*member, error) {
	h, err := c.place(ctx, host)
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(h.Dir(), c.shared)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("run: folder of %s: %w", host, err)
	}
	m := &member{c: c, host: h, role: role, lane: lane, counted: counted, config: WorkerConfig{
		Role: role, Run: c.exp.Run, Seed: c.exp.Seed, Index: lane, Slot: host, Target: c.exp.Target,
		Load: c.exp.Load, History: c.job.History(), Dir: dir, Counted: counted,
	}}
	if c.frames && counted != "" { // a client of a lane
		m.config.Frames = c.product.Protocol
	}
	if lane < len(c.exp.Lanes) {
		m.config.Lane = c.exp.Lanes[lane]
	}
	c.members[host] = m
	return m, nil
}

// place is a host that is up.
func (c *controller) place(ctx context.Context, name string) (*lab.Host, error) {
	h, known := c.lab.Host(name)
	switch {
	case !known:
		return c.lab.AddHost(ctx, name)
	case !h.Up():
		return h, h.Restart(ctx)
	}
	return h, nil
}

// transactionBatches is how many batches go into one transaction: its end costs several rounds through the cluster, which one batch does
// not pay for.
const transactionBatches = 4

// batchesOf is how many batches go into one transaction of a load.
func batchesOf(l experiment.Load) int { return cmp.Or(l.Commit, transactionBatches) }

func (c *controller) clientConfig(l *lane, member int) targets.ClientConfig {
	batch := c.exp.Load.Batch
	if l.spec.Mode.Traits.Transactional {
		batch *= batchesOf(c.exp.Load)
	}
	return targets.ClientConfig{Nodes: c.cluster.Nodes(), Queue: targets.Queue{Name: l.spec.Queue, Mode: l.spec.Mode.Name},
		Member: member, Batch: batch, Confirm: c.exp.Load.Confirm, Access: c.job.Access}
}

// orderClients gives all producers and consumers an order.
func (c *controller) orderClients(ctx context.Context, op string) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, l := range c.lanes {
		for _, m := range l.clients() {
			g.Go(func() error { return m.order(ctx, op, nil, nil) })
		}
	}
	return g.Wait()
}

// finish takes the last checkpoint and ends all workers and brokers in good order.
func (c *controller) finish(ctx context.Context, number int) error {
	if err := c.lastCheckpoint(ctx, number); err != nil {
		return err
	}
	err := c.phase(ctx, "clients down", c.stopClients)
	c.saveBrokers()
	return err
}

func (c *controller) lastCheckpoint(ctx context.Context, number int) error {
	c.episode.Store(int64(number))
	c.journal.put(history.Event{Kind: history.EpisodeBegin, Ref: uint64(number), Name: "final"})
	c.tell(Progress{Episode: number, Phase: "final drain and scan"})
	if err := c.checkpoint(ctx, number); err != nil {
		return err
	}
	c.journal.put(history.Event{Kind: history.EpisodeEnd, Ref: uint64(number)})
	return nil
}

func (c *controller) stopClients(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	for _, m := range c.members {
		g.Go(func() error { return m.stop(ctx) })
	}
	return g.Wait()
}

// saveBrokers keeps what the brokers printed; their data stays on their hosts' folders and goes with the lab's.
func (c *controller) saveBrokers() {
	for name, b := range c.brokers {
		to := filepath.Join(c.job.Dir, "brokers", name)
		if err := os.MkdirAll(to, 0o755); err != nil {
			c.tell(Progress{Warning: err.Error()})
			continue
		}
		logs, _ := filepath.Glob(filepath.Join(b.host.Dir(), "*.std*")) // the pattern is well formed
		for _, from := range logs {
			if err := os.Rename(from, filepath.Join(to, filepath.Base(from))); err != nil {
				c.tell(Progress{Warning: err.Error()})
			}
		}
	}
}
