package nats

import (
	"context"
	"net/url"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"
	"waybill/harness/history"
	"waybill/targets"
)

// embedded is a real server in this process, alone, on loopback: enough to classify what it answers.
type embedded struct {
	*server.Server
	nc *nats.Conn
	js jetstream.JetStream
}

func embed(t *testing.T) *embedded { return embedWith(t, true) }

func embedWith(t *testing.T, jetStream bool) *embedded {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: jetStream, StoreDir: t.TempDir(), NoLog: true, NoSigs: true, MaxPayload: 64 << 10,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the embedded server did not start")
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
		// The server's own goroutines end a little later than it says.
		if err := goleak.Find(before, goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server.init.0.func1")); err != nil {
			t.Error(err)
		}
	})
	nc, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return &embedded{s, nc, js}
}

// queue makes a stream of one replica, with a consumer, as the cluster would of three.
func (e *embedded) queue(t *testing.T, name string, more ...func(*jetstream.StreamConfig)) {
	t.Helper()
	n := namesOf(name)
	c := jetstream.StreamConfig{Name: n.stream, Subjects: []string{n.subjects}, Duplicates: time.Minute}
	for _, m := range more {
		m(&c)
	}
	if _, err := e.js.CreateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	_, err := e.js.CreateConsumer(t.Context(), n.stream, jetstream.ConsumerConfig{
		Durable: n.stream, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second, MaxDeliver: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (e *embedded) stored(t *testing.T, name string) uint64 {
	t.Helper()
	s, err := e.js.Stream(t.Context(), namesOf(name).stream)
	if err != nil {
		t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs
}

func (e *embedded) config(t *testing.T, queue, mode string) targets.ClientConfig {
	t.Helper()
	u, err := url.Parse(e.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	return targets.ClientConfig{
		Name: "test", Nodes: []targets.Node{{Name: "n1", Addr: u.Host}}, Queue: targets.Queue{Name: queue, Mode: mode},
		Batch: 16, Confirm: time.Second,
	}
}

func (e *embedded) producer(t *testing.T, queue, mode string) targets.Producer {
	t.Helper()
	p, err := mustClient(t, e.config(t, queue, mode)).Producer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	if err := p.(targets.Pinner).Pin(t.Context(), "n1"); err != nil {
		t.Fatal(err)
	}
	return p
}

func (e *embedded) consumer(t *testing.T, queue, mode string) targets.Consumer {
	t.Helper()
	c, err := mustClient(t, e.config(t, queue, mode)).Consumer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.(targets.Pinner).Pin(t.Context(), "n1"); err != nil {
		t.Fatal(err)
	}
	return c
}

func mustClient(t *testing.T, c targets.ClientConfig) targets.Client {
	t.Helper()
	cl, err := newClient(c)
	if err != nil {
		t.Fatal(err)
	}
	return cl
}

// send publishes and waits for the outcome.
func send(t *testing.T, p targets.Producer, m targets.Message) targets.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	out := make(chan targets.Outcome, 1)
	p.Send(ctx, m, func(o targets.Outcome) { out <- o })
	select {
	case o := <-out:
		return o
	case <-ctx.Done():
		t.Fatal("an attempt has no outcome")
		return targets.Outcome{}
	}
}

func msg(seq int, attempt uint32) targets.Message {
	m := history.Msg{Life: 1, Seq: uint64(seq)}
	return targets.Message{Token: history.Token("unittest", m, history.Checksum(m, 3, []byte("x"))), Attempt: attempt, Key: 3, Payload: []byte("x")}
}
