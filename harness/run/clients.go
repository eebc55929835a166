package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"waybill/harness/history"
	"waybill/targets"
	"waybill/workloads"
)

// producerRole sends. Orders: pause, resume, rate, open (how many messages are unresolved), giveup, pin.
type producerRole struct {
	client    targets.Producer
	producers int // of the lane
	producer  *workloads.Producer
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
	return &producerRole{p, w.cfg.Lane.Producers, workloads.NewProducer(workloads.ProducerConfig{
		Life: w.cfg.Life, Lane: uint32(w.cfg.Index), Stamp: w.stamp(), Load: w.cfg.Load,
		Rate: w.cfg.Load.Rate / float64(w.cfg.Lane.Producers),
		// Within a session the library retries, and a second copy of ours would be another message to it.
		Retry: traits.Confirms && !traits.Session, Doubt: traits.DedupStore && !traits.Session, Seed: w.cfg.Seed,
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
	case "rate":
		return nil, r.rate(body)
	case "pin":
		return pin(ctx, r.client, body)
	default:
		return nil, errUnknownOrder
	}
	return nil, nil
}

// rate sets how many messages a second the lane's producers are to send together.
func (r *producerRole) rate(body json.RawMessage) error {
	var lane float64
	if err := json.Unmarshal(body, &lane); err != nil {
		return err
	}
	return r.producer.SetRate(lane / float64(r.producers))
}

// consumerRole receives, applies and acknowledges; a processor does so in transactions. Orders: pause, resume (of the workload's own
// probes: acknowledgements withheld, transactions aborted), pin.
type consumerRole struct {
	client   targets.Consumer
	effect   workloads.Effect // nil of a processor
	consumer interface {
		Run(ctx context.Context) error
		Pause()
		Resume()
	}
}

func newConsumerRole(ctx context.Context, w *worker) (role, error) {
	rec, err := w.record("deliveries")
	if err != nil {
		return nil, err
	}
	if w.cfg.Lane.Mode.Traits.Transactional {
		return newProcessorRole(ctx, w, rec)
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
		Acks: traits.Acks, AcksFirst: traits.AcksFirst, Withhold: traits.DedupEffect, Seed: w.cfg.Seed,
	}, consumer, effect, rec, acks)}, nil
}

func newProcessorRole(ctx context.Context, w *worker, rec *history.Recorder) (role, error) {
	c, err := w.client()
	if err != nil {
		return nil, err
	}
	consumer, err := c.Consumer(ctx)
	if err != nil {
		return nil, err
	}
	client, ok := consumer.(workloads.TransactionalConsumer)
	if !ok {
		return nil, errors.Join(fmt.Errorf("mode %s is transactional, and its consumer is not", w.cfg.Lane.Mode.Name), consumer.Close())
	}
	return &consumerRole{client: client, consumer: workloads.NewProcessor(workloads.ProcessorConfig{
		Life: w.cfg.Life, Lane: uint32(w.cfg.Index), Stamp: w.stamp(), Load: w.cfg.Load, Batches: batchesOf(w.cfg.Load), Seed: w.cfg.Seed}, client, rec)}, nil
}

func (r *consumerRole) run(ctx context.Context) error { return r.consumer.Run(ctx) }

func (r *consumerRole) close() error {
	err := r.client.Close()
	if r.effect != nil {
		err = errors.Join(err, r.effect.Close())
	}
	return err
}

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
