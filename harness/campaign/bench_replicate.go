package campaign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/targets"
)

const (
	// above is how much more than the most that the search saw go through is offered to show how much does.
	above = 1.1
	// burstWithin is how long messages may wait to be sent back to back, in seconds: less than timers can be trusted with.
	burstWithin = 1e-4
	// searchFrom is the first rate that a search offers, at least, in messages a second.
	searchFrom  = 2000
	searchStep  = 2 * time.Second
	searchTries = 20
)

func rateKey(mode, profile string) string { return mode + "@" + profile }

// search finds the largest sustained rate of every mode. A mode of which none is found is told, and its arms that need one fail.
func (c *benching) search(ctx context.Context, p *product, in func(profile string) bool) error {
	c.rates, c.floods, c.seen = map[string]float64{}, map[string]float64{}, map[string]float64{}
	for _, m := range p.modes {
		if c.stopped() || ctx.Err() != nil {
			return nil
		}
		if !in(m.Profile) || p.target == nil && m.Name != nullPlain {
			continue
		}
		a := bench.Arm{Name: p.description.Name + "/" + m.Name, Kind: bench.Audited, Phase: bench.PhaseSaturation, Target: p.description.Name, Profile: m.Profile, Mode: m.Name,
			Window: c.b.Spec.Load.Window, Batch: c.b.Spec.Load.Batch, Size: c.b.Spec.Load.Size, Producers: c.b.Spec.Load.Producers, Consumers: c.b.Spec.Load.Consumers}
		c.began(Step{Target: a.Target, Arm: a.Name})
		s := &run.Search{From: searchFrom, Step: searchStep, Tries: searchTries}
		var w carried
		for attempt := 0; attempt < 2; attempt++ {
			ws, err := c.carry(ctx, p, []bench.Arm{a}, s)
			if err != nil {
				return err
			}
			if w = ws[0]; w.end.Error == "" || ctx.Err() != nil {
				break
			}
		}
		rate, key := w.end.Sustained(), rateKey(m.Name, m.Profile)
		var probes []bench.Probe
		most := 0.0
		for _, probe := range w.end.Probes {
			probes, most = append(probes, bench.Probe(probe)), max(most, probe.Applied)
			if probe.Flood {
				c.floods[key] = probe.Applied // the last: the first was cold
			}
		}
		if rate == 0 {
			rate = most
		}
		if rate == 0 {
			c.say("! no rate was found that %s sustains: %s", a.Name, firstOf(w.end.Error, "it applied nothing"))
		} else if p.target != nil {
			c.say("%s sustains %.0f messages a second", a.Name, rate)
		}
		c.rates[key] = rate
		r := bench.Replicate{Arm: a.Name, Run: w.run, Started: w.started, Offered: rate, Goodput: rate, Trouble: w.end.Trouble, Failed: w.end.Error, Probes: probes}
		if err := errors.Join(c.dir.Append(r), os.RemoveAll(c.dir.Run(w.run))); err != nil {
			return err
		}
	}
	return nil
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// carried is what was carried out of a replicate.
type carried struct {
	run      string
	started  time.Time
	exp      experiment.Experiment
	manifest results.Manifest
	end      run.ReplicateEnd
}

// carry carries one replicate out, or several that take turns, each in a run directory of its own. An error means that no lab can be had any
// more, or that ctx ended.
func (c *benching) carry(ctx context.Context, p *product, arms []bench.Arm, search *run.Search) ([]carried, error) {
	ws := make([]carried, len(arms))
	js := make([]run.ReplicateJob, len(arms))
	fail := func(err error) {
		for i := range ws {
			ws[i].end.Error = err.Error()
		}
	}
	for i := range ws {
		ws[i].run, ws[i].started = newRun(), time.Now().UTC()
	}
	for i, a := range arms {
		w := &ws[i]
		load, err := c.load(a)
		if err != nil {
			fail(err)
			return ws, nil
		}
		if search != nil {
			load.Rate, load.Flood = search.From, false
		}
		w.exp = c.experiment(p, a, load, w.run)
		if js[i], err = c.job(p, a, w); err != nil {
			return ws, err
		}
		js[i].Search = search
	}
	l, err := c.lab(ctx, p, arms[0].Profile)
	if err != nil {
		return ws, err
	}
	ends, err := l.replicates(ctx, arms, js)
	for i := range ends {
		ws[i].end = ends[i]
	}
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return ws, err
	default:
		c.drop(arms[0].Profile) // the next one opens another
		fail(err)
	}
	for i := range ws {
		if err := ws[i].ended(js[i]); err != nil {
			return ws, err
		}
	}
	return ws, nil
}

// job makes the run directory of a replicate, and says what is to be done in it.
func (c *benching) job(p *product, a bench.Arm, w *carried) (run.ReplicateJob, error) {
	abs, err := filepath.Abs(c.dir.Run(w.run))
	if err != nil {
		return run.ReplicateJob{}, fmt.Errorf("campaign: %w", err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return run.ReplicateJob{}, fmt.Errorf("campaign: %w", err)
	}
	d := results.Dir(abs)
	w.manifest = results.NewManifest(w.exp.Seed, c.o.Command, w.started)
	w.manifest.Target, w.manifest.Version = w.exp.Target, w.exp.Version
	j := run.ReplicateJob{Dir: abs, Experiment: w.exp, Warm: c.b.Plan.Warm, Measure: c.b.Plan.Measure, Late: a.PublishOnly}
	if a.Kind == bench.Rival {
		j.Tool = p.tool
		j.Messages = c.toolMessages(a)
	}
	return j, errors.Join(d.SaveExperiment(w.exp), d.SaveSchedule(experiment.Schedule{Episodes: []experiment.Episode{}}), d.SaveManifest(w.manifest))
}

// ended writes down when a replicate ended.
func (w *carried) ended(j run.ReplicateJob) error {
	w.manifest.Ended = time.Now().UTC()
	return results.Dir(j.Dir).SaveManifest(w.manifest)
}

// experiment is a replicate as a run has it.
func (c *benching) experiment(p *product, a bench.Arm, load experiment.Load, name string) experiment.Experiment {
	if p == nil {
		return experiment.Experiment{Run: name, Target: a.Target, Profile: a.Profile, Seed: c.b.Plan.Seed, Load: load}
	}
	s := c.b.Spec
	return s.Replicate(p.known, p.mode(a), load, name)
}

// load is what the clients of an arm do. It fails where the search found nothing.
func (c *benching) load(a bench.Arm) (experiment.Load, error) {
	l := experiment.Load{Size: a.Size, Batch: a.Batch, Window: a.Window, Whole: a.Whole, Commit: a.Commit, Burst: 1}
	switch a.Kind {
	case bench.Unaudited:
		l.Record = experiment.NoEvents
	case bench.Bare:
		l.Record = experiment.NoTokens
	}
	offered, flood := offer(a)
	if flood {
		l.Flood, l.Rate = true, 1
		return l, nil
	}
	rate, searched := c.rates[rateKey(a.Mode, a.Profile)]
	if searched && rate == 0 {
		return l, fmt.Errorf("campaign: no rate was found that %s sustains, so that no share of it can be offered", a.Mode)
	}
	if a.Share == 0 { // a search that met a bad moment must not be what bounds every block
		rate = max(rate, c.floods[rateKey(a.Mode, a.Profile)])
	}
	l.Rate = offered * rate
	l.Burst = max(1, min(a.Window, int(l.Rate/float64(a.Producers)*burstWithin)))
	return l, nil
}

// notice remembers how much came through in an arm that offers all that does.
func (c *benching) notice(a bench.Arm, r bench.Replicate) {
	if a.Phase == bench.PhaseSaturation && r.Failed == "" && c.seen != nil {
		key := rateKey(a.Mode, a.Profile)
		c.seen[key] = max(c.seen[key], r.Goodput)
	}
}

// learn lets the next block offer more than the search found, where more came through in the last one. Within a block every run of a mode
// is offered the same.
func (c *benching) learn() {
	for key, rate := range c.seen {
		c.floods[key] = max(c.floods[key], rate)
	}
	clear(c.seen)
}

// offer is how much of a mode's sustained rate an arm offers, or that it floods.
func offer(a bench.Arm) (share float64, flood bool) {
	switch {
	case a.Share > 0:
		return a.Share, false
	case a.Phase == bench.PhaseSaturation && a.Target != experiment.Null:
		return above, false
	}
	return 0, true
}

// once runs arms once in a block, one or several that take turns, twice if one of them fails, and notes what came of them.
func (c *benching) once(ctx context.Context, p *product, arms []bench.Arm, block int, places []int) error {
	began := time.Now()
	rs := make([]bench.Replicate, len(arms))
	for attempt := 0; attempt < 2; attempt++ {
		ws, err := c.carry(ctx, p, arms, nil)
		if err != nil {
			return err
		}
		failed := false
		for i, a := range arms {
			again := rs[i].Failed
			rs[i] = c.replicate(ctx, p, a, ws[i])
			r := &rs[i]
			r.Block, r.Place = block, places[i]
			if again != "" {
				r.Trouble = append(r.Trouble, "it failed before: "+again)
			}
			if err := c.thin(*r); err != nil {
				return err
			}
			failed = failed || r.Failed != ""
		}
		if ctx.Err() != nil {
			return nil // what was killed says nothing
		}
		if !failed {
			break
		}
		for i, a := range arms {
			if rs[i].Failed != "" {
				c.say("! %s: %s", a.Name, rs[i].Failed)
			}
		}
	}
	for i, a := range arms {
		if err := c.note(a, rs[i], time.Since(began)/time.Duration(len(arms))); err != nil {
			return err
		}
	}
	return nil
}

// note writes a replicate down and tells it.
func (c *benching) note(a bench.Arm, r bench.Replicate, took time.Duration) error {
	if err := c.dir.Append(r); err != nil {
		return err
	}
	c.runs = append(c.runs, r)
	c.notice(a, r)
	x := c.took[a.Name]
	c.took[a.Name] = spent{x.n + 1, x.all + took}
	if r.Failed != "" {
		if c.failing[a.Name]++; c.failing[a.Name] == failuresInARow {
			c.say("! %s failed %d times in a row, and is not tried again", a.Name, failuresInARow)
		}
	} else {
		c.failing[a.Name] = 0
	}
	c.told.Lock()
	defer c.told.Unlock()
	c.o.Listener.Measured(r)
	return nil
}

// replicate is what is to be said of what was carried out: its rates, and, where it can be audited, its verdict and latencies.
func (c *benching) replicate(ctx context.Context, p *product, a bench.Arm, w carried) bench.Replicate {
	e := w.end
	r := bench.Replicate{Arm: a.Name, Run: w.run, Started: w.started, Settled: e.Settled, Trouble: e.Trouble, Failed: e.Error,
		CPU: bench.CPU{Clients: e.Clients, Brokers: e.Brokers}, Output: e.Tool}
	if !w.exp.Load.Flood && a.Kind != bench.Rival {
		r.Offered = w.exp.Load.Rate
	}
	if e.Error != "" {
		return r
	}
	r.Series = bench.Series{Bin: e.Bin, From: e.From, To: e.To, Sent: e.Sent, Acked: e.Acked, Applied: e.Applied}
	r.Sent, r.Acked = r.Series.Rate(e.Sent), r.Series.Rate(e.Acked)
	if a.Kind == bench.Rival {
		var err error
		if r.Goodput, err = p.target.(targets.Rival).ToolRate(e.Tool); err != nil {
			r.Failed = err.Error()
		}
		return r
	}
	// Where nothing is applied while it is measured, what was confirmed counts, or what was sent where nothing is.
	switch confirms := p != nil && p.target != nil && p.mode(a).Traits.Confirms; {
	case !a.PublishOnly:
		r.Goodput = r.Series.Rate(e.Applied)
	case confirms:
		r.Goodput = r.Acked
	default:
		r.Goodput = r.Sent
	}
	if a.Kind != bench.Audited && a.Kind != bench.Again {
		return r
	}
	d := results.Dir(c.dir.Run(w.run))
	v, err := Judge(ctx, d)
	if err == nil {
		r.Verdict, r.Counts = audited(v), counts(v)
		err = d.SaveVerdict(v)
	}
	if err == nil {
		err = measured(ctx, d, w, a, &r)
	}
	if err != nil {
		r.Failed = "it could not be audited: " + err.Error()
	}
	return r
}

// thin removes of a replicate's run directory what nobody needs: all of it, unless it says something that its line does not.
func (c *benching) thin(r bench.Replicate) error {
	d := results.Dir(c.dir.Run(r.Run))
	kept := r.Verdict.Result
	if r.Failed != "" || kept == semantics.Broken || kept == semantics.Inconclusive || c.o.Keep {
		return nil
	}
	if err := os.RemoveAll(string(d)); err != nil {
		return fmt.Errorf("campaign: %w", err)
	}
	return nil
}
