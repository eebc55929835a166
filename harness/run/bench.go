package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"waybill/harness/lab"
)

// ErrBenchOver says that a lab for benchmarks has ended, and why.
var ErrBenchOver = errors.New("run: the lab for benchmarks has ended")

const (
	// interruptWithin is how long a replicate that is told to end may take for it: its clients to stop, and its queue to be deleted.
	interruptWithin = 30 * time.Second
	// closeWithin is how long the brokers' end may take.
	closeWithin = 20 * time.Second
)

// Bench is a lab for benchmarks, seen from outside. Its methods may be called from any goroutine.
type Bench struct {
	job     BenchJob
	running *Running
	told    chan Progress
	ended   chan []ReplicateEnd
	ready   chan struct{} // closed when the brokers are up
	closing chan struct{} // closed when nobody needs to hear any more
	over    chan struct{} // closed when nothing of the lab is left

	quiet sync.Once
	turn  chan struct{} // held by Replicates

	// Valid after over.
	code int
	err  error
}

// StartBench starts a lab with brokers in it, and returns while they come up: Ready and Replicate wait for them. What an earlier lab left in
// the same folder is removed. The caller must read Progress until it is closed, and call Close in the end.
func StartBench(j BenchJob) (*Bench, error) {
	if err := os.RemoveAll(j.Lab()); err != nil { // brokers must not find what others left
		return nil, fmt.Errorf("run: %w", err)
	}
	r, err := enter(lab.Spec{Dir: j.Lab(), Program: benchProgram, FastHeal: j.Experiment.FastHeal, Overlay: j.Distribution.Overlay}, j)
	if err != nil {
		return nil, err
	}
	b := &Bench{job: j, running: r, told: make(chan Progress), ended: make(chan []ReplicateEnd, 1),
		ready: make(chan struct{}), closing: make(chan struct{}), over: make(chan struct{}), turn: make(chan struct{}, 1)}
	go b.listen()
	return b, nil
}

func (b *Bench) listen() {
	defer close(b.told)
	var last Progress
	for p := range b.running.Progress() {
		switch {
		case p.Replicates != nil:
			b.ended <- p.Replicates // they were asked for, and their end is waited for
			continue
		case p.Phase == benchReady:
			close(b.ready)
		}
		last = p
		select {
		case b.told <- p:
		case <-b.closing:
		}
	}
	b.code, b.err = b.running.end()
	switch {
	case b.err != nil:
	case last.Error != "":
		b.err = errors.New(last.Error)
	case b.code != 0:
		b.err = fmt.Errorf("the controller ended with code %d", b.code)
	}
	close(b.over)
}

// Progress is closed when the lab has ended. What is told after Close was called may be left out.
func (b *Bench) Progress() <-chan Progress { return b.told }

// Ready waits until the brokers are up. An error wraps ErrBenchOver, or ctx's.
func (b *Bench) Ready(ctx context.Context) error {
	select {
	case <-b.ready:
		return nil
	case <-b.over:
		return b.gone()
	case <-ctx.Done():
		return fmt.Errorf("run: wait for brokers: %w", ctx.Err())
	}
}

func (b *Bench) gone() error {
	if b.err == nil {
		return fmt.Errorf("%w: it was closed", ErrBenchOver)
	}
	return fmt.Errorf("%w: %w", ErrBenchOver, b.err)
}

// Replicate carries one replicate out, after any that is under way: see Replicates.
func (b *Bench) Replicate(ctx context.Context, j ReplicateJob) (ReplicateEnd, error) {
	ends, err := b.Replicates(ctx, []ReplicateJob{j})
	if len(ends) == 0 {
		return ReplicateEnd{}, err
	}
	return ends[0], err
}

// Replicates carries replicates out, after any that are under way: one, or several that take turns for as long as the first one says. What
// could not be carried out is said in an end's Error, and the lab goes on. When ctx ends, they are interrupted: they stop their clients, delete
// their queues and say so in Error. An error means that there is no lab any more, and wraps ErrBenchOver, or that ctx ended before they began.
func (b *Bench) Replicates(ctx context.Context, js []ReplicateJob) ([]ReplicateEnd, error) {
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
	case <-ctx.Done():
		return nil, fmt.Errorf("run: replicate: %w", ctx.Err())
	}
	if err := b.Ready(ctx); err != nil {
		return nil, err
	}
	for _, j := range js {
		if err := os.MkdirAll(j.History(), 0o755); err != nil {
			return nil, fmt.Errorf("run: %w", err)
		}
	}
	if err := b.running.write(benchOrder{Replicates: js}); err != nil {
		<-b.over
		return nil, b.gone()
	}
	ends, err := b.await(ctx)
	for _, j := range js {
		err = errors.Join(err, sealOrphans(j.History()))
	}
	return ends, err
}

// await waits for the end of what is under way.
func (b *Bench) await(ctx context.Context) ([]ReplicateEnd, error) {
	select {
	case ends := <-b.ended:
		return ends, nil
	case <-b.over:
	case <-ctx.Done():
		_ = b.Interrupt() // where nobody listens any more, there is nothing to interrupt
		t := time.NewTimer(interruptWithin)
		defer t.Stop()
		select {
		case ends := <-b.ended:
			return ends, nil
		case <-b.over:
		case <-t.C:
			b.Kill()
			<-b.over
		}
	}
	select {
	case ends := <-b.ended: // its last words
		return ends, nil
	default:
		return nil, b.gone()
	}
}

// Interrupt asks what is under way, if anything is, to stop its clients, delete its queues and end. The lab goes on.
func (b *Bench) Interrupt() error { return b.running.write(benchOrder{Interrupt: true}) }

// Kill ends the lab and everything in it at once.
func (b *Bench) Kill() {
	b.hush()
	b.running.Kill()
}

func (b *Bench) hush() { b.quiet.Do(func() { close(b.closing) }) }

// Close ends the brokers, and returns when nothing of the lab is left. It removes the lab's folders unless something went wrong.
func (b *Bench) Close() error {
	b.hush()
	if err := b.running.write(benchOrder{Close: true}); err != nil {
		b.running.Kill() // it has ended, or nobody can speak to it
	}
	t := time.AfterFunc(closeWithin, b.running.Kill)
	<-b.over
	t.Stop()
	if b.err != nil {
		return fmt.Errorf("run: the lab for benchmarks: %w", b.err)
	}
	if err := os.RemoveAll(b.job.Lab()); err != nil {
		return fmt.Errorf("run: remove the lab's folders: %w", err)
	}
	return nil
}
