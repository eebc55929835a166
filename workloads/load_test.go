package workloads

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// holding is a client that answers nothing until it is told to.
type holding struct {
	scriptedProducer
	mu   sync.Mutex
	held []func(targets.Outcome)
	open bool // answers at once
}

func newHolding() *holding {
	h := &holding{}
	h.send = func(_ targets.Message, done func(targets.Outcome)) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.open {
			done(acked)
			return
		}
		h.held = append(h.held, done)
	}
	return h
}

// release acknowledges n messages, the oldest first.
func (h *holding) release(n int) {
	h.mu.Lock()
	now := h.held[:n]
	h.held = h.held[n:]
	h.mu.Unlock()
	for _, done := range now {
		done(acked)
	}
}

func TestAWholeWindowOpensWhenAllOfItHasAnOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Load.Flood, cfg.Load.Window, cfg.Load.Whole, cfg.Rate = true, 100, true, 0
		h := newHolding()
		b := startProducer(t, cfg, &h.scriptedProducer)
		b.Resume()
		for range 3 {
			synctest.Wait()
			if n := b.Open(); n != 100 {
				t.Fatalf("%d messages are open, want the whole window of 100", n)
			}
			h.release(99)
			synctest.Wait()
			if n := b.Open(); n != 1 {
				t.Fatalf("%d messages are open while one of the window has no outcome, want that one alone", n)
			}
			h.release(1)
		}
		synctest.Wait()
		b.Pause()
		h.release(b.Open())
		b.end()
	})
}

func TestAFloodKeepsItsWindowFullAndNoFuller(t *testing.T) {
	for _, window := range []int{1, 7, 100, 1000} {
		synctest.Test(t, func(t *testing.T) {
			cfg := config()
			cfg.Load.Flood, cfg.Load.Window, cfg.Rate = true, window, 0
			h := newHolding()
			b := startProducer(t, cfg, &h.scriptedProducer)
			b.Resume()
			for range 5 {
				synctest.Wait()
				n := b.Open()
				if n > window || window-n >= max(1, window/fullStep) {
					t.Fatalf("%d messages are open, want the window of %d but for what waits for company", n, window)
				}
				h.release(n)
			}
			synctest.Wait()
			b.Pause()
			h.release(b.Open())
			synctest.Wait()
			if n := b.Open(); n != 0 {
				t.Errorf("%d messages are open when all were acknowledged", n)
			}
			for _, e := range ofKind(b.end(), history.Send) {
				if e.Intended != e.Time {
					t.Fatalf("message %d of a flood was meant for %d and sent at %d", e.Msg.Seq, e.Intended, e.Time)
				}
			}
		})
	}
}

func TestAnOpenLoopSendsAllThatIsDueAtEachWakeUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Rate = 50_000
		n := 0
		b := startProducer(t, cfg, &scriptedProducer{send: func(_ targets.Message, done func(targets.Outcome)) {
			if n++; n%5_000 == 0 {
				time.Sleep(30 * time.Millisecond) // what falls due meanwhile is owed
			}
			done(acked)
		}})
		b.Resume()
		time.Sleep(time.Second)
		sends := ofKind(b.end(), history.Send)
		if len(sends) < 48_000 || len(sends) > 50_001 {
			t.Errorf("%d messages in a second at 50,000 a second", len(sends))
		}
		for i, e := range sends[1:] {
			if gap := e.Intended - sends[i].Intended; gap < 19 || gap > 21 {
				t.Fatalf("messages %d and %d were meant %d µs apart, want 20", i+1, i+2, gap)
			}
		}
	})
}

func TestARateIsChangedFromNowOnAndNothingIsOwed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Load.Confirm = 100 * time.Millisecond // a window of ten
		h := newHolding()
		b := startProducer(t, cfg, &h.scriptedProducer)
		b.Resume()
		time.Sleep(5 * time.Second) // 490 messages are owed
		h.mu.Lock()
		h.open = true
		h.mu.Unlock()
		if err := b.SetRate(10); err != nil {
			t.Fatal(err)
		}
		h.release(10)
		time.Sleep(2 * time.Second)
		if n := len(b.client.all()); n < 28 || n > 31 {
			t.Errorf("%d messages: want ten, and two seconds of ten a second", n)
		}
		if b.SetRate(0) == nil {
			t.Error("a rate of nothing was taken")
		}
		b.end()
	})
}

func TestWithoutTokensOnlyPayloadsTravel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Load.Record = experiment.NoTokens
		b := startProducer(t, cfg, &scriptedProducer{})
		b.Resume()
		time.Sleep(time.Second)
		b.end()
		for _, x := range b.client.all() {
			if x.Token != "" || len(x.Payload) != stamp.Size {
				t.Fatalf("sent %q with %d bytes", x.Token, len(x.Payload))
			}
		}
	})
}

// batchEffect takes batches, and looks at what is recorded by then.
type batchEffect struct {
	scriptedEffect
	before func(tokens []string)
}

func (b *batchEffect) ApplyBatch(_ context.Context, tokens []string) (history.Status, error) {
	b.before(tokens)
	b.applied = append(b.applied, tokens...)
	return history.OK, nil
}

func TestABatchIsAppliedAtOnceBetweenItsBeginningsAndItsEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, first := range []bool{false, true} {
			dir := t.TempDir()
			cfg := consumerConfig()
			cfg.AcksFirst = first
			rec, acks := segmentOf(t, dir, cfg.Life, "deliveries"), segmentOf(t, dir, cfg.Life, "acks")
			calls := 0
			effect := &batchEffect{before: func(tokens []string) {
				calls++
				now := recorded(t, dir)
				if b, e := len(ofKind(now, history.ApplyBegin)), len(ofKind(now, history.ApplyEnd)); b != e+len(tokens) {
					t.Errorf("a batch of %d is applied when %d beginnings and %d ends are recorded", len(tokens), b, e)
				}
			}}
			client := &scriptedConsumer{batches: [][]targets.Delivery{batch(1, 5), batch(6, 8)}}
			c := NewConsumer(cfg, client, effect, rec, acks)
			ctx, cancel := context.WithCancel(t.Context())
			finished := make(chan error, 1)
			go func() { finished <- c.Run(ctx) }()
			synctest.Wait()
			cancel()
			if err := <-finished; err != nil {
				t.Error(err)
			}
			if want := tokens(batch(1, 8)); calls != 2 || !slices.Equal(effect.applied, want) || !slices.Equal(client.acked, want) {
				t.Errorf("%d calls, applied %q, acknowledged %q", calls, effect.applied, client.acked)
			}
			for _, k := range []history.Counter{history.Held, history.AppliedUnacked, history.InTransaction} {
				if n := rec.Counters().Load(k); n != 0 {
					t.Errorf("acknowledging first %v: live figure %d is %d", first, k, int64(n))
				}
			}
			if err := rec.Close(); err != nil {
				t.Error(err)
			}
			if err := acks.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestABatchOfEffectsIsOneLineForEach(t *testing.T) {
	dir := t.TempDir()
	e, err := NewFileEffect(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range [][]string{{"one", "two", "one"}, {"three"}} {
		if s, err := e.ApplyBatch(t.Context(), list); s != history.OK || err != nil {
			t.Fatalf("apply: %v %v", s, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if got := readBack(t, dir); got["one"] != 2 || got["two"] != 1 || got["three"] != 1 || len(got) != 3 {
		t.Errorf("read back %v", got)
	}
}

func TestAPreciseWaitEndsSoonAfterItsInstant(t *testing.T) {
	s, err := newSleep(make(chan struct{}), experiment.Load{Window: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer s.end()
	for _, wait := range []time.Duration{300 * time.Microsecond, 3 * time.Millisecond, -time.Second} {
		from := time.Now()
		if err := s.until(t.Context(), from.Add(wait), from.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(from); took < wait-coarse || took > 10*time.Second {
			t.Errorf("a wait of %v took %v", wait, took)
		}
	}
}
