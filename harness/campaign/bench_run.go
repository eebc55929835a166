package campaign

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/bench/publish"
)

// BenchListener is told what happens in a benchmark. Calls never overlap.
type BenchListener interface {
	Planned(b *Bench, d bench.Dir)
	Said(line string) // something that stays
	Began(s Step)
	Told(p run.Progress) // by the lab, of the step under way
	Measured(r bench.Replicate)
}

// Step is one replicate, or the search for a mode's rate, as it begins.
type Step struct {
	Target string
	Arm    string // or the mode, of a search
	Block  int    // from 1; 0: a search
	Blocks int
	Place  int // among the block's arms of this target, from 1
	Places int
	Left   time.Duration // about, until the last replicate has ended; 0: not known
}

// BenchOptions say where a benchmark goes and who is told of it.
type BenchOptions struct {
	Out      string   // folder that the folder of benchmarks is in
	Command  []string // that repeats it
	Keep     bool     // histories of all replicates; else those of what was not kept
	Tested   []string // run directories of tests under faults; nil: the newest of each target and version below Out
	Baseline *Baseline
	Listener BenchListener
	Stop     <-chan struct{} // begins nothing new
	Kill     <-chan struct{} // ends everything at once
}

// BenchEnd is what came of a benchmark.
type BenchEnd struct {
	Dir        bench.Dir
	Replicates []bench.Replicate
	Summary    bench.Summary
	Tested     []bench.Tested   // tests under faults that its marks are made of, too
	Result     semantics.Result // the worst of the replicates
	Against    *publish.Against // nil: without a baseline
	CutShort   bool             // it was asked to end before its time
	Warning    error            // what could not be drawn or written; the figures stand
}

// benching is a benchmark under way.
type benching struct {
	b    *Bench
	o    BenchOptions
	dir  bench.Dir
	told sync.Mutex // the listener's
	took map[string]spent
	runs []bench.Replicate

	rates   map[string]float64 // by mode and profile, of the target under way: messages a second that the search found
	floods  map[string]float64 // the same: the most that came through since, when no less was offered
	seen    map[string]float64 // the same, in the block under way
	tools   map[string]float64 // the same: messages a second that the product's own tool published
	failing map[string]int     // by arm: failures in a row
	labs    map[string]laboratory
	null    *null

	mu     sync.Mutex
	open   []laboratory // to be killed
	failed error        // the first thing that kept a target from being measured
}

// spent is how long replicates of an arm took.
type spent struct {
	n   int
	all time.Duration
}

// failuresInARow end an arm.
const failuresInARow = 3

// Run carries the benchmark out, target after target, and publishes what there is. An error means that some target could not be measured, and
// wraps ErrRun; what was measured is published all the same. Before Run, Provision must have succeeded.
func (b *Bench) Run(ctx context.Context, o BenchOptions) (BenchEnd, error) {
	started := time.Now()
	b.separate()
	dir, err := bench.NewDir(o.Out, started, b.Plan.Seed)
	if err != nil {
		return BenchEnd{}, err
	}
	m := results.NewManifest(b.Plan.Seed, o.Command, started)
	m.Facts = map[string]string{}
	for _, p := range b.products {
		m.Target, m.Version = join(m.Target, p.description.Name), join(m.Version, p.description.Version)
		maps.Copy(m.Facts, p.distribution.Facts)
		if p.tool != nil {
			m.Facts["tool of "+p.description.Name] = p.tool.Name + " " + p.tool.Version
		}
	}
	if err := errors.Join(dir.SavePlan(b.Plan), results.Dir(dir).SaveManifest(m)); err != nil {
		return BenchEnd{}, err
	}
	c := b.begin(dir, o)
	o.Listener.Planned(b, dir)
	for _, n := range b.Plan.Notes {
		c.say("! %s", n)
	}
	ctx, release := c.killable(ctx)
	defer release()
	c.all(ctx)
	m.Ended = time.Now().UTC()
	end := BenchEnd{Dir: dir, Replicates: c.runs, Result: worst(c.runs), CutShort: c.stopped() || ctx.Err() != nil}
	end.Warning = results.Dir(dir).SaveManifest(m)
	var comparing, publishing error
	end.Against, comparing = o.Baseline.compare(dir, m)
	end.Summary, publishing = PublishBench(dir, o.Out, o.Tested, end.Against)
	var reading error
	end.Tested, reading = dir.LoadTested()
	end.Warning = errors.Join(end.Warning, comparing, publishing, reading)
	return end, c.failed
}

func (b *Bench) begin(dir bench.Dir, o BenchOptions) *benching {
	return &benching{b: b, o: o, dir: dir, took: map[string]spent{}, failing: map[string]int{}, labs: map[string]laboratory{}, null: &null{spec: b.Spec}}
}

func join(a, b string) string {
	if a == "" {
		return b
	}
	return a + ", " + b
}

// separate decides which targets have their profiles' labs up one after another, for want of memory.
func (b *Bench) separate() {
	available := availableMemory()
	for _, p := range b.products {
		if p.target == nil || len(p.profiles()) < 2 || p.fitTogether(available) {
			continue
		}
		p.apart = true
		b.note("the profiles of %s do not fit into %.1f GiB of free memory together: the blocks of each were run by themselves, and its modes of different profiles were not interleaved",
			p.description.Title, float64(available)/(1<<30))
	}
	b.plan()
}

// killable is a context that ends when the benchmark is killed, with every lab.
func (c *benching) killable(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-ctx.Done():
		case <-c.o.Kill:
			cancel()
			c.mu.Lock()
			defer c.mu.Unlock()
			for _, l := range c.open {
				l.kill()
			}
		}
	}()
	return ctx, cancel
}

func (c *benching) stopped() bool {
	select {
	case <-c.o.Stop:
		return true
	case <-c.o.Kill:
		return true
	default:
		return false
	}
}

// say tells something that stays.
func (c *benching) say(format string, args ...any) {
	c.told.Lock()
	defer c.told.Unlock()
	c.o.Listener.Said(fmt.Sprintf(format, args...))
}

// all goes from target to target.
func (c *benching) all(ctx context.Context) {
	if c.b.Spec.Has(experiment.Ceiling) {
		c.blocks(ctx, nil, func(a bench.Arm) bool { return a.Phase == bench.PhaseCeiling })
	}
	for _, p := range c.b.products {
		groups := [][]string{p.profiles()}
		if p.apart {
			groups = groups[:0]
			for _, name := range p.profiles() {
				groups = append(groups, []string{name})
			}
		}
		for _, profiles := range groups {
			if c.stopped() || ctx.Err() != nil {
				return
			}
			if err := c.group(ctx, p, profiles); err != nil {
				c.failed = errors.Join(c.failed, err)
				c.say("! %s could not be measured any further: %v", p.description.Title, err)
			}
		}
	}
}

// group measures what a target has in profiles whose labs are up together.
func (c *benching) group(ctx context.Context, p *product, profiles []string) (err error) {
	defer func() {
		if closing := c.closeLabs(); err == nil && ctx.Err() == nil {
			err = closing
		}
		if ctx.Err() != nil {
			err = nil // it was ended on purpose
		}
	}()
	for _, name := range profiles {
		if _, err := c.lab(ctx, p, name); err != nil {
			return err
		}
	}
	in := func(profile string) bool { return slices.Contains(profiles, profile) }
	if err := c.search(ctx, p, in); err != nil {
		return err
	}
	if err := c.tryTools(ctx, p, in); err != nil {
		return err
	}
	return c.blocks(ctx, p, func(a bench.Arm) bool {
		return a.Target == p.description.Name && a.Phase != bench.PhaseCeiling && in(a.Profile)
	})
}

// blocks runs the arms that mine says, block by block in the plan's order. A nil product stands for the null target's ceiling.
func (c *benching) blocks(ctx context.Context, p *product, mine func(bench.Arm) bool) error {
	for block, order := range c.b.Plan.Order {
		c.learn()
		var arms []bench.Arm
		var places []int
		for i, name := range order {
			if a := c.b.arm(name); mine(a) {
				arms, places = append(arms, a), append(places, i+1)
			}
		}
		for i, n := 0, 0; i < len(arms); i += n {
			n = together(arms[i:])
			if c.stopped() || ctx.Err() != nil {
				return nil
			}
			if slices.ContainsFunc(arms[i:i+n], func(a bench.Arm) bool { return c.failing[a.Name] >= failuresInARow }) {
				continue
			}
			c.began(Step{Target: arms[i].Target, Arm: cmp.Or(arms[i].Turns, arms[i].Name), Block: block + 1, Blocks: c.b.Plan.Blocks, Place: i + 1, Places: len(arms)})
			if err := c.once(ctx, p, arms[i:i+n], block+1, places[i:i+n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// together is how many of the first arms take turns; 1: the first one has none to share.
func together(arms []bench.Arm) int {
	n := 1
	for n < len(arms) && arms[0].Turns != "" && arms[n].Turns == arms[0].Turns {
		n++
	}
	return n
}

func (c *benching) began(s Step) {
	s.Left = c.left()
	c.told.Lock()
	defer c.told.Unlock()
	c.o.Listener.Began(s)
}

// left is about how long what is planned still takes, by what each arm took so far; what has not been run takes what was expected of it,
// as much longer or shorter as the others did; of brokers nothing follows from how long it takes without any.
func (c *benching) left() (d time.Duration) {
	took, expected := map[bool]time.Duration{}, map[bool]time.Duration{} // with a broker, and without
	for _, a := range c.b.Plan.Arms {
		x, broker := c.took[a.Name], a.Target != experiment.Null
		took[broker] += x.all
		expected[broker] += time.Duration(x.n) * c.b.each(a)
	}
	for _, a := range c.b.Plan.Arms {
		x, broker := c.took[a.Name], a.Target != experiment.Null
		each := float64(c.b.each(a))
		switch {
		case x.n > 0:
			each = float64(x.all) / float64(x.n)
		case expected[broker] > 0:
			each *= float64(took[broker]) / float64(expected[broker])
		}
		if c.failing[a.Name] < failuresInARow {
			d += time.Duration(float64(c.b.Plan.Blocks-x.n) * each)
		}
	}
	return d
}

// lab is the laboratory of a profile. It is opened when it is not there, or is no more.
func (c *benching) lab(ctx context.Context, p *product, profile string) (laboratory, error) {
	if p == nil || p.target == nil {
		return c.null, nil
	}
	if l := c.labs[profile]; l != nil {
		return l, nil
	}
	c.say("starting the brokers of %s, profile %s", p.description.Title, profile)
	l, err := c.b.open(ctx, p, c.b.Spec, profile, c.dir.Path("labs", p.description.Name+"-"+profile), func(x run.Progress) {
		c.told.Lock()
		defer c.told.Unlock()
		c.o.Listener.Told(x)
	})
	if err != nil {
		return nil, err
	}
	c.labs[profile] = l
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = append(c.open, l)
	if ctx.Err() != nil {
		l.kill() // it was killed while the brokers came up
	}
	return l, nil
}

// drop gives a laboratory up that is no more.
func (c *benching) drop(profile string) {
	if l := c.labs[profile]; l != nil {
		_ = l.close() // how it ended has been said
		delete(c.labs, profile)
	}
}

func (c *benching) closeLabs() (err error) {
	for _, profile := range slices.Sorted(maps.Keys(c.labs)) {
		err = errors.Join(err, c.labs[profile].close())
	}
	clear(c.labs)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open = nil
	if err != nil {
		return fmt.Errorf("%w: %w", ErrRun, err)
	}
	return nil
}
