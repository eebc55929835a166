package nats

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"waybill/harness/history"
	"waybill/targets"
)

func TestReplyIsClassified(t *testing.T) {
	unsure := targets.Outcome{Status: history.Unknown, Reason: history.BrokerError, Origin: history.FromBroker}
	for _, c := range []struct {
		claim string
		data  string
		want  targets.Outcome
	}{
		{"a confirmation with its sequence is acked there", `{"stream":"Q","seq":7}`,
			targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Pos: history.Position{Offset: 7}}},
		{"a duplicate is acked at the earlier copy", `{"stream":"Q","seq":7,"duplicate":true}`,
			targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Flags: history.Duplicate, Pos: history.Position{Offset: 7}}},
		{"a confirmation of another stream is unknown", `{"stream":"P","seq":7}`, unsure},
		{"a confirmation without a sequence is unknown", `{"stream":"Q"}`, unsure},
		{"what is no JSON is unknown", `oops`, unsure},
		{"a duplicate in process is neither stored nor refused", apiError(409, 10158), unsure},
		{"resources exceeded on this node says nothing of another", apiError(503, 10023), unsure},
		{"a lost leadership is unknown", apiError(503, 10009), unsure},
		{"a failed store is unknown", apiError(503, 10077), unsure},
		{"an error that is not listed is unknown", apiError(400, 19999), unsure},
		{"a message too large for the stream is certainly refused", apiError(400, 10054),
			targets.Outcome{Status: history.Rejected, Reason: history.InvalidMessage, Origin: history.FromBroker}},
		{"headers too large are certainly refused", apiError(400, 10097),
			targets.Outcome{Status: history.Rejected, Reason: history.InvalidMessage, Origin: history.FromBroker}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if diff := cmp.Diff(c.want, classifyReply("Q", &nats.Msg{Data: []byte(c.data)})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func apiError(code, err int) string {
	return fmt.Sprintf(`{"stream":"Q","seq":0,"error":{"code":%d,"err_code":%d,"description":"x"}}`, code, err)
}

func TestOnlyErrorsFromBeforeTheWriteAreRejections(t *testing.T) {
	for _, c := range []struct {
		err  error
		want history.Status
	}{
		{nats.ErrReconnectBufExceeded, history.Rejected},
		{nats.ErrHeadersNotSupported, history.Rejected},
		{nats.ErrConnectionClosed, history.Rejected},
		{nats.ErrConnectionDraining, history.Rejected},
		{nats.ErrMaxPayload, history.Rejected},
		{nats.ErrBadSubject, history.Rejected},
		{io.ErrShortWrite, history.Unknown},
		{nats.ErrTimeout, history.Unknown},
		{nats.ErrNoServers, history.Unknown},
		{errors.New("broken pipe"), history.Unknown},
	} {
		if got := classifyPublish(fmt.Errorf("publish: %w", c.err)); got.Status != c.want {
			t.Errorf("%v: %+v, want status %d", c.err, got, c.want)
		}
	}
}

func TestAgainstARealServer(t *testing.T) {
	e := embed(t)
	e.queue(t, "q")
	e.queue(t, "small", func(c *jetstream.StreamConfig) { c.MaxMsgSize = 1000 })
	e.queue(t, "mute", func(c *jetstream.StreamConfig) { c.NoAck = true })

	t.Run("attempts of one message are one copy with dedup, and two without", func(t *testing.T) {
		p := e.producer(t, "q", "jetstream-dedup")
		first, again := send(t, p, msg(1, 1)), send(t, p, msg(1, 2))
		if first.Status != history.Acked || first.Flags != 0 || first.Pos.Offset != 1 {
			t.Errorf("first: %+v", first)
		}
		if again.Status != history.Acked || again.Flags != history.Duplicate || again.Pos != first.Pos {
			t.Errorf("again: %+v", again)
		}
		plain := e.producer(t, "q", "jetstream")
		if o := send(t, plain, msg(1, 3)); o.Status != history.Acked || o.Flags != 0 || o.Pos.Offset != 2 {
			t.Errorf("without dedup: %+v", o)
		}
	})
	t.Run("no stream is unknown: no responders", func(t *testing.T) {
		o := send(t, e.producer(t, "absent", "jetstream"), msg(1, 1))
		if o.Status != history.Unknown || o.Reason != history.NoResponders {
			t.Errorf("%+v", o)
		}
	})
	t.Run("a message that the stream finds too large is rejected and absent", func(t *testing.T) {
		m := msg(1, 1)
		m.Payload = make([]byte, 2000)
		if o := send(t, e.producer(t, "small", "jetstream"), m); o.Status != history.Rejected || o.Origin != history.FromBroker {
			t.Errorf("%+v", o)
		}
		if n := e.stored(t, "small"); n != 0 {
			t.Errorf("the stream holds %d messages", n)
		}
	})
	t.Run("a message that the server finds too large is rejected before it is written", func(t *testing.T) {
		m := msg(1, 1)
		m.Payload = make([]byte, 100<<10)
		for _, mode := range []string{"core", "jetstream"} {
			if o := send(t, e.producer(t, "small", mode), m); o.Status != history.Rejected || o.Reason != history.InvalidMessage || o.Origin != history.FromClient {
				t.Errorf("%s: %+v", mode, o)
			}
		}
	})
	t.Run("stored without an answer is unknown by timeout", func(t *testing.T) {
		began := time.Now()
		o := send(t, e.producer(t, "mute", "jetstream"), msg(1, 1))
		if o.Status != history.Unknown || o.Reason != history.Timeout || o.Origin != history.FromTimeout {
			t.Errorf("%+v", o)
		}
		if d := time.Since(began); d < time.Second || d > 2*time.Second {
			t.Errorf("after %v, want about a second", d)
		}
		if n := e.stored(t, "mute"); n != 1 {
			t.Errorf("the stream holds %d messages, want 1", n)
		}
	})
	t.Run("core is unknown because it asks for no confirmation", func(t *testing.T) {
		if o := send(t, e.producer(t, "nobody", "core"), msg(1, 1)); o.Status != history.Unknown || o.Reason != history.NoConfirmation {
			t.Errorf("%+v", o)
		}
	})
}

// The classic misclassification: what was handed over and lost its connection is unknown; only what was sent while
// there was none is rejected.
func TestLostConnection(t *testing.T) {
	e := embed(t)
	e.queue(t, "mute", func(c *jetstream.StreamConfig) { c.NoAck = true })
	c := e.config(t, "mute", "jetstream")
	c.Confirm = time.Minute // no timeout may help
	p, err := mustClient(t, c).Producer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if err := p.(targets.Pinner).Pin(t.Context(), "n1"); err != nil {
		t.Fatal(err)
	}
	const n = 100
	out := make(chan targets.Outcome, n)
	for i := range n {
		p.Send(t.Context(), msg(i+1, 1), func(o targets.Outcome) { out <- o })
	}
	l := p.(*publisher).link
	if err := l.until(t.Context(), "stored", func() bool { return e.stored(t, "mute") == n }); err != nil {
		t.Fatal(err)
	}
	e.Shutdown()
	for range n {
		select {
		case o := <-out:
			if o.Status != history.Unknown || o.Reason != history.ConnectionClosed || o.Origin != history.FromClose {
				t.Fatalf("in flight when the connection was lost: %+v", o)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("an attempt waits for an answer on a connection that is gone")
		}
	}
	if o := send(t, p, msg(n+1, 1)); o.Status != history.Rejected || o.Reason != history.NotConnected || o.Origin != history.FromClient {
		t.Errorf("sent while there was no connection: %+v", o)
	}
}

func TestNeverConnected(t *testing.T) {
	c := targets.ClientConfig{
		Name: "test", Nodes: []targets.Node{{Name: "n1", Addr: "127.0.0.1:1"}}, Batch: 1, Confirm: time.Second,
	}
	for _, mode := range modeNames() {
		c.Queue = targets.Queue{Name: "q", Mode: mode}
		p, err := mustClient(t, c).Producer(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if o := send(t, p, msg(1, 1)); o.Status != history.Rejected || o.Reason != history.NotConnected {
			t.Errorf("%s: %+v", mode, o)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
