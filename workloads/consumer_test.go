package workloads

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// scriptedConsumer hands out batches and answers acknowledgements as a test says.
type scriptedConsumer struct {
	batches [][]targets.Delivery
	err     error // of Receive, after the batches
	ack     func(ds []targets.Delivery, done func(int, history.Status, history.Reason)) error
	before  func(call int) // Receive hands batch number call out

	calls int
	acked []string
}

func (s *scriptedConsumer) Receive(ctx context.Context) ([]targets.Delivery, error) {
	if s.before != nil {
		s.before(s.calls)
	}
	if s.calls < len(s.batches) {
		s.calls++
		return s.batches[s.calls-1], nil
	}
	if s.err != nil {
		return nil, s.err
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

func (s *scriptedConsumer) Ack(_ context.Context, ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
	for _, d := range ds {
		s.acked = append(s.acked, d.Token)
	}
	if s.ack != nil {
		return s.ack(ds, done)
	}
	for i := range ds {
		done(i, history.Confirmed, history.NoReason)
	}
	return nil
}

func (s *scriptedConsumer) Close() error { return nil }

// scriptedEffect answers as a test says; OK if it says nothing.
type scriptedEffect struct {
	apply   func(token string) (history.Status, error)
	applied []string
}

func (s *scriptedEffect) Apply(_ context.Context, token string) (history.Status, error) {
	s.applied = append(s.applied, token)
	if s.apply == nil {
		return history.OK, nil
	}
	return s.apply(token)
}

func (s *scriptedEffect) Close() error { return nil }

// delivery is message seq of life 3 as a broker would hand it out.
func delivery(seq uint64) targets.Delivery {
	m := history.Msg{Life: 3, Seq: seq}
	p := stamp.Payload(m)
	return targets.Delivery{Token: stamp.Token(m, p), Attempt: 1, Key: stamp.Key(m), Payload: p, Pos: history.Position{Offset: int64(100 + seq)}, Tag: seq, Count: 1}
}

func batch(from, to uint64) (ds []targets.Delivery) {
	for seq := from; seq <= to; seq++ {
		ds = append(ds, delivery(seq))
	}
	return ds
}

func tokens(ds []targets.Delivery) (out []string) {
	for _, d := range ds {
		out = append(out, d.Token)
	}
	return out
}

// consume runs a consumer in a synctest bubble until it blocks for good, then ends it and returns what it recorded.
type consume struct {
	cfg    ConsumerConfig
	client *scriptedConsumer
	effect *scriptedEffect
	steady bool
	err    error // what Run must return

	dir       string
	counters  *history.Counters
	consumer  *Consumer
	rec, acks *history.Recorder
}

func consumerConfig() ConsumerConfig {
	return ConsumerConfig{Life: 9, Lane: 2, Stamp: stamp, Acks: true, Seed: 5, Load: experiment.Load{}}
}

func (c *consume) run(t *testing.T) []history.Event {
	t.Helper()
	if c.effect == nil {
		c.effect = &scriptedEffect{}
	}
	c.dir = t.TempDir()
	c.rec, c.acks = segmentOf(t, c.dir, c.cfg.Life, "deliveries"), segmentOf(t, c.dir, c.cfg.Life, "acks")
	c.counters = c.rec.Counters()
	c.consumer = NewConsumer(c.cfg, c.client, c.effect, c.rec, c.acks)
	if c.steady {
		c.consumer.Resume()
	}
	ctx, cancel := context.WithCancel(context.Background())
	finished := make(chan error, 1)
	go func() { finished <- c.consumer.Run(ctx) }()
	time.Sleep(time.Minute)
	synctest.Wait()
	cancel()
	if err := <-finished; !errors.Is(err, c.err) {
		t.Errorf("the consumer ended with %v, want %v", err, c.err)
	}
	for _, r := range []*history.Recorder{c.rec, c.acks} {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	return recorded(t, c.dir)
}

// figures checks the live figures that faults and drains look at.
func (c *consume) figures(t *testing.T, want map[history.Counter]uint64) {
	t.Helper()
	for k, n := range want {
		if got := c.counters.Load(k); int64(got) != int64(n) {
			t.Errorf("live figure %d is %d, want %d", k, int64(got), n)
		}
	}
}

func has(events []history.Event, kind history.Kind, seq uint64) bool {
	return slices.ContainsFunc(events, func(e history.Event) bool { return e.Kind == kind && e.Msg.Seq == seq })
}

func TestAConsumerRecordsEveryStepBeforeTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consume{cfg: consumerConfig()}
		c.client = &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 5), nil, batch(6, 8)}}
		c.client.before = func(call int) {
			if n := len(ofKind(recorded(t, c.dir), history.Receive)); n != call+1 {
				t.Errorf("receive call %d begins when %d are recorded", call+1, n)
			}
		}
		seq := uint64(0)
		c.effect = &scriptedEffect{apply: func(string) (history.Status, error) {
			seq++
			now := recorded(t, c.dir)
			if !has(now, history.Delivery, seq) || !has(now, history.ApplyBegin, seq) {
				t.Errorf("message %d was applied before its delivery and the attempt to apply it were recorded", seq)
			}
			if c.counters.Load(history.InTransaction) != 1 {
				t.Errorf("message %d is applied outside a transaction", seq)
			}
			return history.OK, nil
		}}
		c.client.ack = func(ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
			now := recorded(t, c.dir)
			for i, d := range ds {
				if !has(now, history.ApplyEnd, d.Tag) || !has(now, history.AckCalled, d.Tag) {
					t.Errorf("message %d was acknowledged before its effect and the acknowledgement were recorded", d.Tag)
				}
				if got := c.counters.Load(history.AppliedUnacked); got != uint64(len(ds)-i) {
					t.Errorf("%d effects without acknowledgement, want %d", got, len(ds)-i)
				}
				done(i, history.Confirmed, history.NoReason)
				synctest.Wait()
				if !has(recorded(t, c.dir), history.AckOutcome, d.Tag) {
					t.Errorf("the outcome of acknowledging message %d is not recorded while the client goes on to the next", d.Tag)
				}
			}
			return nil
		}
		events := c.run(t)
		if want := tokens(batch(1, 8)); !slices.Equal(c.effect.applied, want) || !slices.Equal(c.client.acked, want) {
			t.Errorf("applied %q, acknowledged %q", c.effect.applied, c.client.acked)
		}
		c.figures(t, map[history.Counter]uint64{history.Received: 8, history.Applied: 8, history.AckedByConsumer: 8,
			history.Held: 0, history.AppliedUnacked: 0, history.InTransaction: 0})
		for _, e := range ofKind(events, history.Delivery) {
			call := uint64(1)
			if e.Msg.Seq > 5 {
				call = 3 // the second came back empty
			}
			want := history.Position{Offset: int64(100 + e.Msg.Seq)}
			if e.Msg.Life != 3 || e.Call != call || e.Tag != e.Msg.Seq || e.Pos != want || e.Attempt != 1 || e.Count != 1 || e.Flags != 0 || e.Lane != 2 {
				t.Errorf("recorded delivery %+v", e)
			}
		}
	})
}

func TestWhatIsWrongWithADeliveryIsRecordedWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		again, corrupt, foreign := delivery(1), delivery(2), delivery(3)
		again.Redelivered, again.Count, again.Attempt, again.BrokerTime = true, 2, 4, 123
		corrupt.Payload = []byte("something else")
		foreign.Token = "hello"
		c := &consume{cfg: consumerConfig(), client: &scriptedConsumer{batches: [][]targets.Delivery{{again, corrupt, foreign}}}}
		ds := ofKind(c.run(t), history.Delivery)
		if len(ds) != 3 {
			t.Fatalf("%d deliveries are recorded, want 3", len(ds))
		}
		if e := ds[0]; e.Flags != history.Redelivered || e.Count != 2 || e.Attempt != 4 || e.BrokerTime != 123 {
			t.Errorf("redelivered: %+v", e)
		}
		if e := ds[1]; e.Flags != history.Corrupt || e.Msg.Seq != 2 {
			t.Errorf("corrupt: %+v", e)
		}
		if e := ds[2]; e.Flags != history.Foreign || e.Text != "hello" || e.Msg != (history.Msg{}) {
			t.Errorf("foreign: %+v", e)
		}
	})
}

func TestOnlyAnEffectThatHappenedIsAcknowledged(t *testing.T) {
	why := errors.New("the ledger does not answer")
	for _, x := range []struct {
		claim  string
		status history.Status
		err    error
		acked  bool
	}{
		{"done", history.OK, nil, true},
		{"had been done before", history.DedupHit, nil, true},
		{"certainly not done", history.Failed, why, false},
		{"unknown", history.Unknown, why, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			ds := batch(1, 3)
			c := &consume{cfg: consumerConfig(), client: &scriptedConsumer{batches: [][]targets.Delivery{ds}},
				effect: &scriptedEffect{apply: func(token string) (history.Status, error) {
					if token == ds[1].Token {
						return x.status, x.err
					}
					return history.OK, nil
				}}}
			events := c.run(t)
			want := []string{ds[0].Token, ds[1].Token, ds[2].Token}
			n := uint64(3)
			if !x.acked {
				want, n = []string{ds[0].Token, ds[2].Token}, 2
			}
			if !slices.Equal(c.client.acked, want) {
				t.Errorf("%s: acknowledged %q, want %q", x.claim, c.client.acked, want)
			}
			if has(events, history.AckCalled, 2) != x.acked || has(events, history.AckOutcome, 2) != x.acked {
				t.Errorf("%s: what is recorded of the acknowledgement is not so", x.claim)
			}
			for _, e := range ofKind(events, history.ApplyEnd) {
				if e.Msg.Seq == 2 && e.Status != x.status {
					t.Errorf("%s: recorded as %v", x.claim, e.Status)
				}
			}
			c.figures(t, map[history.Counter]uint64{history.Applied: n, history.AckedByConsumer: n, history.Held: 0, history.AppliedUnacked: 0})
		})
	}
}

func TestABatchOfWhichNothingHappenedIsNotAcknowledged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consume{cfg: consumerConfig(), client: &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 3)},
			ack: func([]targets.Delivery, func(int, history.Status, history.Reason)) error {
				t.Error("an empty acknowledgement was sent")
				return nil
			}}, effect: &scriptedEffect{apply: func(string) (history.Status, error) { return history.Unknown, nil }}}
		c.run(t)
		c.figures(t, map[history.Counter]uint64{history.Received: 3, history.Applied: 0, history.Held: 0, history.AppliedUnacked: 0})
	})
}

func TestAModeWithoutAcknowledgementsSendsNone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := consumerConfig()
		cfg.Acks = false
		c := &consume{cfg: cfg, client: &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 4), batch(5, 8)}}}
		events := c.run(t)
		if len(c.client.acked) != 0 || len(ofKind(events, history.AckCalled, history.AckOutcome)) != 0 {
			t.Errorf("acknowledged %q", c.client.acked)
		}
		c.figures(t, map[history.Counter]uint64{history.Received: 8, history.Applied: 8, history.Held: 0, history.AppliedUnacked: 0, history.AckedByConsumer: 0})
	})
}

func TestAModeThatAcknowledgesFirstAppliesOnlyWhatWasConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := consumerConfig()
		cfg.AcksFirst = true
		answers := []history.Status{history.Confirmed, history.Failed, history.Unknown, history.Unconfirmable, history.Confirmed}
		c := &consume{cfg: cfg, client: &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 5)}}}
		left := []uint64{5, 1} // deliveries held when the first and the fifth are applied: those in between are dropped by then
		c.client.ack = func(ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
			now := recorded(t, c.dir)
			var all sync.WaitGroup
			for i, d := range ds {
				if !has(now, history.Delivery, d.Tag) || !has(now, history.AckCalled, d.Tag) || has(now, history.ApplyBegin, d.Tag) {
					t.Errorf("message %d is acknowledged before that is recorded, or after it is applied", d.Tag)
				}
				all.Go(func() { done(i, answers[i], history.Timeout) })
			}
			all.Wait()
			if held, applied := c.counters.Load(history.Held), c.counters.Load(history.AppliedUnacked); held != 5 || applied != 0 {
				t.Errorf("%d held and %d applied without acknowledgement, want 5 and none: what is acknowledged is still to be applied", held, applied)
			}
			return nil
		}
		c.effect = &scriptedEffect{}
		c.effect.apply = func(string) (history.Status, error) {
			if got := c.counters.Load(history.Held); got != left[0] {
				t.Errorf("%d deliveries held, want %d", got, left[0])
			}
			left = left[1:]
			return history.OK, nil
		}
		events := c.run(t)
		ds := batch(1, 5)
		if want := []string{ds[0].Token, ds[4].Token}; !slices.Equal(c.effect.applied, want) {
			t.Errorf("applied %q, want the two that were confirmed %q", c.effect.applied, want)
		}
		if n := len(ofKind(events, history.AckOutcome)); n != 5 {
			t.Errorf("%d outcomes of acknowledgements are recorded, want 5", n)
		}
		c.figures(t, map[history.Counter]uint64{history.Received: 5, history.Applied: 2, history.AckedByConsumer: 3, history.Held: 0, history.AppliedUnacked: 0})
	})
}

func TestHowAnAcknowledgementEndedIsRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := []history.Status{history.Confirmed, history.Failed, history.Unknown, history.Unconfirmable}
		c := &consume{cfg: consumerConfig(), client: &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 4)},
			ack: func(_ []targets.Delivery, done func(int, history.Status, history.Reason)) error {
				var all sync.WaitGroup
				for i, s := range slices.Backward(want) { // in any order, from any goroutine
					all.Go(func() { done(i, s, history.Timeout) })
				}
				all.Wait()
				return nil
			}}}
		events := c.run(t)
		got := map[uint64]history.Status{}
		for _, e := range ofKind(events, history.AckOutcome) {
			got[e.Msg.Seq] = e.Status
			if e.Reason != history.Timeout || e.Tag != e.Msg.Seq || e.Pos.Offset != int64(100+e.Msg.Seq) || e.Lane != 2 {
				t.Errorf("recorded %+v", e)
			}
		}
		if !maps.Equal(got, map[uint64]history.Status{1: want[0], 2: want[1], 3: want[2], 4: want[3]}) {
			t.Errorf("recorded %v, want %v", got, want)
		}
		c.figures(t, map[history.Counter]uint64{history.Held: 0, history.AppliedUnacked: 0, history.AckedByConsumer: 2})
	})
}

func TestAcknowledgementsAreWithheldOnlyFromFirstDeliveriesAndWhileSteady(t *testing.T) {
	redelivered := func() (ds []targets.Delivery) {
		for _, d := range batch(1, 10) {
			d.Count = 2
			ds = append(ds, d)
		}
		return ds
	}
	for _, x := range []struct {
		claim            string
		withhold, steady bool
		share            float64
		ds               []targets.Delivery
		want             uint64
	}{
		{"first deliveries, while steady", true, true, 1, batch(1, 10), 10},
		{"first deliveries, while paused", true, false, 1, batch(1, 10), 0},
		{"redeliveries", true, true, 1, redelivered(), 0},
		{"an effect that does not deduplicate", false, true, 1, batch(1, 10), 0},
		{"a share of none", true, true, 0, batch(1, 10), 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := consumerConfig()
			cfg.Withhold, cfg.Load.Withhold = x.withhold, x.share
			c := &consume{cfg: cfg, steady: x.steady, client: &scriptedConsumer{batches: [][]targets.Delivery{x.ds}}}
			events := c.run(t)
			n := uint64(0)
			for _, e := range ofKind(events, history.AckOutcome) {
				if e.Reason == history.Withheld {
					n++
					if e.Status != history.Unconfirmable || has(events, history.AckCalled, e.Msg.Seq) {
						t.Errorf("%s: withheld as %+v", x.claim, e)
					}
				}
			}
			if n != x.want || len(c.client.acked) != 10-int(x.want) || len(c.effect.applied) != 10 {
				t.Errorf("%s: %d withheld, %d acknowledged, %d applied; want %d of 10 withheld", x.claim, n, len(c.client.acked), len(c.effect.applied), x.want)
			}
			c.figures(t, map[history.Counter]uint64{history.Held: 0, history.AppliedUnacked: 0})
		})
	}
}

func TestWhatCannotGoOnEndsAConsumer(t *testing.T) {
	broken := errors.New("protocol error")
	for _, x := range []struct {
		claim  string
		client scriptedConsumer
		effect scriptedEffect
		want   error
		acked  int
	}{
		{"receiving fails", scriptedConsumer{batches: [][]targets.Delivery{batch(1, 2)}, err: broken}, scriptedEffect{}, broken, 2},
		{"acknowledging fails", scriptedConsumer{batches: [][]targets.Delivery{batch(1, 2)},
			ack: func(ds []targets.Delivery, done func(int, history.Status, history.Reason)) error {
				for i := range ds {
					done(i, history.Unknown, history.BrokerError)
				}
				return broken
			}}, scriptedEffect{}, broken, 2},
		{"the effects' place is full", scriptedConsumer{batches: [][]targets.Delivery{batch(1, 2)}},
			scriptedEffect{apply: func(string) (history.Status, error) { return history.Unknown, ErrEffectLost }}, ErrEffectLost, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := &consume{cfg: consumerConfig(), client: &x.client, effect: &x.effect, err: x.want}
			c.run(t)
			if len(c.client.acked) != x.acked {
				t.Errorf("%s: %d acknowledged, want %d", x.claim, len(c.client.acked), x.acked)
			}
		})
	}
}

func TestAConsumerEndsWhenItCannotRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &consume{cfg: consumerConfig(), err: history.ErrClosed}
		c.client = &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 2), batch(3, 4)}, before: func(call int) {
			if call == 1 {
				if err := c.rec.Close(); err != nil {
					t.Error(err)
				}
				c.rec = segmentOf(t, t.TempDir(), 9, "other") // to be closed at the end
			}
		}}
		c.run(t)
		if want := tokens(batch(1, 2)); !slices.Equal(c.effect.applied, want) || !slices.Equal(c.client.acked, want) {
			t.Errorf("applied %q and acknowledged %q, although nobody will know", c.effect.applied, c.client.acked)
		}
	})
}

func TestProcessingTakesItsTimeAndEndsWithTheLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := consumerConfig()
		cfg.Load.Processing = 10 * time.Second
		c := &consume{cfg: cfg, client: &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 16)}}}
		var at []time.Time
		c.effect = &scriptedEffect{apply: func(string) (history.Status, error) { at = append(at, time.Now()); return history.OK, nil }}
		c.run(t) // for a minute: five or six messages
		if len(at) < 5 || len(at) > 6 {
			t.Errorf("%d messages of 10 s each were applied in a minute", len(at))
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap != cfg.Load.Processing {
				t.Errorf("message %d was applied after %s", i+1, gap)
			}
		}
	})
}
