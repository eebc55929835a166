package nats

import (
	"context"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

func receiveOne(t *testing.T, c targets.Consumer) targets.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for {
		ds, err := c.Receive(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(ds) > 0 {
			return ds[0]
		}
	}
}

func TestReceive(t *testing.T) {
	e := embed(t)
	e.queue(t, "q")

	t.Run("nothing to receive is nothing, after about a second", func(t *testing.T) {
		for _, q := range []string{"q", "absent"} {
			began := time.Now()
			ds, err := e.consumer(t, q, "jetstream").Receive(t.Context())
			if d := time.Since(began); err != nil || ds != nil || d < receiveWait/2 || d > 2*time.Second {
				t.Errorf("%s: %v, %v after %v", q, ds, err, d)
			}
		}
	})
	t.Run("a message that comes while it waits is returned at once", func(t *testing.T) {
		c, p := e.consumer(t, "q", "jetstream"), e.producer(t, "q", "jetstream")
		go p.Send(context.Background(), msg(1, 1), func(targets.Outcome) {})
		began := time.Now()
		d := receiveOne(t, c)
		if took := time.Since(began); took > receiveWait/2 {
			t.Errorf("after %v", took)
		}
		if d.Token != msg(1, 1).Token || d.Attempt != 1 || d.Key != 3 || d.Pos.Offset != 1 || d.Tag != 1 || d.Count != 1 || d.Redelivered || d.BrokerTime == 0 {
			t.Errorf("%+v", d)
		}
		if err := c.Ack(t.Context(), []targets.Delivery{d}, func(_ int, s history.Status, _ history.Reason) {
			if s != history.Unconfirmable {
				t.Errorf("acknowledged with status %d", s)
			}
		}); err != nil {
			t.Error(err)
		}
	})
	t.Run("what one Receive did not take is redelivered, not returned by the next as if it had been asked for", func(t *testing.T) {
		c := e.consumer(t, "q", "jetstream-dedup").(*puller)
		p := e.producer(t, "q", "jetstream")
		for i := range 20 {
			send(t, p, msg(100+i, 1))
		}
		ds, err := c.Receive(t.Context())
		if err != nil || len(ds) != 16 {
			t.Fatalf("%d deliveries, %v, want a batch of 16", len(ds), err)
		}
		rest, err := c.Receive(t.Context())
		if err != nil || len(rest) != 4 {
			t.Fatalf("%d deliveries, %v, want the other 4", len(rest), err)
		}
	})
	t.Run("a consumer that is deleted meanwhile is an error", func(t *testing.T) {
		e.queue(t, "gone")
		c := e.consumer(t, "gone", "jetstream")
		failed := make(chan error, 1)
		go func() {
			for {
				if _, err := c.Receive(context.Background()); err != nil {
					failed <- err
					return
				}
			}
		}()
		if err := c.(*puller).until(t.Context(), "waiting", func() bool {
			o, err := e.js.Consumer(t.Context(), "gone", "gone")
			return err == nil && o.CachedInfo().NumWaiting > 0
		}); err != nil {
			t.Fatal(err)
		}
		if err := e.js.DeleteConsumer(t.Context(), "gone", "gone"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-failed:
		case <-time.After(10 * time.Second):
			t.Fatal("it went on waiting")
		}
	})
}

func TestAck(t *testing.T) {
	e := embed(t)
	e.queue(t, "q")
	p := e.producer(t, "q", "jetstream")
	for i := range 3 {
		send(t, p, msg(i+1, 1))
	}
	status := func(c targets.Consumer, d targets.Delivery) (got history.Status) {
		if err := c.Ack(t.Context(), []targets.Delivery{d}, func(_ int, s history.Status, _ history.Reason) { got = s }); err != nil {
			t.Error(err)
		}
		return got
	}
	confirmed := e.consumer(t, "q", "jetstream-ledger")
	d := receiveOne(t, confirmed)
	if s := status(confirmed, d); s != history.Confirmed {
		t.Errorf("status %d, want confirmed", s)
	}
	d2 := receiveOne(t, confirmed)
	plain := e.consumer(t, "q", "jetstream")
	d3 := receiveOne(t, plain) // redelivered or new, whichever
	e.Shutdown()
	for _, c := range []struct {
		consumer targets.Consumer
		d        targets.Delivery
	}{{confirmed, d2}, {plain, d3}} {
		l := c.consumer.(*puller).link
		if err := l.until(t.Context(), "cut off", func() bool { return !l.nc.IsConnected() }); err != nil {
			t.Fatal(err)
		}
		if s := status(c.consumer, c.d); s != history.Failed {
			t.Errorf("without a connection: status %d, want failed", s)
		}
	}
}

func TestCoreGroup(t *testing.T) {
	e := embed(t)
	a, b := e.consumer(t, "q", "core"), e.consumer(t, "q", "core")
	for _, c := range []targets.Consumer{a, b} {
		if err := c.(*listener).nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	p := e.producer(t, "q", "core")
	const n = 50
	for i := range n {
		send(t, p, msg(i+1, 1))
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen, most := map[string]int{}, 0
	for _, c := range []targets.Consumer{a, b} {
		for {
			ds, err := c.Receive(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(ds) == 0 {
				break
			}
			most = max(most, len(ds))
			for _, d := range ds {
				seen[d.Token]++
			}
		}
	}
	if most < 2 || most > 16 {
		t.Errorf("at most %d deliveries at once, want a batch, of 16 at most", most)
	}
	for i := range n {
		if c := seen[msg(i+1, 1).Token]; c != 1 {
			t.Errorf("message %d reached the group %d times", i+1, c)
		}
	}
}
