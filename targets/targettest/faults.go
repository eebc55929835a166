package targettest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/semantics"
	"waybill/targets"
)

// errNot says what was seen instead of what was waited for.
type errNot struct {
	seen any
	err  error
}

func (e errNot) Error() string { return fmt.Sprintf("seen %+v, %v", e.seen, e.err) }

// cutOff drops what brokers send to a producer while it goes on sending: messages arrive and are stored, confirmations
// do not come back. This is where a harness that believes its library calls stored messages rejected.
func (e *environment) cutOff(t *testing.T, m semantics.Mode) {
	const length = 5 * time.Second
	var from, to time.Time
	notes, stored := e.underFire(t, m, func(t *testing.T, _ assignment) {
		heal, err := e.lab.Cut(e.brokers, []string{e.client.Name()})
		if err != nil {
			t.Fatal(err)
		}
		from = time.Now()
		wait(t, length)
		to = time.Now()
		if err := heal(); err != nil {
			t.Fatal(err)
		}
	})
	// Packets that passed before the cut may still be read for a moment.
	from = from.Add(200 * time.Millisecond)
	unsure := 0
	for _, n := range notes {
		if n.At.After(from) && n.At.Before(to) {
			if n.Outcome.Status == history.Acked {
				t.Errorf("message %d was acked %v into the cut, when no confirmation can have come", n.N, n.At.Sub(from))
			}
			if n.Outcome.Status == history.Unknown && stored[n.N] > 0 {
				unsure++
			}
		}
	}
	if m.Traits.Confirms && unsure == 0 {
		t.Error("no message was both stored and unknown: the cut tested nothing")
	}
}

// brokerKilled ends the host of the broker that a producer is connected to, with messages on the wire.
func (e *environment) brokerKilled(t *testing.T, m semantics.Mode) {
	e.underFire(t, m, func(t *testing.T, a assignment) {
		h := e.host(t, a.Pin)
		ctx := within(t, 30*time.Second)
		if err := h.Kill(ctx); err != nil {
			t.Fatal(err)
		}
		wait(t, time.Second)
		if err := errors.Join(h.Restart(ctx), e.cluster.StartNode(ctx, a.Pin)); err != nil {
			t.Fatal(err)
		}
	})
}

// underFire lets a producer send from a host, strikes meanwhile, heals, and holds every outcome against what was
// stored (or, where the store cannot be read, delivered): what was rejected must be absent, what was acked must be
// where the confirmation said, and each attempt has one outcome.
func (e *environment) underFire(t *testing.T, m semantics.Mode, strike func(*testing.T, assignment)) ([]note, map[int]int) {
	t.Helper()
	q := e.queue(t, m)
	ctx := within(t, 90*time.Second)
	var c targets.Consumer
	if !m.Traits.Scannable {
		var err error
		if c, err = e.dial(t, e.config(q, 1)).Consumer(ctx); err != nil {
			t.Fatal(err)
		}
		defer closing(t, c)
		connected(t, ctx, c)
	}
	e.life++
	a := assignment{
		Target: e.description.Name, Client: e.config(q, 0), Life: e.life, Count: 5000, Every: 2 * time.Millisecond, Pin: e.brokers[0],
	}
	p := e.dispatch(t, a)
	eventually(t, ctx, "messages are being sent", func() error {
		if n := len(e.notes(t, a)); n < 200 {
			return errNot{n, nil}
		}
		return nil
	})
	strike(t, a)
	select {
	case <-p.Done():
	case <-ctx.Done():
		t.Fatal("the sender did not end: an attempt has no outcome")
	}
	if x := p.Exit(); x.Code != 0 {
		t.Fatalf("the sender failed: %+v", x)
	}
	eventually(t, ctx, "the cluster is healthy", func() error { return e.cluster.Healthy(ctx) })

	notes := e.notes(t, a)
	var found map[int]int
	if m.Traits.Scannable {
		found = e.hold(t, a, notes, e.scan(t, q))
	} else {
		found = e.drained(t, ctx, a, c)
	}
	counts := map[history.Status]int{}
	ended := map[int]int{}
	for _, n := range notes {
		counts[n.Outcome.Status]++
		ended[n.N]++
		if n.Outcome.Status == history.Rejected && found[n.N] > 0 {
			t.Errorf("message %d ended %+v, and is there", n.N, n.Outcome)
		}
	}
	for n := 1; n <= a.Count; n++ {
		if ended[n] != 1 {
			t.Errorf("message %d has %d outcomes, want one", n, ended[n])
		}
	}
	t.Logf("%d acked, %d rejected, %d unknown; %d found", counts[history.Acked], counts[history.Rejected], counts[history.Unknown], len(found))
	if counts[history.Unknown] == 0 {
		t.Error("no outcome is unknown: the strike hit nothing in flight")
	}
	return notes, found
}

// hold compares confirmations with what the replicas hold and counts the copies of each message.
func (e *environment) hold(t *testing.T, a assignment, notes []note, s *shelf) map[int]int {
	t.Helper()
	var found map[int]int
	for replica, copies := range s.copies {
		found = map[int]int{}
		at := map[history.Position]string{}
		for _, c := range copies {
			at[place(c.Pos)] = c.Token
			if _, msg, _, err := history.ParseToken(c.Token); err == nil {
				found[int(msg.Seq)]++
			}
		}
		for _, n := range notes {
			if n.Outcome.Status == history.Acked && at[place(n.Outcome.Pos)] != message(a.Life, n.N).Token {
				t.Errorf("message %d was acked at %+v, where %s holds %q", n.N, n.Outcome.Pos, replica, at[place(n.Outcome.Pos)])
			}
		}
	}
	return found
}

// drained counts what a queue that is not stored still delivers.
func (e *environment) drained(t *testing.T, ctx context.Context, a assignment, c targets.Consumer) map[int]int {
	t.Helper()
	found := map[int]int{}
	for {
		ds, err := c.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) == 0 {
			return found
		}
		for _, d := range ds {
			if _, msg, _, err := history.ParseToken(d.Token); err == nil && msg.Life == a.Life {
				found[int(msg.Seq)]++
			}
		}
	}
}

// leadersMove moves every kind of leader once around.
func (e *environment) leadersMove(t *testing.T) {
	f, ok := e.cluster.(targets.LeaderFinder)
	if !ok {
		t.Skip("this target has no leaders")
	}
	for _, m := range e.description.Modes {
		if !m.Traits.Leader {
			continue
		}
		q := e.queue(t, m)
		for _, of := range []string{"queue", "consumer", "controller"} {
			e.goesAround(t, f, q.Name, of)
		}
		return // leadership does not depend on the mode
	}
}

func (e *environment) goesAround(t *testing.T, f targets.LeaderFinder, queue, of string) {
	t.Helper()
	ctx := within(t, 60*time.Second)
	_, before, err := f.Leader(ctx, queue, of)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range e.brokers {
		if err := f.MoveLeader(ctx, queue, of, n); err != nil {
			t.Fatal(err)
		}
		got, epoch, err := f.Leader(ctx, queue, of)
		if err != nil || got != n {
			t.Fatalf("%s was moved to %s and is led by %q, %v", of, n, got, err)
		}
		if epoch < before {
			t.Errorf("%s: epoch went from %d back to %d", of, before, epoch)
		}
		before = epoch
	}
}

func (e *environment) nodeHeals(t *testing.T) {
	ctx := within(t, 60*time.Second)
	h := e.host(t, e.brokers[1])
	if err := h.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	asked, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := e.cluster.Healthy(asked); err == nil {
		t.Error("the cluster calls itself healthy with a node killed")
	}
	if asked.Err() != nil {
		t.Error("asking for health did not return within 10 s")
	}
	began := time.Now()
	if err := errors.Join(h.Restart(ctx), e.cluster.StartNode(ctx, h.Name())); err != nil {
		t.Fatal(err)
	}
	eventually(t, ctx, "the cluster is healthy", func() error { return e.cluster.Healthy(ctx) })
	t.Logf("healthy %v after the restart", time.Since(began).Round(time.Millisecond))
}

func (e *environment) host(t *testing.T, name string) *lab.Host {
	t.Helper()
	h, ok := e.lab.Host(name)
	if !ok {
		t.Fatalf("no host %q", name)
	}
	return h
}

// wait lets a fault last.
func wait(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}
