package rabbitmq

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// told collects the outcomes of attempts.
type told struct {
	t  *testing.T
	mu sync.Mutex
	of map[uint32][]targets.Outcome
}

func newTold(t *testing.T) *told { return &told{t: t, of: map[uint32][]targets.Outcome{}} }

// send sends a message whose attempt number is n; n is its key as well.
func (o *told) send(p targets.Producer, n uint32) {
	p.Send(o.t.Context(), targets.Message{Token: tokenNamed("t"), Attempt: n, Key: n, Payload: []byte("x")}, func(out targets.Outcome) {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.of[n] = append(o.of[n], out)
	})
}

func (o *told) ended(n uint32) []targets.Outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.of[n])
}

// want waits for the outcome of attempt n and holds it to be the only one.
func (o *told) want(n uint32, want targets.Outcome) {
	o.t.Helper()
	await(o.t, "an attempt has its outcome", func() bool { return len(o.ended(n)) > 0 })
	if got := o.ended(n); len(got) != 1 || got[0] != want {
		o.t.Errorf("attempt %d ended %+v, want once %+v", n, got, want)
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	limit := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waiting until %s", what)
		}
	}
}

func pinned(t *testing.T, p targets.Pinner) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	must(t, p.Pin(ctx, "n1"))
}

var (
	acked    = targets.Outcome{Status: history.Acked, Origin: history.FromBroker}
	returned = targets.Outcome{Status: history.Rejected, Reason: history.InvalidMessage, Origin: history.FromBroker, Flags: history.Returned}
	refused  = targets.Outcome{Status: history.Unknown, Reason: history.BrokerError, Origin: history.FromBroker}
)

func TestConfirmations(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T, mode string) (*publisher, *wireTap, *told) {
		t.Parallel()
		b := startPeer(t)
		p := b.producer(mode)
		w := b.confirming()
		pinned(t, p)
		return p, w, newTold(t)
	}
	t.Run("one by one, out of order: a lost one holds up no other", func(t *testing.T) {
		p, w, o := start(t, "quorum")
		for n := range uint32(3) {
			o.send(p, n+1)
		}
		w.publishes(3)
		w.send(basicAck, u64(3), single)
		w.send(basicNack, u64(2), single)
		o.want(3, acked)
		o.want(2, refused)
		if got := o.ended(1); len(got) != 0 {
			t.Errorf("attempt 1 was not answered and ended %+v", got)
		}
		o.want(1, expired)
		w.send(basicAck, u64(1), single) // too late
		o.send(p, 4)
		w.publishes(1)
		w.send(basicAck, u64(4), single)
		o.want(4, acked)
		o.want(1, expired)
	})
	t.Run("many at once", func(t *testing.T) {
		p, w, o := start(t, "classic-confirms")
		for n := range uint32(5) {
			o.send(p, n+1)
		}
		w.publishes(5)
		w.send(basicAck, u64(2), multiple)
		w.send(basicNack, u64(4), multiple)
		for n, want := range []targets.Outcome{acked, acked, refused, refused, expired} {
			o.want(uint32(n+1), want)
		}
	})
	t.Run("the end of the connection is no refusal", func(t *testing.T) {
		p, w, o := start(t, "quorum")
		o.send(p, 1)
		o.send(p, 2)
		w.publishes(2)
		w.send(basicAck, u64(1), single)
		o.want(1, acked)
		w.Close()
		o.want(2, severed)
	})
	t.Run("an exception of the channel is none either", func(t *testing.T) {
		p, w, o := start(t, "quorum")
		o.send(p, 1)
		w.publishes(1)
		w.fail(404, "NOT_FOUND - no exchange")
		o.want(1, severed)
	})
	t.Run("tags begin anew with the connection, and old attempts are not theirs", func(t *testing.T) {
		t.Parallel()
		b := startPeer(t)
		c := b.config("quorum")
		c.Confirm = 5 * time.Second
		made, err := b.client(c).Producer(t.Context())
		must(t, err)
		p, o := made.(*publisher), newTold(t)
		defer p.Close()
		w := b.confirming()
		pinned(t, p)
		o.send(p, 1)
		w.publishes(1)
		w.Close()
		w = b.confirming()
		o.want(1, severed)
		pinned(t, p)
		o.send(p, 2)
		w.publishes(1)
		w.send(basicAck, u64(1), single)
		o.want(2, acked)
		o.want(1, severed)
	})
	t.Run("returned and acknowledged is rejected, and only what was returned", func(t *testing.T) {
		p, w, o := start(t, "mandatory")
		for n := range uint32(6) {
			o.send(p, n+1)
		}
		if keys, want := w.publishes(6), []string{"q", "q", "q.nowhere", "q", "q", "q"}; !slices.Equal(keys, want) {
			t.Errorf("published with routing keys %q, want %q", keys, want)
		}
		if !w.mandatory {
			t.Error("published as not mandatory")
		}
		w.giveBack("t", 1)
		w.send(basicAck, u64(1), single)
		w.giveBack("t", 2)
		w.giveBack("t", 3)
		w.send(basicAck, u64(4), multiple)
		for n, want := range []targets.Outcome{returned, returned, returned, acked} {
			o.want(uint32(n+1), want)
		}
		w.giveBack("t", 5)
		w.send(basicNack, u64(5), single)
		unsure := refused
		unsure.Flags = history.Returned
		o.want(5, unsure)
		w.giveBack("t", 6)
		w.Close()
		unsure = severed
		unsure.Flags = history.Returned
		o.want(6, unsure)
	})
	t.Run("what is not published as mandatory is acknowledged without a queue", func(t *testing.T) {
		p, w, o := start(t, "unroutable")
		o.send(p, 3)
		if keys := w.publishes(1); keys[0] != "q.nowhere" || w.mandatory {
			t.Errorf("published with routing key %q, mandatory %v", keys[0], w.mandatory)
		}
		w.send(basicAck, u64(1), single)
		o.want(3, acked)
	})
	t.Run("after the close nothing is sent, and what was is unknown", func(t *testing.T) {
		p, w, o := start(t, "quorum")
		o.send(p, 1)
		w.publishes(1)
		began := time.Now()
		must(t, p.Close()) // this broker does not say goodbye
		if d := time.Since(began); d > 2*closeTimeout {
			t.Errorf("the close took %v", d)
		}
		o.send(p, 2)
		o.want(1, severed)
		o.want(2, notConnected)
	})
}

func TestWithoutConfirmationsNothingIsKnown(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	p, o := b.producer("auto-ack"), newTold(t)
	w := b.accept()
	pinned(t, p)
	o.send(p, 1)
	w.publishes(1)
	o.want(1, unconfirmed)
	must(t, p.Flush(t.Context()))
}

func TestWithoutABrokerNothingIsSent(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	c := b.config("quorum")
	c.Nodes[0].Addr = "127.0.0.1:1"
	p, err := b.client(c).Producer(t.Context())
	must(t, err)
	o := newTold(t)
	o.send(p, 1)
	o.want(1, notConnected)
	must(t, p.Close())
	over, cancel := context.WithCancel(t.Context())
	cancel()
	p.Send(over, targets.Message{}, func(out targets.Outcome) {
		if out.Status != history.Rejected || out.Reason != history.Interrupted {
			t.Errorf("sent after its time: %+v", out)
		}
	})
}

// tally counts outcomes by their status.
type tally struct {
	mu sync.Mutex
	of map[history.Status]int
}

func (y *tally) add(o targets.Outcome) {
	y.mu.Lock()
	defer y.mu.Unlock()
	if y.of == nil {
		y.of = map[history.Status]int{}
	}
	y.of[o.Status]++
}

func (y *tally) count(s history.Status) int {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.of[s]
}

// many of these are more than socket buffers hold.
const many = 64

var bulk = make([]byte, 1<<20)

func burst(t *testing.T, p targets.Producer, tell func(targets.Outcome)) {
	t.Helper()
	for i := range uint32(many) {
		p.Send(t.Context(), targets.Message{Token: tokenNamed("t"), Attempt: i, Payload: bulk}, tell)
	}
}

// A broker that holds producers back stops reading, for as long as it takes. No attempt may take longer for that than it was given, nor
// the close; but the connection stays: the broker is alive.
func TestAPeerThatReadsNothingHangsNobody(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	p := b.producer("quorum")
	w := b.confirming()
	pinned(t, p)
	var got tally
	began := time.Now()
	burst(t, p, got.add)
	must(t, p.Flush(t.Context()))
	if d := time.Since(began); d > 2*time.Second {
		t.Errorf("attempts that had half a second took %v", d)
	}
	unknown, rejected := got.count(history.Unknown), got.count(history.Rejected)
	if unknown == 0 || rejected == 0 || unknown+rejected != many {
		t.Errorf("%d unknown, %d rejected, want what was being written unknown, and the rest rejected", unknown, rejected)
	}
	await(t, "the peer has read nothing for longer than it may be silent", func() bool { return time.Since(began) > silence+clientBeat/2 })
	w.publishes(unknown) // on the same connection, and after it nothing that was called rejected
	must(t, w.SetReadDeadline(time.Now().Add(500*time.Millisecond)))
	if m, _, err := w.next(); err == nil {
		t.Errorf("although every attempt had ended, the client sent %v", m)
	}
	burst(t, p, got.add)
	began = time.Now()
	must(t, p.Close())
	if d := time.Since(began); d > 2*closeTimeout {
		t.Errorf("the close took %v", d)
	}
}

// What is published without confirmations is over once it was written. With nothing else to wait for, who sends as fast as it
// goes must wait for the broker.
func TestAPeerThatReadsNothingHoldsBackWhoSends(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	p := b.producer("auto-ack")
	b.accept()
	pinned(t, p)
	var got tally
	send := func(ctx context.Context) time.Duration {
		began := time.Now()
		p.Send(ctx, targets.Message{Token: tokenNamed("t"), Payload: bulk}, got.add)
		return time.Since(began)
	}
	const most = outboxSize + 1000 // there is room for, with what is being written
	for n := 0; send(t.Context()) < p.pending.timeout/2; n++ {
		if n == most {
			t.Fatalf("nobody was held back who sent %d messages, of which %d were refused", n, got.count(history.Rejected))
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), p.pending.timeout/10)
	defer cancel()
	if d := send(ctx); d > p.pending.timeout/2 {
		t.Errorf("a message was sent for %v after its context had ended", d)
	}
}

// A broker that is cut off, or stopped, sends nothing, not even heartbeats.
func TestASilentPeerIsGivenUp(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	lost := make(chan string, 1)
	c := b.config("quorum")
	c.Confirm = 10 * time.Second
	c.Connected = func(open bool, _, why string) {
		if !open {
			select {
			case lost <- why:
			default:
			}
		}
	}
	p, err := b.client(c).Producer(t.Context())
	must(t, err)
	defer p.Close()
	w := b.confirming()
	pinned(t, p.(targets.Pinner))
	w.mute.Store(true)
	o := newTold(t)
	o.send(p, 1)
	w.publishes(1)
	began := time.Now()
	select {
	case why := <-lost:
		if d := time.Since(began); d > silence+time.Second || why == "" {
			t.Errorf("given up after %v, because %q", d, why)
		}
	case <-time.After(3 * silence):
		t.Fatal("it still waits")
	}
	o.want(1, severed)
	b.confirming() // and tried anew
}

func TestASilentPeerThatReadsNothingIsGivenUpToo(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	p := b.producer("quorum")
	w := b.confirming()
	pinned(t, p)
	w.mute.Store(true)
	var got tally
	burst(t, p, got.add)
	b.confirming() // though the library had still to write to the one before
}
