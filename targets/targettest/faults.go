package targettest

import (
	"context"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/semantics"
	"waybill/targets"
)

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
	e.judge(t, volleys, "lose-confirms", func(t *testing.T, v *volley) {
		unsure := 0
		for _, n := range v.notes {
			if n.At.Before(from) || n.At.After(to) {
				continue
			}
			// Packets that passed before the cut may still be read for a moment.
			if n.Outcome.Status == history.Acked && n.At.Sub(from) > 200*time.Millisecond {
				t.Errorf("message %d was acked %v into the cut, when no confirmation can have come", n.N, n.At.Sub(from))
			}
			if n.Outcome.Status == history.Unknown && v.found[message(v.Life, n.N).Token] > 0 {
				unsure++
			}
		}
		// Within a session the library does not give up so soon.
		if unsure == 0 && !v.mode.Traits.Session {
			t.Error("during the cut no message was stored, or delivered, and unknown: the cut tested nothing")
		}
	})
}

// brokerKilled ends the host of the broker that producers are connected to, with messages on the wire, and starts it again.
func (e *environment) brokerKilled(t *testing.T) {
	volleys := e.underFire(t, func(t *testing.T) {
		h := e.host(t, e.brokers[0])
		ctx := within(t, 2*time.Minute)
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
		wait(t, time.Second)
		began := time.Now()
		e.restart(t, ctx, h)
		eventually(t, ctx, "the cluster is healthy", func() error { return e.cluster.Healthy(ctx) })
		t.Logf("healthy %v after the restart", time.Since(began).Round(time.Millisecond))
	})
	e.judge(t, volleys, "kill-broker", func(t *testing.T, v *volley) {
		if v.ended[history.Rejected]+v.ended[history.Unknown] == 0 && !v.mode.Traits.Session {
			t.Error("every message was acked: the kill hit nothing")
		}
	})
}

// restart starts killed hosts and what ran there again, all at once: the nodes of some products wait for each other.
func (e *environment) restart(t *testing.T, ctx context.Context, hosts ...*lab.Host) {
	t.Helper()
	g, ctx := errgroup.WithContext(ctx)
	for _, h := range hosts {
		g.Go(func() error {
			if err := h.Restart(ctx); err != nil {
				return err
			}
			return e.cluster.StartNode(ctx, h.Name())
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// allKilled ends all brokers at one instant. What they had acknowledged is there when they are back, in every mode that says so.
func (e *environment) allKilled(t *testing.T) {
	ctx := within(t, 4*time.Minute)
	queues, sent := map[string]targets.Queue{}, map[string][]targets.Message{}
	for _, m := range e.description.Modes {
		if keeps(m, "kill-all") && m.Traits.CanDrain() {
			queues[m.Name] = e.queue(t, m)
			sent[m.Name] = e.accepted(t, m, queues[m.Name], 100)
		}
	}
	if len(sent) == 0 {
		t.Fatal("no mode promises to keep what it acknowledged when all brokers are killed")
	}
	var hosts []*lab.Host
	var g errgroup.Group
	for _, name := range e.brokers {
		h := e.host(t, name)
		hosts = append(hosts, h)
		g.Go(func() error { return h.Kill(ctx) })
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	e.restart(t, ctx, hosts...)
	eventually(t, ctx, "the cluster is healthy", func() error { return e.cluster.Healthy(ctx) })
	t.Logf("healthy %v after all were started again", time.Since(began).Round(time.Millisecond))
	e.together(t, func(t *testing.T, m semantics.Mode) {
		q, tried := queues[m.Name]
		if !tried {
			return
		}
		ctx := within(t, 90*time.Second)
		found := e.collect(t, ctx, m, q, e.consumer(t, ctx, q, 0))
		lost := 0
		for _, s := range sent[m.Name] {
			if found[s.Token] == 0 {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("of %d messages acknowledged before the kill %d are not delivered after it", len(sent[m.Name]), lost)
		}
	})
}
