package targettest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/targets"
)

// message is the nth message of a life, with contents that its token's checksum covers.
func message(life history.Life, n int) targets.Message { return keyed(life, n, uint32(n%7)) }

func keyed(life history.Life, n int, key uint32) targets.Message {
	m := history.Msg{Life: life, Seq: uint64(n)}
	payload := fmt.Appendf(nil, "message %d of life %d", n, life)
	return targets.Message{Token: history.Token(run, m, history.Checksum(m, key, payload)), Attempt: 1, Key: key, Payload: payload}
}

// outcomes collects what attempts ended with, and says when one ends twice.
type outcomes struct {
	mu    sync.Mutex
	ended map[int][]targets.Outcome
}

func (o *outcomes) done(n int) func(targets.Outcome) {
	return func(out targets.Outcome) {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.ended == nil {
			o.ended = map[int][]targets.Outcome{}
		}
		o.ended[n] = append(o.ended[n], out)
	}
}

// of returns the one outcome of an attempt.
func (o *outcomes) of(t *testing.T, n int) targets.Outcome {
	t.Helper()
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.ended[n]) != 1 {
		t.Fatalf("attempt %d has %d outcomes %v, want one", n, len(o.ended[n]), o.ended[n])
	}
	return o.ended[n][0]
}

// publish sends n messages of a new life to q and returns what became of them.
func (e *environment) publish(t *testing.T, q targets.Queue, n int) (sent []targets.Message, ended []targets.Outcome) {
	t.Helper()
	ctx := within(t, 30*time.Second)
	p, err := e.dial(t, e.config(q, 0)).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, p)
	connected(t, ctx, p)
	life := e.life()
	var o outcomes
	for i := range n {
		sent = append(sent, message(life, i+1))
		p.Send(ctx, sent[i], o.done(i))
	}
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		ended = append(ended, o.of(t, i))
	}
	return sent, ended
}

// accepted publishes n messages of a mode to a healthy cluster and returns those that are to be delivered: all, but what was handed
// back as unroutable. Anything else that is not acknowledged, where the mode confirms, fails t.
func (e *environment) accepted(t *testing.T, m semantics.Mode, q targets.Queue, n int) []targets.Message {
	t.Helper()
	sent, ended := e.publish(t, q, n)
	want := history.Acked
	if !m.Traits.Confirms {
		want = history.Unknown
	}
	var out []targets.Message
	for i, o := range ended {
		switch {
		case o.Status == want:
			out = append(out, sent[i])
		case o.Status == history.Rejected && o.Flags&history.Returned != 0:
		default:
			t.Fatalf("message %d of a healthy cluster ended %+v, want %v", i+1, o, want)
		}
	}
	if len(out) == 0 {
		t.Fatalf("all of %d messages were handed back", n)
	}
	return out
}

// connected waits until a role has a connection: before that, a send is rejected.
func connected(t *testing.T, ctx context.Context, role any) {
	t.Helper()
	p, ok := role.(targets.Pinner)
	if !ok {
		return
	}
	if err := p.Pin(ctx, "n1"); err != nil {
		t.Fatal(err)
	}
	if err := p.Pin(ctx, ""); err != nil {
		t.Fatal(err)
	}
}

func closing(t *testing.T, c interface{ Close() error }) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// consumer opens a member of the group and closes it at the end of t.
func (e *environment) consumer(t *testing.T, ctx context.Context, q targets.Queue, member int) targets.Consumer {
	t.Helper()
	c, err := e.dial(t, e.config(q, member)).Consumer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, c) })
	return c
}

func (e *environment) inspector(t *testing.T, ctx context.Context, q targets.Queue) targets.Inspector {
	t.Helper()
	i, err := e.dial(t, e.config(q, 0)).Inspector(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, i) })
	return i
}

// next makes one receive call, and holds it to what it may return.
func next(ctx context.Context, t *testing.T, c targets.Consumer) []targets.Delivery {
	t.Helper()
	ds, err := c.Receive(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		t.Fatal("the time was up while messages were still awaited")
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(ds) > batch {
		t.Fatalf("one Receive returned %d deliveries, want at most %d", len(ds), batch)
	}
	return ds
}

// receive collects deliveries until there are n or ctx ends. done, if not nil, is called with each batch.
func receive(ctx context.Context, t *testing.T, c targets.Consumer, n int, done func([]targets.Delivery)) []targets.Delivery {
	t.Helper()
	var all []targets.Delivery
	for len(all) < n {
		ds := next(ctx, t, c)
		if done != nil && len(ds) > 0 {
			done(ds)
		}
		all = append(all, ds...)
	}
	return all
}

// finisher says how a mode is done with deliveries: it acknowledges them, or commits what it made of them, or does nothing.
func finisher(t *testing.T, ctx context.Context, m semantics.Mode, c targets.Consumer) func([]targets.Delivery) {
	n := 0
	return func(ds []targets.Delivery) {
		t.Helper()
		switch {
		case m.Traits.Transactional:
			n++
			if end := c.(targets.Transactor).Transact(ctx, transaction(fmt.Sprintf("1/%d", n), ds)); end.Status != history.OK {
				t.Fatalf("a transaction in a healthy cluster ended %+v", end)
			}
		case m.Traits.Acks:
			acknowledge(t, ctx, m, c, ds)
		}
	}
}

// acknowledge checks that each acknowledgement ends once, as the mode's do in a healthy cluster.
func acknowledge(t *testing.T, ctx context.Context, m semantics.Mode, c targets.Consumer, ds []targets.Delivery) {
	t.Helper()
	want := history.Unconfirmable
	if m.Traits.ConfirmsAcks {
		want = history.Confirmed
	}
	var mu sync.Mutex
	told := make([]int, len(ds))
	acked := make([]history.Status, len(ds))
	err := c.Ack(ctx, ds, func(i int, s history.Status, _ history.Reason) {
		mu.Lock()
		defer mu.Unlock()
		told[i]++
		acked[i] = s
	})
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	for i := range ds {
		if told[i] != 1 || acked[i] != want {
			t.Fatalf("acknowledgement %d ended %d times, as %v, want once as %v", i, told[i], acked[i], want)
		}
	}
}

// collect receives and finishes what a queue has left, until a drain proves its end or, where none can, nothing comes any more. It counts
// the deliveries of each token.
func (e *environment) collect(t *testing.T, ctx context.Context, m semantics.Mode, q targets.Queue, c targets.Consumer) map[string]int {
	t.Helper()
	found := map[string]int{}
	done := finisher(t, ctx, m, c)
	var i targets.Inspector
	if m.Traits.CanDrain() {
		i = e.inspector(t, ctx, q)
	}
	for {
		ds := next(ctx, t, c)
		for _, d := range ds {
			found[d.Token]++
		}
		if len(ds) > 0 {
			done(ds)
			continue
		}
		if i == nil {
			return found
		}
		if d, err := i.Depth(ctx); err == nil && d.Settled {
			return found
		}
	}
}
