package targettest

import (
	"slices"
	"testing"
	"time"

	"waybill/harness/semantics"
)

// takesOver kills a consumer with SIGKILL, and everything on its host, while it holds deliveries, and waits for another member to get them.
func (e *environment) takesOver(t *testing.T, m semantics.Mode) {
	q := e.queue(t, m)
	ctx := within(t, 90*time.Second)
	r := e.receiver(t, ctx, q, 0)
	sent := e.accepted(t, m, q, 7) // fewer than one batch, so that a transaction has them all
	held := r.await(t, ctx, "the receiver holds a delivery", func(ns []note) bool {
		return len(ns) > 0 && (!m.Traits.Transactional || ns[len(ns)-1].Ending)
	})
	if err := r.host.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	other := e.consumer(t, ctx, q, 1)
	got := map[string]bool{}
	done := finisher(t, ctx, m, other)
	missing := func() (out []string) {
		for _, s := range sent {
			if !got[s.Token] {
				out = append(out, s.Token)
			}
		}
		return out
	}
	for promised(m) && len(missing()) > 0 || !promised(m) && len(got) == 0 {
		ds := next(ctx, t, other)
		for _, d := range ds {
			got[d.Token] = true
			i := slices.IndexFunc(held, func(n note) bool { return n.Token == d.Token })
			if i < 0 {
				continue // the killed one had not got so far
			}
			if d.Count != 0 && (d.Count < 2 || !d.Redelivered) {
				t.Errorf("%s was held by a killed consumer, and its next delivery is %+v: want it marked, and counted as the second", d.Token, d)
			}
			if place(d.Pos) != place(held[i].Pos) {
				t.Errorf("%s was first delivered from %+v, then from %+v", d.Token, held[i].Pos, d.Pos)
			}
		}
		if len(ds) > 0 {
			done(ds)
		}
	}
	// A member that joins needs some seconds of its own.
	described := e.description.Timing.Redelivery
	if d, limit := time.Since(began), 3*described+5*time.Second; d > limit {
		t.Errorf("delivered again after %v, described as %v", d, described)
	}
	t.Logf("held %d, delivered again %v after the kill", len(held), time.Since(began).Round(time.Millisecond))
}
