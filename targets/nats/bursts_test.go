package nats

import (
	"context"
	"sync"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// burstOf sends n messages at once, those of sizes with payloads of as many bytes, and returns what to ask how they ended.
func burstOf(ctx context.Context, t *testing.T, p targets.Producer, n int, sizes map[int]int) func() [][]targets.Outcome {
	t.Helper()
	ms := make([]targets.Message, n)
	for i := range ms {
		ms[i] = msg(i+1, 1)
		if size, ok := sizes[i]; ok {
			ms[i].Payload = make([]byte, size)
		}
	}
	var mu sync.Mutex
	ended := make([][]targets.Outcome, n)
	p.(targets.BatchProducer).SendBatch(ctx, ms, func(list []targets.Ended) {
		mu.Lock()
		defer mu.Unlock()
		for _, x := range list {
			ended[x.Index] = append(ended[x.Index], x.Outcome)
		}
	})
	clear(ms) // they are not the client's
	return func() [][]targets.Outcome {
		mu.Lock()
		defer mu.Unlock()
		return ended
	}
}

func TestMessagesOfABurstArriveInOrderAndEndEachForItself(t *testing.T) {
	e := embed(t)
	e.queue(t, "burst")
	p := e.producer(t, "burst", "core")
	const n, rounds, large = 3*burstMost + 5, 3, burstMost + 7
	for range rounds { // the later ones in memory of the earlier
		ended := burstOf(t.Context(), t, p, n, map[int]int{large: 100 << 10})
		if err := p.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for i, outs := range ended() {
			want := targets.Outcome{Status: history.Unknown, Reason: history.NoConfirmation, Origin: history.FromClient}
			if i == large {
				want.Status, want.Reason = history.Rejected, history.InvalidMessage
			}
			if len(outs) != 1 || outs[0] != want {
				t.Fatalf("message %d ended %+v, want once, %+v", i, outs, want)
			}
		}
	}
	// A stream takes what it is sent after the server has read it.
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.(*bursts).until(ctx, "stored", func() bool { return e.stored(t, "burst") == rounds*(n-1) }); err != nil {
		t.Fatalf("%d messages are stored, want %d: %v", e.stored(t, "burst"), rounds*(n-1), err)
	}
	s, err := e.js.Stream(t.Context(), namesOf("burst").stream)
	if err != nil {
		t.Fatal(err)
	}
	at := uint64(0)
	for range rounds {
		for i := range n {
			if i == large {
				continue
			}
			at++
			raw, err := s.GetMsg(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			if token, _, _ := history.CutToken(raw.Data); string(token) != msg(i+1, 1).Token {
				t.Fatalf("at %d is %q, want message %d", at, token, i+1)
			}
		}
	}
}

func TestABurstEndsOnceWhateverEndsIt(t *testing.T) {
	for _, c := range []struct {
		claim string
		end   func(*embedded, targets.Producer, context.CancelFunc)
	}{
		{"the close", func(_ *embedded, p targets.Producer, _ context.CancelFunc) { p.Close() }},
		{"the server", func(e *embedded, _ targets.Producer, _ context.CancelFunc) { e.Shutdown() }},
		{"nobody", func(*embedded, targets.Producer, context.CancelFunc) {}},
		{"the caller, before", func(_ *embedded, _ targets.Producer, cancel context.CancelFunc) { cancel() }},
	} {
		t.Run(c.claim, func(t *testing.T) {
			e := embed(t)
			p := e.producer(t, "nobody", "core")
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var asked []func() [][]targets.Outcome
			for i := range 40 {
				if i == 20 {
					go c.end(e, p, cancel)
				}
				asked = append(asked, burstOf(ctx, t, p, 200, nil))
			}
			p.Close()
			for i, ask := range asked {
				for j, outs := range ask() {
					if len(outs) != 1 || outs[0].Status == history.Acked {
						t.Fatalf("burst %d, message %d: ended %+v, want once, and never acknowledged", i, j, outs)
					}
				}
			}
		})
	}
}

func TestWhatIsLeftOfABurstThatEndedIsNotWritten(t *testing.T) {
	e := embed(t)
	e.queue(t, "over")
	p := e.producer(t, "over", "core").(*bursts)
	told := 0
	b := &burst{msgs: []targets.Message{msg(1, 1), msg(2, 1)}, spare: &p.spare}
	b.done = func(ended []targets.Ended) { told += len(ended) }
	id, _ := p.pending.add(b.all)
	if !p.pending.hand(id) {
		t.Fatal("not to be handed over")
	}
	p.pending.end(id, targets.Outcome{Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout})
	p.publishBurst(id, b)
	b.over.Store(true)
	again, _ := p.pending.add(func(targets.Outcome) {})
	p.publishBurst(again, b)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := p.nc.FlushWithContext(ctx); err != nil {
		t.Fatal(err)
	}
	if n := e.stored(t, "over"); n != 0 || told != 2 {
		t.Errorf("%d messages were written after %d had ended, want none after two", n, told)
	}
}
