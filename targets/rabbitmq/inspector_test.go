package rabbitmq

import (
	"errors"
	"testing"

	"waybill/targets"
)

func TestNobodyLooksIntoAQueue(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	i, err := b.client(b.config("quorum")).Inspector(t.Context())
	must(t, err)
	if err := i.Scan(t.Context(), 2, nil); !errors.Is(err, targets.ErrNoScan) {
		t.Errorf("%v", err)
	}
	must(t, i.Close())
}

// declared answers one passive declaration with how many messages are ready.
func (w *wireTap) declared(ready uint32) {
	args := w.want(queueDeclare)
	name, flags := shortString(args[2:])
	if name != "q" || flags[0]&1 == 0 {
		w.t.Errorf("the client declares %q with flags %b, want passively", name, flags[0])
	}
	w.send(method{50, 11}, short("q"), u32(ready), u32(1))
}

func TestTheDepthOfSomebodyElsesQueue(t *testing.T) {
	t.Parallel()
	b := startPeer(t)
	c := b.config("quorum")
	c.Access = &targets.Access{User: "u", Password: "p"}
	made, err := b.client(c).Inspector(t.Context())
	must(t, err)
	i := made.(*outsider)
	t.Cleanup(func() { b.stop(); must(t, i.Close()) })
	if _, err := (&outsider{blind: i.blind, link: &link{}}).Depth(t.Context()); !errors.Is(err, errUnconnected) {
		t.Errorf("without a connection: %v", err)
	}
	w := b.accept()
	pinned(t, i)
	depth := func(answer func()) (targets.Depth, error) {
		t.Helper()
		var d targets.Depth
		var err error
		asked := make(chan struct{})
		go func() {
			defer close(asked)
			d, err = i.Depth(t.Context())
		}()
		answer()
		<-asked
		return d, err
	}
	ask := func(ready uint32) targets.Depth {
		t.Helper()
		d, err := depth(func() { w.declared(ready) })
		must(t, err)
		return d
	}
	if d := ask(3); d.Ready != 3 || d.Settled {
		t.Errorf("with three messages: %+v", d)
	}
	if d := ask(0); d.Ready != 0 || d.Settled || i.since.IsZero() {
		t.Errorf("just empty: %+v", d)
	}
	i.since = i.since.Add(-timing().Redelivery)
	if d := ask(0); !d.Settled {
		t.Errorf("empty for long: %+v", d)
	}
	if d := ask(1); d.Settled || !i.since.IsZero() {
		t.Errorf("with one that came back: %+v", d)
	}
	if d := ask(0); d.Settled {
		t.Errorf("just empty again: %+v", d)
	}
	if d, err := depth(func() {
		w.want(queueDeclare)
		w.fail(404, "NOT_FOUND - no queue 'q' in vhost '/'")
	}); !errors.Is(err, errVanished) || !i.since.IsZero() {
		t.Errorf("of a queue that does not exist: %+v, %v", d, err)
	}
	w = b.accept()
	pinned(t, i)
	if d, err := depth(func() { w.want(queueDeclare) }); err == nil { // and no answer
		t.Errorf("without an answer: %+v", d)
	}
}
