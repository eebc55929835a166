package rabbitmq

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"waybill/harness/history"
	"waybill/targets"
)

func receive(t *testing.T, r *subscriber) []targets.Delivery {
	t.Helper()
	for range 10 {
		ds, err := r.Receive(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) > 0 {
			return ds
		}
	}
	t.Fatal("nothing comes")
	return nil
}

// acks acknowledges one delivery and returns how that ended.
func acks(t *testing.T, r *subscriber, d targets.Delivery) (status history.Status, reason history.Reason) {
	t.Helper()
	must(t, r.Ack(t.Context(), []targets.Delivery{d}, func(_ int, s history.Status, why history.Reason) { status, reason = s, why }))
	return status, reason
}

func TestADeliveryIsWhatWasSent(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	r := b.consumer("quorum")
	w := b.accept()
	if prefetch := w.want(basicQos); prefetch[5] != window*4 {
		t.Errorf("a prefetch of %d for a batch of 4", prefetch[5])
	}
	w.send(method{60, 11})
	tag := w.consumes()
	for n := range uint64(6) {
		w.deliver(tag, n+1, n == 1, "t")
	}
	first := receive(t, r)
	for len(first) < 2 {
		first = append(first, receive(t, r)...)
	}
	native := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".Native" }, cmp.Ignore())
	want := targets.Delivery{Token: tokenNamed("t"), Attempt: 2, Key: 7, Payload: []byte("payload of t"), Tag: 1, Count: 1}
	if diff := cmp.Diff(want, first[0], native); diff != "" {
		t.Errorf("delivered otherwise (-want +got):\n%s", diff)
	}
	want.Tag, want.Redelivered, want.Count = 2, true, 0
	if diff := cmp.Diff(want, first[1], native); diff != "" {
		t.Errorf("redelivered otherwise (-want +got):\n%s", diff)
	}
	for n := len(first); n < 6; {
		ds := receive(t, r)
		if n += len(ds); len(ds) > 4 {
			t.Errorf("%d deliveries at once, want a batch of 4 at most", len(ds))
		}
	}
	began := time.Now()
	if ds, err := r.Receive(t.Context()); ds != nil || err != nil {
		t.Errorf("nothing more came, and it returned %v, %v", ds, err)
	}
	if d := time.Since(began); d < receiveWait || d > 2*receiveWait {
		t.Errorf("it waited %v", d)
	}
}

func TestAcknowledgements(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) (*peer, *subscriber, *wireTap, string) {
		t.Parallel()
		b := startPeer(t)
		r := b.consumer("quorum")
		w, tag := b.consuming()
		return b, r, w, tag
	}
	t.Run("go out once for each delivery", func(t *testing.T) {
		_, r, w, tag := start(t)
		w.deliver(tag, 1, false, "t")
		d := receive(t, r)[0]
		if s, _ := acks(t, r, d); s != history.Unconfirmable {
			t.Errorf("acknowledged as %v", s)
		}
		if args := w.want(basicAck); args[7] != 1 || args[8] != 0 {
			t.Errorf("acknowledged with %v, want tag 1 alone", args)
		}
		if s, _ := acks(t, r, d); s != history.Failed {
			t.Errorf("acknowledged again as %v", s)
		}
		w.deliver(tag, 2, false, "t")
		acks(t, r, receive(t, r)[0])
		if args := w.want(basicAck); args[7] != 2 {
			t.Errorf("acknowledged with %v, want tag 2", args)
		}
	})
	t.Run("of an old channel never go out on a new one", func(t *testing.T) {
		b, r, w, tag := start(t)
		w.deliver(tag, 1, false, "old")
		old := receive(t, r)[0]
		w.Close()
		w, tag = b.consuming()
		w.deliver(tag, 1, false, "new")
		fresh := receive(t, r)[0]
		if s, why := acks(t, r, old); s != history.Failed || why != history.NotConnected {
			t.Errorf("the old delivery was acknowledged as %v, %v", s, why)
		}
		if s, _ := acks(t, r, fresh); s != history.Unconfirmable {
			t.Errorf("the new one as %v", s)
		}
		w.want(basicAck)
		w.deliver(tag, 2, false, "next") // had both gone out, this would be answered after another acknowledgement
		acks(t, r, receive(t, r)[0])
		if args := w.want(basicAck); args[7] != 2 {
			t.Errorf("acknowledged with %v, want tag 2", args)
		}
	})
	t.Run("that do not come are taken for a refusal, and come too late then", func(t *testing.T) {
		_, r, w, tag := start(t)
		w.deliver(tag, 1, false, "t")
		w.deliver(tag, 2, false, "t")
		var ds []targets.Delivery
		for len(ds) < 2 {
			ds = append(ds, receive(t, r)...)
		}
		began := time.Now()
		acks(t, r, ds[1])
		w.want(basicAck)
		args := w.want(basicNack)
		if d := time.Since(began); d < keep-time.Second || d > keep+time.Second {
			t.Errorf("given back after %v, want %v", d, keep)
		}
		if args[7] != 1 || args[8] != requeue[0] {
			t.Errorf("given back with %v, want tag 1 alone, requeued", args)
		}
		if s, why := acks(t, r, ds[0]); s != history.Failed || why != history.Timeout {
			t.Errorf("acknowledged after that as %v, %v", s, why)
		}
	})
	t.Run("what another consumer received is refused", func(t *testing.T) {
		_, r, _, _ := start(t)
		if err := r.Ack(t.Context(), []targets.Delivery{{Tag: 1}}, func(int, history.Status, history.Reason) {}); err == nil {
			t.Error("it was acknowledged")
		}
	})
}

func TestWithAutomaticAcknowledgementNothingIsAcknowledged(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	r := b.consumer("auto-ack")
	w := b.accept()
	args := w.want(basicConsume)
	if flags := args[len(args)-5]; flags&2 == 0 { // then follows an empty table
		t.Errorf("subscribed with flags %b, want no-ack", flags)
	}
	_, rest := shortString(args[2:])
	tag, _ := shortString(rest)
	w.send(method{60, 21}, short(tag))
	w.deliver(tag, 1, false, "t")
	if s, why := acks(t, r, receive(t, r)[0]); s != history.Unconfirmable || why != history.NoConfirmation {
		t.Errorf("acknowledged as %v, %v", s, why)
	}
	must(t, r.Close())
	if m, _, err := w.next(); err == nil && (m == basicAck || m == basicNack) {
		t.Errorf("the client sent %v", m)
	}
}

func TestACancelledConsumerSubscribesAgainAndDeclaresNothing(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	lost := make(chan string, 4)
	c := b.config("quorum")
	c.Connected = func(open bool, _, why string) {
		if !open {
			lost <- why
		}
	}
	made, err := b.client(c).Consumer(t.Context())
	must(t, err)
	r := made.(*subscriber)
	defer r.Close()
	w, tag := b.consuming()
	w.deliver(tag, 1, false, "t")
	held := receive(t, r)[0]
	w.send(basicCancel, short(tag), bit(true))
	w, tag = b.consuming() // which insists on nothing but the prefetch and the subscription
	if why := <-lost; why != "the broker cancelled the consumer" {
		t.Errorf("recorded as lost because %q", why)
	}
	w.deliver(tag, 1, true, "t")
	receive(t, r)
	if s, _ := acks(t, r, held); s != history.Failed {
		t.Errorf("what the cancelled consumer held is acknowledged as %v", s)
	}
}

func TestAQueueThatCannotBeConsumed(t *testing.T) {
	t.Parallel()
	refusing := func(t *testing.T, text string) (*peer, *subscriber) {
		b := startPeer(t)
		r := b.consumer("quorum")
		w := b.accept()
		w.want(basicQos)
		w.send(method{60, 11})
		w.want(basicConsume)
		w.fail(404, text)
		return b, r
	}
	t.Run("because its node is down is waited for", func(t *testing.T) {
		t.Parallel()
		b, r := refusing(t, "NOT_FOUND - home node 'rabbit@n1' of durable queue 'q' in vhost '/' is down or inaccessible")
		if ds, err := r.Receive(t.Context()); ds != nil || err != nil {
			t.Errorf("%v, %v", ds, err)
		}
		w, tag := b.consuming()
		w.deliver(tag, 1, false, "t")
		receive(t, r)
	})
	t.Run("because it does not exist is an error, and it is not made", func(t *testing.T) {
		t.Parallel()
		b, r := refusing(t, "NOT_FOUND - no queue 'q' in vhost '/'")
		var err error
		await(t, "receiving fails", func() bool { _, err = r.Receive(t.Context()); return err != nil })
		if !errors.Is(err, errVanished) {
			t.Errorf("%v", err)
		}
		w := b.accept()
		w.want(basicQos)
		w.send(method{60, 11})
		if m, _, err := w.next(); m == queueDeclare || err != nil {
			t.Errorf("the client sent %v, %v", m, err)
		}
	})
}
