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
//
// Where processing takes no time and the effect can take a batch, a batch is applied at once: each attempt to apply is recorded before
// any is made, and each end after all were. That a message was applied is then known a little later, and never wrongly.
type Consumer struct {
	cfg      ConsumerConfig
	client   targets.Consumer
	acker    targets.BatchAcker // the client, if it learns of many acknowledgements at once; else nil
	effect   Effect
	batch    BatchEffect       // the effect, if batches are applied at once; else nil
	rec      *history.Recorder // deliveries, applications and acknowledgements: written by Run alone
	acks     *history.Recorder // outcomes of acknowledgements: written under mu
	counters *history.Counters
	rng      *rand.Rand
	steady   atomic.Bool // probing is on

	told gathered[targets.AckEnded]
	mu   sync.Mutex
	over func([]targets.AckEnded) error // what to do with acknowledgements that ended, of those under way
	err  error                          // of that

	tokens []string // of a batch
	done   taken
}

// NewConsumer makes a consumer; Run starts it.
func NewConsumer(cfg ConsumerConfig, client targets.Consumer, effect Effect, rec, acks *history.Recorder) *Consumer {
	c := &Consumer{cfg: cfg, client: client, effect: effect, rec: rec, acks: acks, counters: rec.Counters(), told: newGathered[targets.AckEnded](),
		rng: rand.New(rand.NewPCG(cfg.Seed, uint64(cfg.Life)))}
	c.acker, _ = client.(targets.BatchAcker)
	if cfg.Load.Record == experiment.NoTokens {
		c.effect = nothing{}
	}
	if cfg.Load.Processing <= 0 {
		c.batch, _ = c.effect.(BatchEffect)
	}
	return c
}

// Pause stops withholding acknowledgements, so that the group can drain; deliveries go on. Resume allows it again.
func (c *Consumer) Pause()  { c.steady.Store(false) }
func (c *Consumer) Resume() { c.steady.Store(true) }

// Run works until ctx ends or the recorder or the effect's file fails.
func (c *Consumer) Run(ctx context.Context) error {
	defer c.told.collect(c.settle)()
	receiver := newReceiver(c.client, c.rec, c.cfg.Lane, c.cfg.Stamp, c.cfg.Load)
	for ctx.Err() == nil {
		t, err := receiver.receive(ctx)
		if err != nil {
			return err
		}
		if len(t.ds) == 0 {
			continue
		}
		if c.cfg.AcksFirst {
			err = c.ackThenApply(ctx, t)
		} else {
			err = c.applyThenAck(ctx, t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *Consumer) applyThenAck(ctx context.Context, t *taken) error {
	if c.batch != nil {
		if err := c.applyBatch(ctx, t); err != nil {
			return err
		}
	}
	if c.batch != nil && !c.cfg.Withhold {
		return c.finish(ctx, t)
	}
	c.done.empty()
	for i := range t.ds {
		d, m := &t.ds[i], t.msgs[i]
		if c.batch == nil {
			applied, err := c.apply(ctx, m, d)
			if err != nil {
				return err
			}
			if !applied {
				c.counters.Add(history.Held, ^uint64(0))
				continue
			}
			c.counters.Add(history.AppliedUnacked, 1)
		}
		if c.cfg.Withhold && d.Count <= 1 && c.steady.Load() && c.rng.Float64() < c.cfg.Load.Withhold {
			if err := c.acked(t, []targets.AckEnded{{Index: i, Status: history.Unconfirmable, Reason: history.Withheld}}); err != nil {
				return err
			}
			continue
		}
		c.done.add(d, m)
	}
	c.done.find()
	return c.finish(ctx, &c.done)
}

// finish acknowledges what was applied, in a mode that acknowledges.
func (c *Consumer) finish(ctx context.Context, t *taken) error {
	if !c.cfg.Acks {
		c.counters.Add(history.Held, -uint64(len(t.ds)))
		c.counters.Add(history.AppliedUnacked, -uint64(len(t.ds)))
		return nil
	}
	return c.ack(ctx, t, func(ended []targets.AckEnded) error { return c.acked(t, ended) })
}

// ackThenApply applies what the broker said it will not deliver again. The rest is dropped: it may come again, or not.
func (c *Consumer) ackThenApply(ctx context.Context, t *taken) error {
	confirmed := make([]bool, len(t.ds)) // by index
	err := c.ack(ctx, t, func(ended []targets.AckEnded) error {
		for _, x := range ended {
			confirmed[x.Index] = x.Status == history.Confirmed
		}
		return c.ackOutcomes(t, ended)
	})
	if err != nil {
		return err
	}
	if c.batch != nil {
		c.done.empty()
		for i, ok := range confirmed {
			if ok {
				c.done.add(&t.ds[i], t.msgs[i])
			}
		}
		c.done.find()
		err := c.applyBatch(ctx, &c.done)
		c.counters.Add(history.AppliedUnacked, -uint64(len(c.done.ds)))
		c.counters.Add(history.Held, -uint64(len(t.ds)))
		return err
	}
	for i, ok := range confirmed {
		if ok {
			if _, err := c.apply(ctx, t.msgs[i], &t.ds[i]); err != nil {
				return err
			}
		}
		c.counters.Add(history.Held, ^uint64(0))
	}
	return nil
}

// ack acknowledges t. How that ended is handed to over under mu, many at once, from any goroutine and before ack returns.
func (c *Consumer) ack(ctx context.Context, t *taken, over func([]targets.AckEnded) error) error {
	if len(t.ds) == 0 {
		return nil
	}
	if err := t.record(c.rec, &history.Event{Kind: history.AckCalled, Lane: c.cfg.Lane}, 0, len(t.ds), true); err != nil {
		return err
	}
	c.mu.Lock()
	c.over, c.err = over, nil
	c.mu.Unlock()
	var err error
	if c.acker != nil {
		err = c.acker.AckBatch(ctx, t.ds, c.ended)
	} else {
		err = c.client.Ack(ctx, t.ds, func(i int, s history.Status, r history.Reason) {
			if c.told.add(targets.AckEnded{Index: i, Status: s, Reason: r}) {
				c.settle()
			}
		})
		c.settle()
	}
	if err != nil && ctx.Err() == nil {
		return fmt.Errorf("workloads: acknowledge: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// settle records the acknowledgements that ended.
func (c *Consumer) settle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conclude(c.told.take())
}

func (c *Consumer) ended(list []targets.AckEnded) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conclude(list)
}

// conclude is called under mu.
func (c *Consumer) conclude(list []targets.AckEnded) {
	if len(list) == 0 {
		return
	}
	if err := c.over(list); err != nil {
		c.err = err
	}
}

// acked records how acknowledgements of something applied ended. The deliveries are no longer held, whatever the answer.
func (c *Consumer) acked(t *taken, ended []targets.AckEnded) error {
	c.counters.Add(history.Held, -uint64(len(ended)))
	c.counters.Add(history.AppliedUnacked, -uint64(len(ended)))
	return c.ackOutcomes(t, ended)
}

// ackOutcomes records how acknowledgements ended, with one look at the clock: all were over by now.
func (c *Consumer) ackOutcomes(t *taken, ended []targets.AckEnded) error {
	e := history.Event{Kind: history.AckOutcome, Time: c.acks.Until(), Lane: c.cfg.Lane}
	over := 0
	for from := 0; from < len(ended); {
		x := ended[from]
		to := from + 1
		for to < len(ended) && ended[to] == (targets.AckEnded{Index: x.Index + to - from, Status: x.Status, Reason: x.Reason}) {
			to++
		}
		e.Status, e.Reason = x.Status, x.Reason
		if err := t.record(c.acks, &e, x.Index, x.Index+to-from, true); err != nil {
			return err
		}
		if x.Status == history.Confirmed || x.Status == history.Unconfirmable {
			over += to - from
		}
		from = to
	}
	c.counters.Add(history.AckedByConsumer, uint64(over))
	return nil
}

// applyBatch has the effects of all of t at once, which a BatchEffect either has or fails for good. They are then applied and
// unacknowledged.
func (c *Consumer) applyBatch(ctx context.Context, t *taken) error {
	n := len(t.ds)
	if n == 0 {
		return nil
	}
	if err := t.record(c.rec, &history.Event{Kind: history.ApplyBegin, Lane: c.cfg.Lane}, 0, n, false); err != nil {
		return err
	}
	c.tokens = c.tokens[:0]
	for i := range t.ds {
		c.tokens = append(c.tokens, t.ds[i].Token)
	}
	c.counters.Store(history.InTransaction, 1)
	status, err := c.batch.ApplyBatch(ctx, c.tokens)
	c.counters.Store(history.InTransaction, 0)
	if err != nil {
		return err
	}
	if err := t.record(c.rec, &history.Event{Kind: history.ApplyEnd, Lane: c.cfg.Lane, Status: status}, 0, n, false); err != nil {
		return err
	}
	c.counters.Add(history.Applied, uint64(n))
	c.counters.Add(history.AppliedUnacked, uint64(n))
	return nil
}

// apply spends the processing time, then has the effect. It reports whether the effect is known to have happened;
// an unknown one is left unacknowledged, so that the broker delivers it again.
func (c *Consumer) apply(ctx context.Context, m history.Msg, d *targets.Delivery) (bool, error) {
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
