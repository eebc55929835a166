package targettest

import (
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/semantics"
	"waybill/targets"
)

// volley is what one producer sent under fire, what became of it, and how often each message was found afterwards.
type volley struct {
	assignment
	mode     semantics.Mode
	queue    targets.Queue
	consumer targets.Consumer // of a mode that delivers only to those who are there
	process  *lab.Process

	notes []note
	ended map[history.Status]int
	found map[string]int // by token
}

// underFire lets a producer of each mode send from a host, pinned to the first broker, strikes meanwhile, and waits
// until all have ended and the cluster is healthy.
func (e *environment) underFire(t *testing.T, strike func(*testing.T)) []*volley {
	t.Helper()
	ctx := within(t, 4*time.Minute)
	var vs []*volley
	for _, m := range e.description.Modes {
		v := &volley{mode: m, queue: e.queue(t, m), ended: map[history.Status]int{}}
		if !m.Traits.CanDrain() {
			v.consumer = e.consumer(t, ctx, v.queue, 1)
			connected(t, ctx, v.consumer)
		}
		if f, ok := e.cluster.(targets.LeaderFinder); ok && m.Traits.Leader {
			if err := f.MoveLeader(ctx, v.queue.Name, targets.OfQueue, e.brokers[0]); err != nil {
				t.Fatal(err)
			}
		}
		v.assignment = assignment{
			Target: e.description.Name, Client: e.config(v.queue, 0), Life: e.life(), Count: 2000, Every: 3 * time.Millisecond, Pin: e.brokers[0],
		}
		vs = append(vs, v)
	}
	for _, v := range vs {
		v.process = e.dispatch(t, e.client, senderProgram, v.assignment)
	}
	for _, v := range vs {
		eventually(t, ctx, "messages are being sent", func() error {
			if n := len(e.notes(t, e.client, v.assignment)); n < 100 {
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
// must be absent, what was acked must be where the confirmation said, where the mode promises to keep it, and each attempt has one outcome.
func (e *environment) judge(t *testing.T, vs []*volley, fault string, more func(*testing.T, *volley)) {
	t.Helper()
	byMode := map[string]*volley{}
	for _, v := range vs {
		byMode[v.mode.Name] = v
	}
	e.together(t, func(t *testing.T, m semantics.Mode) {
		v := byMode[m.Name]
		v.notes = e.notes(t, e.client, v.assignment)
		ctx := within(t, 90*time.Second)
		switch {
		case m.Traits.Scannable:
			// A Kafka follower that was killed shows nothing beyond the high watermark it had noted, and may hear of a later one only with the next
			// message of its partition.
			e.publish(t, v.queue, 14)
			v.found = v.hold(t, e.scan(t, v.queue), keeps(m, fault))
		case v.consumer == nil:
			v.found = e.collect(t, ctx, m, v.queue, e.consumer(t, ctx, v.queue, 1))
		default:
			v.found = e.collect(t, ctx, m, v.queue, v.consumer)
		}
		outcomes := map[int]int{}
		for _, n := range v.notes {
			v.ended[n.Outcome.Status]++
			outcomes[n.N]++
			found := v.found[message(v.Life, n.N).Token]
			if n.Outcome.Status == history.Rejected && found > 0 {
				t.Errorf("message %d ended %+v, and is there", n.N, n.Outcome)
			}
			if n.Outcome.Status == history.Acked && found == 0 && keeps(m, fault) {
				t.Errorf("message %d ended %+v, and is not there", n.N, n.Outcome)
			}
		}
		for n := 1; n <= v.Count; n++ {
			if outcomes[n] != 1 {
				t.Errorf("message %d has %d outcomes, want one", n, outcomes[n])
			}
		}
		t.Logf("%d acked, %d rejected, %d unknown; %d found",
			v.ended[history.Acked], v.ended[history.Rejected], v.ended[history.Unknown], len(v.found))
		more(t, v)
	})
}

// hold compares confirmations with what the replicas hold and counts the copies of each message.
func (v *volley) hold(t *testing.T, s *shelf, kept bool) map[string]int {
	t.Helper()
	var found map[string]int
	for replica, copies := range s.copies {
		found = map[string]int{}
		at := map[history.Position]string{}
		for _, c := range copies {
			at[place(c.Pos)] = c.Token
			found[c.Token]++
		}
		for _, n := range v.notes {
			if got := at[place(n.Outcome.Pos)]; kept && n.Outcome.Status == history.Acked && got != message(v.Life, n.N).Token {
				t.Errorf("message %d was acked at %+v, where %s holds %q", n.N, n.Outcome.Pos, replica, got)
			}
		}
	}
	return found
}
