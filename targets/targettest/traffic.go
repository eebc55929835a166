package targettest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// message is the nth message of a life, with contents that its token's checksum covers.
func message(life history.Life, n int) targets.Message {
	m := history.Msg{Life: life, Seq: uint64(n)}
	payload := fmt.Appendf(nil, "message %d of life %d", n, life)
	key := uint32(n % 7)
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
	ctx := within(t, 20*time.Second)
	p, err := e.dial(t, e.config(q, 0)).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, p)
	connected(t, ctx, p)
	e.life++
	var o outcomes
	for i := range n {
		sent = append(sent, message(e.life, i+1))
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

// receive collects deliveries until there are n or ctx ends.
func receive(ctx context.Context, t *testing.T, c targets.Consumer, n int) []targets.Delivery {
	t.Helper()
	var all []targets.Delivery
	for len(all) < n {
		ds, err := c.Receive(ctx)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("received %d of %d before the time was up", len(all), n)
		}
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) > batch {
			t.Fatalf("one Receive returned %d deliveries, want at most %d", len(ds), batch)
		}
		all = append(all, ds...)
	}
	return all
}

// shelf is a ScanVisitor that keeps everything, by replica.
type shelf struct {
	replicas []string
	copies   map[string][]targets.Copy
	last     map[string]history.Position
	errs     []error
	now      string
}

func (s *shelf) Begin(replica string, _, to history.Position) {
	if s.copies == nil {
		s.copies, s.last = map[string][]targets.Copy{}, map[string]history.Position{}
	}
	s.now = replica
	s.replicas = append(s.replicas, replica)
	s.last[replica] = to
}

func (s *shelf) Copy(c targets.Copy) { s.copies[s.now] = append(s.copies[s.now], c) }

func (s *shelf) End(_ string, copies int64, err error) {
	if err == nil && copies != int64(len(s.copies[s.now])) {
		err = fmt.Errorf("the scan of %s told of %d copies and counted %d", s.now, len(s.copies[s.now]), copies)
	}
	if err != nil {
		s.errs = append(s.errs, err)
	}
}

// scan reads q from two replicas at least.
func (e *environment) scan(t *testing.T, q targets.Queue) *shelf {
	t.Helper()
	ctx := within(t, 30*time.Second)
	i, err := e.dial(t, e.config(q, 0)).Inspector(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, i)
	eventually(t, ctx, "the inspector answers", func() error { _, err := i.Depth(ctx); return err })
	s := &shelf{}
	if err := errors.Join(append(s.errs, i.Scan(ctx, 2, s))...); err != nil {
		t.Fatal(err)
	}
	if len(s.copies) < 2 && len(s.replicas) < 2 {
		t.Fatalf("the scan read %v, want two replicas", s.replicas)
	}
	return s
}

// eventually repeats f until it returns nil; when ctx ends first, t fails with its last error.
func eventually(t *testing.T, ctx context.Context, what string, f func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := f()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v: %v", what, ctx.Err(), err)
		}
	}
}
