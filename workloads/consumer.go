package workloads

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// ConsumerConfig says how one consumer life works.
type ConsumerConfig struct {
	Life  history.Life
	Lane  uint32
	Stamp Stamp
	Load  experiment.Load

	Acks      bool // the mode acknowledges
	AcksFirst bool // and does so before it applies: what is not confirmed is not applied
	Withhold  bool // keep back a share of acknowledgements: the effect deduplicates
	Seed      uint64
}

// Consumer is one member of a lane's consumer group: it receives a batch, applies each message to the effect, then acknowledges the batch.
// In a mode that acknowledges first it is the other way round, and a delivery is held until it is applied.
type Consumer struct {
	cfg      ConsumerConfig
	client   targets.Consumer
	effect   Effect
	rec      *history.Recorder // deliveries, applications and acknowledgements: written by Run alone
	acks     *history.Recorder // outcomes of acknowledgements: written under mu, from the client's goroutines
	mu       sync.Mutex
	counters *history.Counters
	rng      *rand.Rand
	steady   atomic.Bool // probing is on
}

// NewConsumer makes a consumer; Run starts it.
func NewConsumer(cfg ConsumerConfig, client targets.Consumer, effect Effect, rec, acks *history.Recorder) *Consumer {
	return &Consumer{cfg: cfg, client: client, effect: effect, rec: rec, acks: acks, counters: rec.Counters(),
		rng: rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Life)))}
}

// Pause stops withholding acknowledgements, so that the group can drain; deliveries go on. Resume allows it again.
func (c *Consumer) Pause()  { c.steady.Store(false) }
func (c *Consumer) Resume() { c.steady.Store(true) }

// Run works until ctx ends or the recorder or the effect's file fails.
func (c *Consumer) Run(ctx context.Context) error {
	var call uint64
	for ctx.Err() == nil {
		call++
		ds, msgs, err := receive(ctx, c.client, c.rec, c.cfg.Lane, c.cfg.Stamp, call)
		if err != nil {
			return err
		}
		if c.cfg.AcksFirst {
			err = c.ackThenApply(ctx, ds, msgs)
		} else {
			err = c.applyThenAck(ctx, ds, msgs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Consumer) applyThenAck(ctx context.Context, ds []targets.Delivery, msgs []history.Msg) error {
	var done []targets.Delivery
	var doneMsgs []history.Msg
	for i, d := range ds {
		applied, err := c.apply(ctx, msgs[i], d)
		if err != nil {
			return err
		}
		if !applied {
			c.counters.Add(history.Held, ^uint64(0))
			continue
		}
		c.counters.Add(history.AppliedUnacked, 1)
		if c.cfg.Withhold && d.Count <= 1 && c.steady.Load() && c.rng.Float64() < c.cfg.Load.Withhold {
			if err := c.acked(i, msgs[i], d, history.Unconfirmable, history.Withheld); err != nil {
				return err
			}
			continue
		}
		done, doneMsgs = append(done, d), append(doneMsgs, msgs[i])
	}
	if !c.cfg.Acks {
		c.counters.Add(history.Held, -uint64(len(done)))
		c.counters.Add(history.AppliedUnacked, -uint64(len(done)))
		return nil
	}
	return c.ack(ctx, done, doneMsgs, c.acked)
}

// ackThenApply applies what the broker said it will not deliver again. The rest is dropped: it may come again, or not.
func (c *Consumer) ackThenApply(ctx context.Context, ds []targets.Delivery, msgs []history.Msg) error {
	confirmed := make([]bool, len(ds)) // by index: written once each, by the client's goroutines
	err := c.ack(ctx, ds, msgs, func(i int, m history.Msg, d targets.Delivery, s history.Status, r history.Reason) error {
		confirmed[i] = s == history.Confirmed
		return c.ackOutcome(m, d, s, r)
	})
	if err != nil {
		return err
	}
	for i, d := range ds {
		if confirmed[i] {
			if _, err := c.apply(ctx, msgs[i], d); err != nil {
				return err
			}
		}
		c.counters.Add(history.Held, ^uint64(0))
	}
	return nil
}

// ack acknowledges ds and hands each outcome to ended, which is called from the client's goroutines.
func (c *Consumer) ack(ctx context.Context, ds []targets.Delivery, msgs []history.Msg,
	ended func(int, history.Msg, targets.Delivery, history.Status, history.Reason) error) error {
	if len(ds) == 0 {
		return nil
	}
	at := c.rec.Now()
	for i, d := range ds {
		e := history.Event{Kind: history.AckCalled, Time: at, Lane: c.cfg.Lane, Msg: msgs[i], Pos: d.Pos, Tag: d.Tag}
		if err := c.rec.Record(&e); err != nil {
			return err
		}
	}
	var mu sync.Mutex
	var failed error
	err := c.client.Ack(ctx, ds, func(i int, s history.Status, r history.Reason) {
		if err := ended(i, msgs[i], ds[i], s, r); err != nil {
			mu.Lock()
			failed = err
			mu.Unlock()
		}
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("workloads: acknowledge: %w", err)
	}
	return failed
}

// acked records how the acknowledgement of something applied ended. The delivery is no longer held, whatever the answer.
func (c *Consumer) acked(_ int, m history.Msg, d targets.Delivery, s history.Status, r history.Reason) error {
	c.counters.Add(history.Held, ^uint64(0))
	c.counters.Add(history.AppliedUnacked, ^uint64(0))
	return c.ackOutcome(m, d, s, r)
}

func (c *Consumer) ackOutcome(m history.Msg, d targets.Delivery, s history.Status, r history.Reason) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s == history.Confirmed || s == history.Unconfirmable {
		c.counters.Add(history.AckedByConsumer, 1)
	}
	return c.acks.Record(&history.Event{Kind: history.AckOutcome, Lane: c.cfg.Lane, Msg: m, Pos: d.Pos, Tag: d.Tag, Status: s, Reason: r})
}

// apply spends the processing time, then has the effect. It reports whether the effect is known to have happened;
// an unknown one is left unacknowledged, so that the broker delivers it again.
func (c *Consumer) apply(ctx context.Context, m history.Msg, d targets.Delivery) (bool, error) {
	if !process(ctx, c.cfg.Load.Processing) {
		return false, nil
	}
	e := history.Event{Kind: history.ApplyBegin, Lane: c.cfg.Lane, Msg: m, Pos: d.Pos}
	if err := c.rec.Record(&e); err != nil {
		return false, err
	}
	c.counters.Store(history.InTransaction, 1)
	status, err := c.effect.Apply(ctx, d.Token)
	c.counters.Store(history.InTransaction, 0)
	if errors.Is(err, ErrEffectLost) {
		return false, err
	}
	e = history.Event{Kind: history.ApplyEnd, Lane: c.cfg.Lane, Msg: m, Pos: d.Pos, Status: status}
	if err := c.rec.Record(&e); err != nil {
		return false, err
	}
	if status != history.OK && status != history.DedupHit {
		return false, nil
	}
	c.counters.Add(history.Applied, 1)
	return true, nil
}
