package targettest

import (
	"context"
	"errors"
	"testing"
	"time"

	"waybill/harness/semantics"
	"waybill/targets"
)

// vanished deletes queues under their clients. Nobody may make them anew: a queue that is found empty afterwards would be a drain that
// proves nothing.
func (e *environment) vanished(t *testing.T) {
	d, ok := e.cluster.(targets.QueueDeleter)
	if !ok {
		t.Fatal("this target's cluster cannot delete a queue: implement targets.QueueDeleter")
	}
	e.together(t, func(t *testing.T, m semantics.Mode) {
		if !m.Traits.CanDrain() {
			return // a name, and nothing that could vanish
		}
		q := e.queue(t, m)
		ctx := within(t, 60*time.Second)
		i := e.inspector(t, ctx, q)
		c := e.consumer(t, ctx, q, 0)
		connected(t, ctx, c)
		p, err := e.dial(t, e.config(q, 0)).Producer(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer closing(t, p)
		connected(t, ctx, p)
		first, sent := e.life(), 0
		eventually(t, ctx, "a message is there", func() error {
			if d, err := i.Depth(ctx); err != nil || sent == 0 || d.Ready+d.Unacked == 0 && m.Traits.Acks {
				sent++ // one Send is one attempt, which a queue that was made just now may refuse
				p.Send(ctx, message(first, sent), func(targets.Outcome) {})
				return errNot{d, err}
			}
			return nil
		})
		if err := d.DeleteQueue(ctx, q); err != nil {
			t.Fatal(err)
		}
		gone := func(i targets.Inspector) error {
			if d, err := i.Depth(ctx); err == nil {
				return errNot{d, nil}
			}
			return nil
		}
		eventually(t, ctx, "the queue is gone", func() error { return gone(i) })
		late := e.dial(t, e.config(q, 1)) // of a life that begins afterwards
		life := e.life()
		for n := range 3 {
			p.Send(ctx, message(life, 10+n), func(targets.Outcome) {})
			listen(ctx, c)
			if lc, err := opened(ctx, late.Consumer); err == nil {
				listen(ctx, lc)
				closing(t, lc)
			}
			if lp, err := opened(ctx, late.Producer); err == nil {
				lp.Send(ctx, message(life, 20+n), func(targets.Outcome) {})
				closing(t, lp)
			}
			if li, err := opened(ctx, late.Inspector); err == nil {
				if err := gone(li); err != nil {
					t.Fatalf("the queue was deleted, and an inspector that comes later finds it: %v", err)
				}
				closing(t, li)
			}
			if err := gone(i); err != nil {
				t.Fatalf("the queue was deleted, and is there again: %v", err)
			}
		}
	})
}

// listen receives for a moment, whatever comes of it: a queue that is gone may be an error or nothing.
func listen(ctx context.Context, c targets.Consumer) {
	short, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
	defer cancel()
	for short.Err() == nil {
		if _, err := c.Receive(short); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return
		}
	}
}

// opened opens a role within a few seconds.
func opened[R any](ctx context.Context, open func(context.Context) (R, error)) (R, error) {
	short, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return open(short)
}
