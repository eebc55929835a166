package ceiling

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"waybill/targets"
	"waybill/workloads"
)

// rest is how long a run may take to come to rest after the last message, besides pauses.
const rest = 30 * time.Second

// Run makes one run and returns what came of it. It writes the history and the effects below cfg.Dir; experiment.yaml and the rest of
// a run directory are the caller's, who has Result.Experiment for it. It ends early with ctx, and then returns its error.
//
// Processor time is that of the whole process: whoever wants to know what a processor can do lets nothing else run in it, and, as every
// worker does, with GOMAXPROCS(1).
func Run(ctx context.Context, cfg Config) (Result, error) {
	cfg = cfg.resolved()
	res := Result{Experiment: cfg.experiment()}
	rec, err := newRecording(cfg)
	if err != nil {
		return res, err
	}
	err = run(ctx, cfg, rec, &res)
	if err == nil {
		err = rec.end()
	}
	return res, errors.Join(err, rec.close())
}

// run is the load, until everything has come to rest and every goroutine of it ended.
func run(ctx context.Context, cfg Config, rec *recording, res *Result) error {
	if err := rec.begin(); err != nil {
		return err
	}
	effect, err := workloads.NewFileEffect(rec.effects, consumerLife)
	if err != nil {
		return err
	}
	b := newBroker(cfg.Pauses, cfg.Slow)
	sender, receiver := cfg.clients(b)
	load := res.Experiment.Load
	p := workloads.NewProducer(workloads.ProducerConfig{Life: producerLife, Stamp: cfg.stamp(), Load: load, Rate: cfg.Rate, Seed: cfg.Seed},
		sender, rec.sends, rec.outcomes)
	c := workloads.NewConsumer(workloads.ConsumerConfig{Life: consumerLife, Stamp: cfg.stamp(), Load: load, Acks: true, Seed: cfg.Seed},
		receiver, effect, rec.deliver, rec.acks)

	g, gctx := errgroup.WithContext(ctx)
	clients, stop := context.WithCancel(gctx)
	g.Go(func() error { return p.Run(clients) })
	g.Go(func() error { return c.Run(clients) })
	g.Go(func() error { b.serve(clients); return nil })
	g.Go(func() error {
		defer stop()
		p.Resume()
		s := &sampler{sends: rec.sends.Counters(), deliveries: rec.deliver.Counters(), r: res}
		if err := s.measure(clients, cfg); err != nil {
			return err
		}
		p.Pause()
		return settle(clients, cfg, func() error {
			ready, unacked := b.depth()
			if open := p.Open(); open > 0 || ready > 0 || unacked > 0 {
				return fmt.Errorf("ceiling: %d messages without an outcome, %d not delivered, %d not acknowledged", open, ready, unacked)
			}
			return nil
		})
	})
	err = g.Wait()
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return errors.Join(err, effect.Close())
}

// clients are the two ends, with or without batches.
func (c Config) clients(b *broker) (targets.Producer, targets.Consumer) {
	receiver := consumer{broker: b, most: c.Batch, timer: time.NewTimer(receiveWait)}
	if c.Batched {
		return &batchProducer{producer{b}}, &batchConsumer{consumer: receiver}
	}
	return &producer{b}, &receiver
}

// settle waits until check finds everything at rest.
func settle(ctx context.Context, cfg Config, check func() error) error {
	limit := rest
	for _, p := range cfg.Pauses {
		limit += p.Length
	}
	late := time.NewTimer(limit)
	defer late.Stop()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		err := check()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late.C:
			return err
		case <-again.C:
		}
	}
}
