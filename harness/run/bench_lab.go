package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/reexec"
	"waybill/targets"
)

// benchProgram is the name under which the binary is started inside a lab for benchmarks.
const benchProgram = "bench-controller"

func init() { reexec.Register(benchProgram, benchMain) }

// benchReady is the phase that is told when the brokers are up.
const benchReady = "brokers are up"

// benchOrder is one order to a lab for benchmarks, a JSON line.
type benchOrder struct {
	Replicates []ReplicateJob `json:"replicates,omitempty"` // one, or several that take turns
	Interrupt  bool           `json:"interrupt,omitempty"`  // end what is under way
	Close      bool           `json:"close,omitempty"`
}

// benchMain is the program inside the lab. Its exit code is 0 when it was told to close, and 4 when the brokers did not come up.
func benchMain([]string) int { return serveControl(directBench) }

// directBench brings the brokers up and carries out one replicate after another.
func directBench(in *bufio.Reader, tell func(Progress)) error {
	d := json.NewDecoder(in)
	var j BenchJob
	if err := d.Decode(&j); err != nil {
		return fmt.Errorf("run: read the job: %w", err)
	}
	target, ok := targets.Find(j.Experiment.Target)
	if !ok {
		return fmt.Errorf("run: no target %q in this binary", j.Experiment.Target)
	}
	l, err := lab.Open()
	if err != nil {
		return err
	}
	own := Job{Dir: j.Dir, Distribution: j.Distribution, Experiment: j.Experiment}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	b := &benchLab{c: &controller{job: own, exp: j.Experiment, lab: l, target: target, product: target.Describe(j.Experiment.Version), tell: tell,
		cancel: cancel, brokers: map[string]*broker{}, members: map[string]*member{}, configs: map[string]string{}}}
	err = b.up(ctx)
	if err == nil {
		tell(Progress{Phase: benchReady})
		err = b.serve(ctx, d)
		b.c.leave()
		b.c.saveBrokers()
	}
	return errors.Join(err, l.Close())
}

// benchLab is brokers, and hosts for clients, that serve one replicate after another.
type benchLab struct {
	c *controller // of the brokers alone: each replicate has one of its own
}

// up starts the brokers. That is recorded among the lab's folders, and no part of any replicate.
func (b *benchLab) up(ctx context.Context) error {
	var err error
	if b.c.journal, err = newJournal(b.c.job.Lab(), b.c.exp.Run); err != nil {
		return err
	}
	err = b.c.phase(ctx, "brokers up", b.c.startBrokers)
	return errors.Join(err, b.c.journal.close())
}

// serve carries out orders until it is told to close, or nobody is left to give any.
func (b *benchLab) serve(ctx context.Context, d *json.Decoder) error {
	jobs := make(chan []ReplicateJob)
	interrupts := make(chan struct{}, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		defer cancel()
		failed <- listen(ctx, d, jobs, interrupts)
	}()
	for {
		select {
		case <-ctx.Done():
			return <-failed
		case js := <-jobs:
			b.c.tell(Progress{Replicates: b.carryOut(ctx, js, interrupts)})
		}
	}
}

// listen hands orders on. It returns nil when it is told to close.
func listen(ctx context.Context, d *json.Decoder, jobs chan<- []ReplicateJob, interrupts chan struct{}) error {
	for {
		var o benchOrder
		if err := d.Decode(&o); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // our parent has ended; the lab's lifeline sees to the rest
			}
			return fmt.Errorf("run: read an order: %w", err)
		}
		switch {
		case o.Close:
			return nil
		case o.Interrupt:
			select {
			case interrupts <- struct{}{}:
			default:
			}
		case len(o.Replicates) > 0:
			select {
			case <-interrupts: // was meant for one that has ended
			default:
			}
			select {
			case jobs <- o.Replicates:
			case <-ctx.Done():
				return nil
			}
		}
	}
}

// carryOut carries replicates out, and leaves nothing of them but their run directories. One that fails takes those along that it takes turns with.
func (b *benchLab) carryOut(ctx context.Context, js []ReplicateJob, interrupts <-chan struct{}) []ReplicateEnd {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var rs []*replicate
	var err error
	for i, j := range js {
		if n := len(j.Experiment.Lanes); n != 1 {
			err = fmt.Errorf("run: a replicate has one lane, not %d", n)
			break
		}
		var journal *journal
		if journal, err = newJournal(j.History(), j.Experiment.Run); err != nil {
			break
		}
		rs = append(rs, b.replicate(j, i, journal, cancel))
	}
	if err == nil {
		err = b.watched(ctx, cancel, rs, interrupts)
	}
	ends := make([]ReplicateEnd, len(js))
	for i := range ends {
		ends[i].Error = "run: it was not begun"
	}
	for i, r := range rs {
		why := err
		if own := r.aborted(); own != nil {
			why = own
		}
		r.clear()
		ends[i] = r.ending(errors.Join(why, r.journal.close()))
	}
	return ends
}

// watched performs replicates until they end, are interrupted or cannot go on.
func (b *benchLab) watched(ctx context.Context, cancel context.CancelFunc, rs []*replicate, interrupts <-chan struct{}) (err error) {
	interrupted := false
	var watching sync.WaitGroup
	watching.Go(func() {
		select {
		case <-interrupts:
			interrupted = true
			cancel()
		case <-ctx.Done():
		}
	})
	for _, r := range rs {
		watching.Go(func() {
			heartbeat(ctx, r.journal.rec, func(gap time.Duration) { r.journal.starve(gap); r.stoodStill("the controller", gap) })
		})
		watching.Go(func() { r.watchBrokers(ctx) })
	}
	if len(rs) == 1 {
		err = rs[0].perform(ctx)
	} else {
		err = performTurns(ctx, rs)
	}
	cancel()
	watching.Wait()
	if interrupted {
		return errInterrupted
	}
	return err
}

// replicate makes the controller of one replicate: the brokers are the lab's, everything else is its own. Those that are carried out together
// have seats, from 0.
func (b *benchLab) replicate(j ReplicateJob, seat int, journal *journal, cancel context.CancelFunc) *replicate {
	r := &replicate{job: j, lane: &lane{spec: j.Experiment.Lanes[0]}, pass: b.c.tell}
	r.controller = &controller{job: Job{Dir: j.Dir, Distribution: b.c.job.Distribution, Experiment: j.Experiment}, exp: j.Experiment,
		lab: b.c.lab, target: b.c.target, product: b.c.product, cluster: b.c.cluster, journal: journal, tell: r.hear, cancel: cancel,
		brokers: map[string]*broker{}, members: map[string]*member{}, configs: b.c.configs, shared: filepath.Join("runs", j.Experiment.Run), seat: seat,
		lanes: []*lane{r.lane}}
	r.lives.Store(uint32(controllerLife))
	for name, had := range b.c.brokers {
		own := &broker{host: had.host, role: had.role}
		r.brokers[name] = own
		r.brokerStarts(own)
		if text, ok := r.configs[name]; ok {
			journal.put(history.Event{Kind: history.BrokerConfig, Name: name, Text: text})
		}
	}
	return r
}
