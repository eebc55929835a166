package targettest

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/targets"
)

func (e *environment) createTwice(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	sent, _ := e.publish(t, q, 10)
	if err := e.cluster.CreateQueue(within(t, 30*time.Second), q); err != nil {
		t.Fatal(err)
	}
	for replica, copies := range e.scan(t, q).copies {
		if len(copies) != len(sent) {
			t.Errorf("%s holds %d messages, want %d", replica, len(copies), len(sent))
		}
	}
}

func (e *environment) delivers(t *testing.T, m semantics.Mode) {
	const n = 200
	q := e.queue(t, m)
	noLeaks(t)
	ctx := within(t, 30*time.Second)
	c, err := e.dial(t, e.config(q, 1)).Consumer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	connected(t, ctx, c)
	if ds, err := c.Receive(ctx); err != nil || len(ds) != 0 {
		t.Fatalf("a new queue delivered %v, %v", ds, err)
	}
	sent, ended := e.publish(t, q, n)
	want := history.Acked
	if !m.Traits.Confirms {
		want = history.Unknown
	}
	for i, o := range ended {
		if o.Status != want {
			t.Fatalf("message %d of a healthy cluster ended %+v, want status %d", i+1, o, want)
		}
	}
	got := map[string]targets.Delivery{}
	for _, d := range receive(ctx, t, c, n) {
		got[d.Token] = d
	}
	for _, s := range sent {
		d, ok := got[s.Token]
		if !ok {
			t.Fatalf("%s was not delivered", s.Token)
		}
		if diff := cmp.Diff(s, targets.Message{Token: d.Token, Attempt: d.Attempt, Key: d.Key, Payload: d.Payload}); diff != "" {
			t.Fatalf("delivered otherwise than sent:\n%s", diff)
		}
		if d.Redelivered || d.Count > 1 {
			t.Errorf("%s is marked as redelivered at its first delivery: %+v", d.Token, d)
		}
	}
}

func (e *environment) oneOutcome(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	noLeaks(t)
	ctx := within(t, 20*time.Second)
	p, err := e.dial(t, e.config(q, 0)).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	connected(t, ctx, p)
	e.life++
	var o outcomes
	const n = 500
	for i := range n {
		p.Send(ctx, message(e.life, i+1), o.done(i))
	}
	closing(t, p) // while most are in flight
	p.Send(ctx, message(e.life, n+1), o.done(n))
	stored := map[string]bool{}
	if m.Traits.Scannable {
		for _, copies := range e.scan(t, q).copies {
			for _, c := range copies {
				stored[c.Token] = true
			}
		}
	}
	for i := range n {
		if out := o.of(t, i); out.Status == history.Rejected && stored[message(e.life, i+1).Token] {
			t.Fatalf("message %d was sent before the close, ended %+v, and is stored", i+1, out)
		}
	}
	if out := o.of(t, n); out.Status != history.Rejected {
		t.Errorf("sent after the close: %+v, want rejected", out)
	}
}

// nobodyThere sends to an address where nothing listens.
func (e *environment) nobodyThere(t *testing.T, m semantics.Mode) {
	noLeaks(t)
	c := e.config(targets.Queue{Name: "nobody", Mode: m.Name}, 0)
	c.Nodes = []targets.Node{{Name: "n1", Addr: "127.0.0.1:1"}}
	ctx := within(t, 20*time.Second)
	p, err := e.dial(t, c).Producer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, p)
	var o outcomes
	p.Send(ctx, message(1, 1), o.done(0))
	if err := p.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	if out := o.of(t, 0); out.Status == history.Acked {
		t.Errorf("without a broker a message ended %+v", out)
	}
}

func (e *environment) atItsPosition(t *testing.T, m semantics.Mode) {
	const n = 300
	q := e.queue(t, m)
	sent, ended := e.publish(t, q, n)
	s := e.scan(t, q)
	for replica, copies := range s.copies {
		at := map[history.Position]targets.Copy{}
		for _, c := range copies {
			at[place(c.Pos)] = c
		}
		for i, msg := range sent {
			if ended[i].Pos.Offset == 0 {
				t.Fatalf("message %d was acknowledged without a position: %+v", i+1, ended[i])
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

// place is a position without the epoch, which a confirmation need not know.
func place(p history.Position) history.Position {
	return history.Position{Partition: p.Partition, Offset: p.Offset}
}

func (e *environment) settles(t *testing.T, m semantics.Mode) {
	const n = 100
	q := e.queue(t, m)
	noLeaks(t)
	ctx := within(t, 30*time.Second)
	cl := e.dial(t, e.config(q, 0))
	i, err := cl.Inspector(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, i)
	e.publish(t, q, n)
	depth := func() targets.Depth {
		var d targets.Depth
		eventually(t, ctx, "the inspector answers", func() (err error) { d, err = i.Depth(ctx); return err })
		return d
	}
	eventually(t, ctx, "the group's leader knows of all messages", func() error {
		d := depth()
		if d.Unacked != 0 || d.Settled {
			t.Fatalf("with %d messages sent and none received: %+v", n, d)
		}
		if d.Ready != n {
			return errNot{d, nil}
		}
		return nil
	})
	c, err := cl.Consumer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, c)
	ds := receive(ctx, t, c, n)
	if d := depth(); d.Ready != 0 || d.Unacked != n || d.Settled {
		t.Fatalf("with %d messages received and none acknowledged: %+v", n, d)
	}
	want := history.Unconfirmable
	if m.Traits.ConfirmsAcks {
		want = history.Confirmed
	}
	told := make([]int, len(ds))
	acked := make([]history.Status, len(ds))
	if err := c.Ack(ctx, ds, func(i int, s history.Status, _ history.Reason) { told[i]++; acked[i] = s }); err != nil {
		t.Fatal(err)
	}
	for i := range ds {
		if told[i] != 1 || acked[i] != want {
			t.Fatalf("acknowledgement %d ended %d times, with status %d, want once with %d", i, told[i], acked[i], want)
		}
	}
	eventually(t, ctx, "the queue is settled", func() error {
		if d, err := i.Depth(ctx); err != nil || !d.Settled {
			return errNot{d, err}
		}
		return nil
	})
}

func (e *environment) redelivers(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	ctx := within(t, 30*time.Second)
	holder, err := e.dial(t, e.config(q, 0)).Consumer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, holder)
	other, err := e.dial(t, e.config(q, 1)).Consumer(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, other)
	sent, _ := e.publish(t, q, 1)
	held := receive(ctx, t, holder, 1)[0]
	began := time.Now()
	again := receive(ctx, t, other, 1)[0]
	if again.Token != sent[0].Token || held.Token != sent[0].Token {
		t.Fatalf("sent %s, delivered %s and %s", sent[0].Token, held.Token, again.Token)
	}
	if !again.Redelivered || again.Count != 2 || place(again.Pos) != place(held.Pos) {
		t.Errorf("the second delivery is %+v, want it marked, counted as the second, at the position of the first %+v", again, held)
	}
	if d, limit := time.Since(began), 3*e.description.Timing.Redelivery; d > limit {
		t.Errorf("redelivered after %v, described as %v", d, e.description.Timing.Redelivery)
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
	e.life++
	var o outcomes
	msg := message(e.life, 1)
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
