package targettest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/targets"
)

func (e *environment) delivers(t *testing.T, m semantics.Mode) {
	const n = 200
	q := e.queue(t, m)
	ctx := within(t, 60*time.Second)
	c := e.consumer(t, ctx, q, 1)
	connected(t, ctx, c)
	if ds := next(ctx, t, c); len(ds) != 0 {
		t.Fatalf("a new queue delivered %v", ds)
	}
	want := map[string]targets.Message{}
	for _, s := range e.accepted(t, m, q, n) {
		want[s.Token] = s
	}
	least := len(want)
	if !promised(m) {
		least = 1
	}
	for _, d := range receive(ctx, t, c, least, finisher(t, ctx, m, c)) {
		sent, ok := want[d.Token]
		if !ok {
			t.Fatalf("%s was delivered twice, or never accepted: %+v", d.Token, d)
		}
		delete(want, d.Token)
		if diff := cmp.Diff(sent, targets.Message{Token: d.Token, Attempt: d.Attempt, Key: d.Key, Payload: d.Payload}); diff != "" {
			t.Fatalf("delivered otherwise than sent:\n%s", diff)
		}
		if d.Redelivered || d.Count > 1 {
			t.Errorf("%s is marked as redelivered at its first delivery: %+v", d.Token, d)
		}
	}
	if promised(m) && len(want) > 0 {
		t.Errorf("not delivered: %v", want)
	}
	e.passes(t, q, 0, 1, n)
	e.passes(t, q, 1, int64(least), 1)
}

func (e *environment) oneOutcome(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	ctx := within(t, 30*time.Second)
	p, err := e.dial(t, e.config(q, 0)).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	connected(t, ctx, p)
	life := e.life()
	var o outcomes
	const n = 500
	for i := range n {
		p.Send(ctx, message(life, i+1), o.done(i))
	}
	closing(t, p) // while most are in flight
	p.Send(ctx, message(life, n+1), o.done(n))
	stored := map[string]bool{}
	if m.Traits.Scannable {
		for _, copies := range e.scan(t, q).copies {
			for _, c := range copies {
				stored[c.Token] = true
			}
		}
	}
	for i := range n {
		if out := o.of(t, i); out.Status == history.Rejected && stored[message(life, i+1).Token] {
			t.Fatalf("message %d was sent before the close, ended %+v, and is stored", i+1, out)
		}
	}
	if out := o.of(t, n); out.Status != history.Rejected && !m.Traits.Session || out.Status == history.Acked {
		t.Errorf("sent after the close: %+v, want rejected", out)
	}
}

// nobodyThere sends to an address where nothing listens. Within a session the library may try for ever: then the close ends it.
func (e *environment) nobodyThere(t *testing.T, m semantics.Mode) {
	c := e.config(targets.Queue{Name: "nobody", Mode: m.Name}, 0)
	c.Nodes = []targets.Node{{Name: "n1", Addr: "127.0.0.1:1"}}
	ctx := within(t, 20*time.Second)
	p, err := e.dial(t, c).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var o outcomes
	p.Send(ctx, message(1, 1), o.done(0))
	if m.Traits.Session {
		wait(t, confirm)
	} else if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	closing(t, p)
	if out := o.of(t, 0); out.Status == history.Acked {
		t.Errorf("without a broker a message ended %+v", out)
	}
}

func (e *environment) createTwice(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	ctx := within(t, 60*time.Second)
	sent := e.accepted(t, m, q, 10)
	if err := e.cluster.CreateQueue(ctx, q); err != nil {
		t.Fatal(err)
	}
	i := e.inspector(t, ctx, q)
	eventually(t, ctx, "the queue holds what it held", func() error {
		if d, err := i.Depth(ctx); err != nil || d.Ready+d.Unacked != int64(len(sent)) {
			return errNot{d, err}
		}
		return nil
	})
	if !m.Traits.Scannable {
		return
	}
	for replica, copies := range e.scan(t, q).copies {
		if len(copies) != len(sent) {
			t.Errorf("%s holds %d messages, want %d", replica, len(copies), len(sent))
		}
	}
}

func (e *environment) atItsPosition(t *testing.T, m semantics.Mode) {
	const n = 300
	q := e.queue(t, m)
	sent, ended := e.publish(t, q, n)
	for replica, copies := range e.scan(t, q).copies {
		at := map[history.Position]targets.Copy{}
		for _, c := range copies {
			at[place(c.Pos)] = c
		}
		for i, msg := range sent {
			if ended[i].Status != history.Acked || ended[i].Pos.Offset == 0 {
				t.Fatalf("message %d ended %+v, want acknowledged at a position", i+1, ended[i])
			}
			c := at[place(ended[i].Pos)]
			want := targets.Copy{Token: msg.Token, Attempt: 1, Key: msg.Key, Payload: msg.Payload}
			if diff := cmp.Diff(want, c, cmpopts.IgnoreFields(targets.Copy{}, "Pos")); diff != "" {
				t.Fatalf("on %s, at %+v, where message %d was acknowledged:\n%s", replica, ended[i].Pos, i+1, diff)
			}
		}
		if len(copies) != n {
			t.Errorf("%s holds %d copies, want %d", replica, len(copies), n)
		}
	}
}

// drains takes a queue to its end and asks on the way: as long as something is unread or unacknowledged, a drain that stopped there would
// accuse the broker of having lost it.
func (e *environment) drains(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	ctx := within(t, 60*time.Second)
	i := e.inspector(t, ctx, q)
	sent := e.accepted(t, m, q, batch-2) // fewer than what a consumer may hold
	n := int64(len(sent))
	left := func(when string, want int64) {
		t.Helper()
		eventually(t, ctx, when, func() error {
			d, err := i.Depth(ctx)
			if err == nil && d.Settled {
				t.Fatalf("%s: %+v calls itself settled", when, d)
			}
			if err != nil || d.Ready+d.Unacked != want {
				return errNot{d, err}
			}
			return nil
		})
	}
	left("all messages are to be delivered", n)
	c := e.consumer(t, ctx, q, 0)
	switch {
	case m.Traits.Transactional:
		ds := receive(ctx, t, c, len(sent), nil)
		left("all messages are received", n)
		finisher(t, ctx, m, c)(ds)
	case m.Traits.Acks:
		ds := receive(ctx, t, c, len(sent), nil)
		left("all messages are received and none is acknowledged", n)
		last := len(ds) - 1
		acknowledge(t, ctx, m, c, ds[:last])
		left("all messages but the last are acknowledged", 1)
		acknowledge(t, ctx, m, c, ds[last:])
	default:
		receive(ctx, t, c, len(sent), nil)
	}
	eventually(t, ctx, "the queue is settled", func() error {
		if d, err := i.Depth(ctx); err != nil || !d.Settled || d.Ready != 0 || d.Unacked != 0 {
			return errNot{d, err}
		}
		return nil
	})
	e.accepted(t, m, q, 5)
	eventually(t, ctx, "the queue is no longer settled", func() error {
		if d, err := i.Depth(ctx); err != nil || d.Settled && m.Traits.Acks {
			return errNot{d, err}
		}
		return nil
	})
}

// ordered sends messages of three keys, each after the one before it of the same key was acknowledged.
func (e *environment) ordered(t *testing.T, m semantics.Mode) {
	const keys, rounds = 3, 12
	q := e.queue(t, m)
	ctx := within(t, 60*time.Second)
	p, err := e.dial(t, e.config(q, 0)).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closing(t, p) })
	connected(t, ctx, p)
	life := e.life()
	var o outcomes
	lastPos := map[uint32]history.Position{}
	rank := map[string]int{} // token → round
	for r := range rounds {
		for k := range keys {
			msg := keyed(life, r*keys+k+1, uint32(k+8)) // of keys that every mode routes
			p.Send(ctx, msg, o.done(r*keys+k))
			rank[msg.Token] = r
		}
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
		for k := range keys {
			out := o.of(t, r*keys+k)
			key := uint32(k + 8)
			if out.Status != history.Acked {
				t.Fatalf("message %d of a healthy cluster ended %+v", r*keys+k+1, out)
			}
			if before := lastPos[key]; r > 0 && out.Pos.Offset != 0 && (out.Pos.Partition != before.Partition || out.Pos.Offset <= before.Offset) {
				t.Errorf("key %d: acknowledged at %+v after one at %+v", key, out.Pos, before)
			}
			lastPos[key] = out.Pos
		}
	}
	c := e.consumer(t, ctx, q, 0)
	seen := map[uint32]int{}
	for _, d := range receive(ctx, t, c, keys*rounds, finisher(t, ctx, m, c)) {
		if got, want := rank[d.Token], seen[d.Key]; got != want {
			t.Fatalf("key %d: the message of round %d was delivered when that of round %d was due", d.Key, got, want)
		}
		seen[d.Key]++
	}
}

func (e *environment) deduplicates(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	ctx := within(t, 20*time.Second)
	p, err := e.dial(t, e.config(q, 0)).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, p)
	connected(t, ctx, p)
	var o outcomes
	msg := message(e.life(), 1)
	for i := range 2 {
		msg.Attempt = uint32(i + 1)
		p.Send(ctx, msg, o.done(i))
		if err := p.Flush(ctx); err != nil {
			t.Fatal(err)
		}
	}
	first, second := o.of(t, 0), o.of(t, 1)
	if first.Status != history.Acked || first.Flags&history.Duplicate != 0 {
		t.Errorf("the first attempt ended %+v, want acked, not as a duplicate", first)
	}
	if second.Status != history.Acked || second.Flags&history.Duplicate == 0 || place(second.Pos) != place(first.Pos) {
		t.Errorf("the retry ended %+v, want acked as a duplicate of %+v", second, first.Pos)
	}
	for replica, copies := range e.scan(t, q).copies {
		if len(copies) != 1 || copies[0].Attempt != 1 {
			t.Errorf("%s holds %+v, want the first attempt alone", replica, copies)
		}
	}
}

// leavesNothing lets a client of every mode do all that it can, and looks for goroutines afterwards.
func (e *environment) leavesNothing(t *testing.T) {
	queues := map[string]targets.Queue{}
	for _, m := range e.description.Modes {
		queues[m.Name] = e.queue(t, m)
	}
	noLeaks(t)
	e.together(t, func(t *testing.T, m semantics.Mode) {
		ctx := within(t, 45*time.Second)
		q := queues[m.Name]
		c := e.consumer(t, ctx, q, 0)
		connected(t, ctx, c)
		least := len(e.accepted(t, m, q, 10))
		if !promised(m) {
			least = 1
		}
		receive(ctx, t, c, least, finisher(t, ctx, m, c))
		if m.Traits.CanDrain() {
			e.asked(t, ctx, q)
		}
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		if _, err := c.Receive(short); err != nil && short.Err() == nil {
			t.Errorf("receiving with little time: %v", err)
		}
	})
}

// asked has an inspector answer once.
func (e *environment) asked(t *testing.T, ctx context.Context, q targets.Queue) {
	t.Helper()
	i := e.inspector(t, ctx, q)
	eventually(t, ctx, "the inspector answers", func() error { _, err := i.Depth(ctx); return err })
}
