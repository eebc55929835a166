package workloads

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// ConsumerConfig says how one consumer life works.
type ConsumerConfig struct {
	Life     history.Life
	Lane     uint32
	Stamp    Stamp
	Load     experiment.Load
	Acks     bool // the mode acknowledges after applying
	Withhold bool // keep back a share of acknowledgements: the effect deduplicates
	Seed     uint64
}

// Consumer is one member of a lane's consumer group: it receives a batch, applies each message to the effect, then acknowledges the batch.
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
		if err := c.rec.Record(&history.Event{Kind: history.Receive, Lane: c.cfg.Lane, Call: call}); err != nil {
			return err
		}
		ds, err := c.client.Receive(ctx)
		if err != nil && ctx.Err() == nil {
			return fmt.Errorf("workloads: receive: %w", err)
		}
		if err := c.work(ctx, ds, call); err != nil {
			return err
		}
	}
	return nil
}

func (c *Consumer) work(ctx context.Context, ds []targets.Delivery, call uint64) error {
	msgs := make([]history.Msg, len(ds))
	for i, d := range ds {
		m, flags, text := c.cfg.Stamp.Identify(d.Token, d.Key, d.Payload)
		if d.Redelivered {
			flags |= history.Redelivered
		}
		msgs[i] = m
		e := history.Event{Kind: history.Delivery, Lane: c.cfg.Lane, Msg: m, Attempt: d.Attempt, Pos: d.Pos,
			Call: call, Tag: d.Tag, Count: d.Count, BrokerTime: d.BrokerTime, Flags: flags, Text: text}
		if err := c.rec.Record(&e); err != nil {
			return err
		}
	}
	c.counters.Add(history.Received, uint64(len(ds)))
	c.counters.Add(history.Held, uint64(len(ds)))
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
		if c.cfg.Withhold && d.Count <= 1 && c.steady.Load() && c.rng.Float64() < c.cfg.Load.Withhold {
			if err := c.acked(msgs[i], d, history.Unconfirmable, history.Withheld); err != nil {
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
	if len(done) == 0 {
		return nil
	}
	at := c.rec.Now()
	for i, d := range done {
		e := history.Event{Kind: history.AckCalled, Time: at, Lane: c.cfg.Lane, Msg: doneMsgs[i], Pos: d.Pos, Tag: d.Tag}
		if err := c.rec.Record(&e); err != nil {
			return err
		}
	}
	var failed error
	err := c.client.Ack(ctx, done, func(i int, s history.Status, r history.Reason) {
		if err := c.acked(doneMsgs[i], done[i], s, r); err != nil {
			c.mu.Lock()
			failed = err
			c.mu.Unlock()
		}
	})
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("workloads: acknowledge: %w", err)
	}
	return failed
}

// acked records how an acknowledgement ended. The delivery is no longer held, whatever the answer.
func (c *Consumer) acked(m history.Msg, d targets.Delivery, s history.Status, r history.Reason) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counters.Add(history.Held, ^uint64(0))
	c.counters.Add(history.AppliedUnacked, ^uint64(0))
	if s == history.Confirmed || s == history.Unconfirmable {
		c.counters.Add(history.AckedByConsumer, 1)
	}
	return c.acks.Record(&history.Event{Kind: history.AckOutcome, Lane: c.cfg.Lane, Msg: m, Pos: d.Pos, Tag: d.Tag, Status: s, Reason: r})
}

// apply spends the processing time, then has the effect. It reports whether the effect is known to have happened;
// an unknown one is left unacknowledged, so that the broker delivers it again.
func (c *Consumer) apply(ctx context.Context, m history.Msg, d targets.Delivery) (bool, error) {
	if c.cfg.Load.Processing > 0 {
		select {
		case <-time.After(c.cfg.Load.Processing):
		case <-ctx.Done():
			return false, nil
		}
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
	c.counters.Add(history.AppliedUnacked, 1)
	return true, nil
}
