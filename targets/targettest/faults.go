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

// cutOff drops what brokers send to producers while these go on sending: messages arrive and are stored, confirmations
// do not come back. This is where a harness that believes its library calls stored messages rejected.
func (e *environment) cutOff(t *testing.T) {
	const length = 5 * time.Second
	var from, to time.Time
	volleys := e.underFire(t, func(t *testing.T) {
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
	for _, v := range volleys {
		t.Run(v.mode.Name, func(t *testing.T) {
			e.judge(t, v)
			unsure := 0
			for _, n := range v.notes {
				if n.At.Before(from) || n.At.After(to) {
					continue
				}
				// Packets that passed before the cut may still be read for a moment.
				if n.Outcome.Status == history.Acked && n.At.Sub(from) > 200*time.Millisecond {
					t.Errorf("message %d was acked %v into the cut, when no confirmation can have come", n.N, n.At.Sub(from))
				}
				if n.Outcome.Status == history.Unknown && v.found[n.N] > 0 {
					unsure++
				}
			}
			if unsure == 0 {
				t.Error("during the cut no message was stored, or delivered, and unknown: the cut tested nothing")
			}
		})
	}
}

// brokerKilled ends the host of the broker that producers are connected to, with messages on the wire.
func (e *environment) brokerKilled(t *testing.T) {
	volleys := e.underFire(t, func(t *testing.T) {
		h := e.host(t, e.brokers[0])
		ctx := within(t, 30*time.Second)
		if err := h.Kill(ctx); err != nil {
			t.Fatal(err)
		}
		wait(t, time.Second)
		if err := errors.Join(h.Restart(ctx), e.cluster.StartNode(ctx, h.Name())); err != nil {
			t.Fatal(err)
		}
	})
	for _, v := range volleys {
		t.Run(v.mode.Name, func(t *testing.T) {
			e.judge(t, v)
			if v.ended[history.Rejected]+v.ended[history.Unknown] == 0 {
				t.Error("every message was acked: the kill hit nothing")
			}
		})
	}
}

// volley is what one producer sent under fire, what became of it, and how often each message was found afterwards.
type volley struct {
	assignment
	mode     semantics.Mode
	queue    targets.Queue
	consumer targets.Consumer // where the store cannot be read
	process  *lab.Process

	notes []note
	ended map[history.Status]int
	found map[int]int
}

// underFire lets a producer of each mode send from a host, pinned to the first broker, strikes meanwhile, and waits
// until all have ended and the cluster is healthy.
func (e *environment) underFire(t *testing.T, strike func(*testing.T)) []*volley {
	t.Helper()
	ctx := within(t, 90*time.Second)
	var vs []*volley
	for _, m := range e.description.Modes {
		v := &volley{mode: m, queue: e.queue(t, m), ended: map[history.Status]int{}}
		if !m.Traits.Scannable {
			var err error
			if v.consumer, err = e.dial(t, e.config(v.queue, 1)).Consumer(ctx); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { closing(t, v.consumer) })
			connected(t, ctx, v.consumer)
		}
		e.life++
		v.assignment = assignment{
			Target: e.description.Name, Client: e.config(v.queue, 0), Life: e.life, Count: 3000, Every: 2 * time.Millisecond, Pin: e.brokers[0],
		}
		vs = append(vs, v)
	}
	for _, v := range vs {
		v.process = e.dispatch(t, v.assignment)
	}
	for _, v := range vs {
		eventually(t, ctx, "messages are being sent", func() error {
			if n := len(e.notes(t, v.assignment)); n < 100 {
				return errNot{n, nil}
			}
			return nil
		})
	}
	strike(t)
	for _, v := range vs {
		select {
		case <-v.process.Done():
		case <-ctx.Done():
			t.Fatalf("%s: the sender did not end: an attempt has no outcome", v.mode.Name)
		}
		if x := v.process.Exit(); x.Code != 0 {
			t.Fatalf("%s: the sender failed: %+v", v.mode.Name, x)
		}
	}
	eventually(t, ctx, "the cluster is healthy", func() error { return e.cluster.Healthy(ctx) })
	return vs
}

// judge holds every outcome against what was stored or, where the store cannot be read, delivered: what was rejected
// must be absent, what was acked must be where the confirmation said, and each attempt has one outcome.
func (e *environment) judge(t *testing.T, v *volley) {
	t.Helper()
	v.notes = e.notes(t, v.assignment)
	if v.mode.Traits.Scannable {
		v.found = hold(t, v.assignment, v.notes, e.scan(t, v.queue))
	} else {
		v.found = drained(t, within(t, 20*time.Second), v.assignment, v.consumer)
	}
	outcomes := map[int]int{}
	for _, n := range v.notes {
		v.ended[n.Outcome.Status]++
		outcomes[n.N]++
		if n.Outcome.Status == history.Rejected && v.found[n.N] > 0 {
			t.Errorf("message %d ended %+v, and is there", n.N, n.Outcome)
		}
	}
	for n := 1; n <= v.Count; n++ {
		if outcomes[n] != 1 {
			t.Errorf("message %d has %d outcomes, want one", n, outcomes[n])
		}
	}
	t.Logf("%d acked, %d rejected, %d unknown; %d found",
		v.ended[history.Acked], v.ended[history.Rejected], v.ended[history.Unknown], len(v.found))
}

// hold compares confirmations with what the replicas hold and counts the copies of each message.
func hold(t *testing.T, a assignment, notes []note, s *shelf) map[int]int {
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
func drained(t *testing.T, ctx context.Context, a assignment, c targets.Consumer) map[int]int {
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
