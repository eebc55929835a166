package kafka

import (
	"context"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
	"waybill/targets"
)

func produceFault(err *kerr.Error) kfake.Fault {
	return kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err}
}

func TestAnAnswerOfTheBrokerEndsTheAttempt(t *testing.T) {
	for _, c := range []struct {
		claim, mode string
		err         *kerr.Error
		status      history.Status
		flags       history.Flags
		copies      int
	}{
		{"stored and not replicated is unknown", "acks-all", kerr.NotEnoughReplicasAfterAppend, history.Unknown, 0, 1},
		{"stored and timed out is unknown", "acks-1", kerr.RequestTimedOut, history.Unknown, 0, 1},
		{"not stored, by a leader deposed, is unknown", "acks-all", kerr.NotLeaderForPartition, history.Unknown, 0, 0},
		{"too few replicas beforehand is rejected", "acks-all", kerr.NotEnoughReplicas, history.Rejected, 0, 0},
		{"too large is rejected", "acks-1", kerr.MessageTooLarge, history.Rejected, 0, 0},
		{"a session goes on until it is stored and replicated, once", "idempotent", kerr.NotEnoughReplicasAfterAppend, history.Acked, history.Resent, 1},
		{"a session goes on after a leader was deposed", "idempotent", kerr.NotLeaderForPartition, history.Acked, history.Resent, 1},
	} {
		t.Run(c.claim, func(t *testing.T) {
			f := newFake(t, c.mode)
			f.Fault(produceFault(c.err))
			p := f.producer()
			o := f.send(p, message(1))()[0]
			if o.Status != c.status || o.Flags != c.flags {
				t.Errorf("ended %+v, want status %v, flags %v", o, c.status, c.flags)
			}
			if n := f.copies()[message(1).Token]; n != c.copies {
				t.Errorf("stored %d times, want %d", n, c.copies)
			}
		})
	}
}

func TestALostAnswerIsUnknownOrRepeatedInTheSession(t *testing.T) {
	for _, c := range []struct {
		mode   string
		status history.Status
		flags  history.Flags
	}{
		{"acks-1", history.Unknown, 0},
		{"acks-all", history.Unknown, 0},
		{"idempotent", history.Acked, history.Resent},
	} {
		t.Run(c.mode, func(t *testing.T) {
			f := newFake(t, c.mode)
			p := f.producer()
			if o := f.send(p, message(0))()[0]; o.Status != history.Acked || o.Flags != 0 {
				t.Fatalf("in calm: %+v", o)
			}
			seen := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
			f.deaf.Store(true)
			wait := f.send(p, message(1))
			if err := seen.Wait(within(t, 10*time.Second), 1); err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(300*time.Millisecond, func() { f.deaf.Store(false) })
			if o := wait()[0]; o.Status != c.status || o.Flags != c.flags {
				t.Errorf("ended %+v, want status %v, flags %v", o, c.status, c.flags)
			}
			f.deaf.Store(false)
			if n := f.copies()[message(1).Token]; n != 1 {
				t.Errorf("stored %d times, want once", n)
			}
			if o := f.send(p, message(2))()[0]; o.Status != history.Acked || o.Flags != 0 {
				t.Errorf("afterwards: %+v", o)
			}
		})
	}
}

func TestWithoutAConnectionAMessageIsCertainlyNowhere(t *testing.T) {
	for _, name := range []string{"acks-0", "acks-1", "acks-all"} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t, name)
			f.config.Nodes = []targets.Node{{Name: "n1", Addr: "127.0.0.1:1"}}
			began := time.Now()
			o := f.send(f.producer(), message(1))()[0]
			if o.Status != history.Rejected || o.Reason != history.NotConnected {
				t.Errorf("ended %+v, want rejected", o)
			}
			if d := time.Since(began); d > f.config.Confirm+time.Second {
				t.Errorf("ended after %v, with %v to confirm", d, f.config.Confirm)
			}
		})
	}
	t.Run("a session waits until it is closed", func(t *testing.T) {
		f := newFake(t, "idempotent")
		f.config.Nodes = []targets.Node{{Name: "n1", Addr: "127.0.0.1:1"}}
		p := f.producer()
		wait := f.send(p, message(1))
		short, cancel := context.WithTimeout(t.Context(), f.config.Confirm+time.Second)
		defer cancel()
		if err := p.Flush(short); err == nil {
			t.Error("ended before the close")
		}
		p.Close()
		if o := wait()[0]; o.Status != history.Rejected {
			t.Errorf("never written, and ended %+v", o)
		}
	})
}

func TestAnAttemptThatIsNotAnsweredInTimeIsUnknown(t *testing.T) {
	f := newFake(t, "acks-all")
	p := f.producer()
	f.send(p, message(0))()
	late := make(chan struct{})
	defer close(late)
	f.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		f.SleepControl(func() { <-late })
		return nil, nil, false
	})
	began := time.Now()
	o := f.send(p, message(1))()[0]
	if o.Status != history.Unknown || o.Reason != history.Timeout {
		t.Errorf("ended %+v", o)
	}
	if d := time.Since(began); d > f.config.Confirm+time.Second {
		t.Errorf("ended after %v, with %v to confirm", d, f.config.Confirm)
	}
}

func TestAfterTheCloseNothingIsSent(t *testing.T) {
	f := newFake(t, "idempotent")
	p := f.producer()
	p.Close()
	if o := f.send(p, message(1))()[0]; o.Status != history.Rejected {
		t.Errorf("ended %+v", o)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	q := f.producer()
	q.Send(ended, message(2), func(o targets.Outcome) {
		if o.Status != history.Rejected || o.Reason != history.Interrupted {
			t.Errorf("with a context that ended: %+v", o)
		}
	})
	if n := len(f.copies()); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
}

func TestAPinnedClientSpeaksToOneNode(t *testing.T) {
	f := newFake(t, "acks-all")
	f.config.Nodes = append(f.config.Nodes, targets.Node{Name: "n2", Addr: "127.0.0.1:1"})
	p := f.producer()
	if err := p.Pin(within(t, 5*time.Second), "n1"); err != nil {
		t.Fatal(err)
	}
	if o := f.send(p, message(1))()[0]; o.Status != history.Acked {
		t.Errorf("pinned to the node that leads: %+v", o)
	}
	short := within(t, time.Second)
	if err := p.Pin(short, "n2"); err == nil {
		t.Error("pinned to a node that does not answer")
	}
	if o := f.send(p, message(2))()[0]; o.Status != history.Rejected || o.Reason != history.NotConnected {
		t.Errorf("pinned elsewhere: %+v", o)
	}
	if err := p.Pin(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if o := f.send(p, message(3))()[0]; o.Status != history.Acked {
		t.Errorf("free again: %+v", o)
	}
	if err := p.Pin(t.Context(), "n9"); err == nil {
		t.Error("pinned to a node that nobody knows")
	}
}
