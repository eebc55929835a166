package campaign

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/targets"
	"waybill/workloads/ceiling"
)

// Modes of the null target.
const (
	nullPlain   = "plain"
	nullBatched = "batched" // messages are handed over many at once
	nullSlowed  = "slowed"  // as plain, on a broker that is slow on purpose
)

// What replicates of the null target take: it has no connections to warm up, and a second of it is millions of messages.
const (
	nullWarm    = 200 * time.Millisecond
	nullMeasure = 500 * time.Millisecond
)

// nullDescription is what the null target would say of itself if it were one.
func nullDescription(s experiment.BenchSpec) targets.Description {
	d := targets.Description{Name: experiment.Null, Title: "null target", Version: run.Version, Profiles: []targets.Profile{{Name: experiment.Null}}}
	names := []string{nullPlain}
	if s.Plant.Slow > 0 {
		names = append(names, nullSlowed)
	}
	for _, name := range names {
		d.Modes = append(d.Modes, semantics.Mode{Name: name, Profile: experiment.Null, Summary: "no broker: producer and consumer of the harness in one process"})
	}
	return d
}

// nullArm is an arm of the null target.
func nullArm(s experiment.BenchSpec, mode string, x bench.Arm) bench.Arm {
	x.Name = experiment.Null + "/" + mode + x.Name
	x.Target, x.Profile, x.Mode = experiment.Null, experiment.Null, mode
	x.Window, x.Batch, x.Size, x.Producers, x.Consumers = s.Load.Window, s.Load.Batch, s.Load.Size, 1, 1
	return x
}

// ceilingArms show what the harness can do at most, in the blocks of whatever else is measured.
func ceilingArms(s experiment.BenchSpec) (arms []bench.Arm) {
	for _, mode := range []string{nullPlain, nullBatched} {
		a := nullArm(s, mode, bench.Arm{Name: " ceiling", Phase: bench.PhaseCeiling, Kind: bench.Audited})
		a.Window, a.Batch = ceiling.DefaultWindow, ceiling.DefaultBatch
		arms = append(arms, a)
	}
	return arms
}

// nullArms are the arms of a benchmark of the null target itself: of the method, on something whose answer is known.
func nullArms(s experiment.BenchSpec) (arms []bench.Arm) {
	add := func(mode string, x bench.Arm) { arms = append(arms, nullArm(s, mode, x)) }
	if s.Has(experiment.Saturation) {
		add(nullPlain, bench.Arm{Phase: bench.PhaseSaturation, Kind: bench.Audited})
		add(nullPlain, bench.Arm{Name: " again", Phase: bench.PhaseSaturation, Kind: bench.Again, Of: experiment.Null + "/" + nullPlain})
		if s.Plant.Slow > 0 {
			add(nullSlowed, bench.Arm{Phase: bench.PhaseSaturation, Kind: bench.Audited})
		}
	}
	if s.Has(experiment.Latency) {
		for _, share := range s.Shares {
			add(nullPlain, bench.Arm{Name: fmt.Sprintf(" at %.4g%%", 100*share), Phase: bench.PhaseLatency, Kind: bench.Audited, Share: share})
		}
	}
	if s.Has(experiment.Windows) {
		for _, w := range s.Windows {
			add(nullPlain, bench.Arm{Name: fmt.Sprintf(" window %d", w), Phase: bench.PhaseWindow, Kind: bench.Audited, Window: w})
		}
	}
	return arms
}

// null carries replicates out in this process.
type null struct {
	spec  experiment.BenchSpec
	plain float64 // messages a second of the mode plain, as the search found them
}

// times are how long a replicate warms up and is measured.
func (n *null) times(a bench.Arm) (warm, measure time.Duration) {
	warm, measure = min(n.spec.Warm, nullWarm), n.spec.Measure
	if a.Phase == bench.PhaseCeiling {
		measure = min(measure, nullMeasure)
	}
	return warm, measure
}

// replicates implements laboratory: one after another. What they run is in their run directories' experiment.yaml.
func (n *null) replicates(ctx context.Context, arms []bench.Arm, js []run.ReplicateJob) ([]run.ReplicateEnd, error) {
	return oneByOne(ctx, arms, js, n.replicate)
}

func oneByOne(ctx context.Context, arms []bench.Arm, js []run.ReplicateJob, each func(context.Context, bench.Arm, run.ReplicateJob) (run.ReplicateEnd, error)) ([]run.ReplicateEnd, error) {
	ends := make([]run.ReplicateEnd, len(arms))
	for i := range arms {
		var err error
		if ends[i], err = each(ctx, arms[i], js[i]); err != nil {
			return ends, err
		}
	}
	return ends, nil
}

func (n *null) replicate(ctx context.Context, a bench.Arm, j run.ReplicateJob) (run.ReplicateEnd, error) {
	warm, measure := n.times(a)
	c := ceiling.Config{Dir: j.Dir, Run: j.Experiment.Run, Seed: j.Experiment.Seed, Window: a.Window, Batch: a.Batch, Size: a.Size,
		Batched: a.Mode == nullBatched, Record: j.Experiment.Load.Record, Warm: warm, Measure: measure, Bin: binOf(measure)}
	if !j.Experiment.Load.Flood && j.Search == nil { // the search is a flood: there is nothing to be found by trial
		c.Rate = j.Experiment.Load.Rate
	}
	if a.Mode == nullSlowed && n.plain > 0 {
		// A message that took t takes t/(1-s): then the throughput is 1-s of what it was.
		c.Slow = time.Duration(n.spec.Plant.Slow / (1 - n.spec.Plant.Slow) / n.plain * float64(time.Second))
	}
	if a.Phase == bench.PhaseLatency && n.spec.Plant.Pause > 0 {
		c.Pauses = []ceiling.Pause{{At: warm + (measure-n.spec.Plant.Pause)/2, Length: n.spec.Plant.Pause}}
	}
	// Processor time is counted of the whole process: nothing else shall have a part in it.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	r, err := ceiling.Run(ctx, c)
	if err != nil {
		return run.ReplicateEnd{Error: err.Error()}, ctx.Err()
	}
	end := run.ReplicateEnd{Bin: r.Bin, From: r.From, To: r.To, FromTick: r.FromTick, ToTick: r.ToTick, Settled: true,
		Sent: r.Sent, Acked: r.Acked, Applied: r.Applied, Clients: r.CPU.Seconds()}
	if j.Search != nil {
		end.Probes = []run.Probe{{Offered: r.Rate(), Applied: r.Rate(), Sustained: true}}
		n.plain = r.Rate()
	}
	return end, results.Dir(j.Dir).SaveExperiment(r.Experiment)
}

// binOf is the width of a series' bins: a hundred of them, or as many as there are of the usual width.
func binOf(measure time.Duration) time.Duration {
	return min(ceiling.DefaultBin, max(time.Millisecond, measure/100))
}

func (*null) close() error { return nil }
func (*null) kill()        {}

// NullBench carries a benchmark of the null target out below a folder, tells nobody, and returns what the statistics are made of.
func NullBench(ctx context.Context, s experiment.BenchSpec, out string) (bench.Plan, []bench.Replicate, error) {
	s.Targets = []string{experiment.Null}
	b, err := NewBench(s)
	if err != nil {
		return bench.Plan{}, nil, err
	}
	end, err := b.Run(ctx, BenchOptions{Out: out, Listener: nobody{}})
	return b.Plan, end.Replicates, errors.Join(err, end.Warning, ctx.Err())
}

// nobody is told nothing.
type nobody struct{}

func (nobody) Planned(*Bench, bench.Dir) {}
func (nobody) Said(string)               {}
func (nobody) Began(Step)                {}
func (nobody) Told(run.Progress)         {}
func (nobody) Measured(bench.Replicate)  {}
