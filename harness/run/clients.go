package run

import (
	"context"
	"encoding/json"
	"errors"
	"path/filepath"

	"waybill/targets"
	"waybill/workloads"
)

// producerRole sends. Orders: pause, resume, open (how many messages are unresolved), giveup, pin.
type producerRole struct {
	client   targets.Producer
	producer *workloads.Producer
}

func newProducerRole(ctx context.Context, w *worker) (role, error) {
	sends, err := w.record("sends")
	if err != nil {
		return nil, err
	}
	outcomes, err := w.record("outcomes")
	if err != nil {
		return nil, err
	}
	c, err := w.client()
	if err != nil {
		return nil, err
	}
	p, err := c.Producer(ctx)
	if err != nil {
		return nil, err
	}
	traits := w.cfg.Lane.Mode.Traits
	return &producerRole{p, workloads.NewProducer(workloads.ProducerConfig{
		Life: w.cfg.Life, Lane: uint32(w.cfg.Index), Stamp: w.stamp(), Load: w.cfg.Load,
		Rate:  w.cfg.Load.Rate / float64(w.cfg.Lane.Producers),
		Retry: traits.Confirms, Doubt: traits.DedupStore, Seed: w.cfg.Seed,
	}, p, sends, outcomes)}, nil
}

func (r *producerRole) run(ctx context.Context) error { return r.producer.Run(ctx) }
func (r *producerRole) close() error                  { return r.client.Close() }

func (r *producerRole) order(ctx context.Context, op string, body json.RawMessage) (any, error) {
	switch op {
	case "pause":
		r.producer.Pause()
	case "resume":
		r.producer.Resume()
	case "giveup":
		r.producer.GiveUp()
	case "open":
		return r.producer.Open(), nil
	case "pin":
		return pin(ctx, r.client, body)
	default:
		return nil, errUnknownOrder
	}
	return nil, nil
}

// consumerRole receives, applies and acknowledges. Orders: pause, resume (of withheld acknowledgements), pin.
type consumerRole struct {
	client   targets.Consumer
	effect   workloads.Effect
	consumer *workloads.Consumer
}

func newConsumerRole(ctx context.Context, w *worker) (role, error) {
	rec, err := w.record("deliveries")
	if err != nil {
		return nil, err
	}
	acks, err := w.record("acks")
	if err != nil {
		return nil, err
	}
	var effect workloads.Effect
	if w.cfg.Ledger != "" {
		effect = workloads.NewLedgerEffect(w.cfg.Ledger, w.cfg.Lane.Name)
	} else if effect, err = workloads.NewFileEffect(w.cfg.Dir, w.cfg.Life); err != nil {
		return nil, err
	}
	c, err := w.client()
	if err != nil {
		return nil, err
	}
	consumer, err := c.Consumer(ctx)
	if err != nil {
		return nil, err
	}
	traits := w.cfg.Lane.Mode.Traits
	return &consumerRole{consumer, effect, workloads.NewConsumer(workloads.ConsumerConfig{
		Life: w.cfg.Life, Lane: uint32(w.cfg.Index), Stamp: w.stamp(), Load: w.cfg.Load,
		Acks: traits.Acks, Withhold: traits.DedupEffect, Seed: w.cfg.Seed,
	}, consumer, effect, rec, acks)}, nil
}

func (r *consumerRole) run(ctx context.Context) error { return r.consumer.Run(ctx) }
func (r *consumerRole) close() error                  { return errors.Join(r.client.Close(), r.effect.Close()) }

func (r *consumerRole) order(ctx context.Context, op string, body json.RawMessage) (any, error) {
	switch op {
	case "pause":
		r.consumer.Pause()
	case "resume":
		r.consumer.Resume()
	case "pin":
		return pin(ctx, r.client, body)
	default:
		return nil, errUnknownOrder
	}
	return nil, nil
}

// ledgerRole serves the idempotent effect store.
type ledgerRole struct{ dir string }

func (r ledgerRole) run(ctx context.Context) error {
	return workloads.ServeLedger(ctx, filepath.Clean(r.dir), ":"+workloads.LedgerPort)
}
func (r ledgerRole) close() error { return nil }
func (r ledgerRole) order(context.Context, string, json.RawMessage) (any, error) {
	return nil, errUnknownOrder
}
