package frames

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// natsDialer puts a filter around what it dials.
type natsDialer struct{ f *Filter }

func (d natsDialer) Dial(network, addr string) (net.Conn, error) {
	c, err := net.DialTimeout(network, addr, 5*time.Second)
	if err != nil {
		return nil, err
	}
	return d.f.Wrap(c), nil
}

// hitList counts what a filter tells.
type hitList struct {
	mu   sync.Mutex
	hits []Hit
}

func (l *hitList) add(h Hit) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hits = append(l.hits, h)
}

func (l *hitList) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.hits)
}

func newFilter(t testing.TB, protocol string) (*Filter, *hitList) {
	t.Helper()
	l := &hitList{}
	f, err := New(protocol, l.add)
	if err != nil {
		t.Fatal(err)
	}
	return f, l
}

func set(t testing.TB, f *Filter, rules ...Rule) {
	t.Helper()
	if err := f.Set(rules); err != nil {
		t.Fatal(err)
	}
}

// runNATS starts a server in this process, and a client of it whose frames f sees, with a stream of what is sent to "s.>".
func runNATS(t *testing.T, f *Filter, opts ...nats.Option) (jetstream.JetStream, jetstream.Stream, *nats.Conn) {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	nc, err := nats.Connect(s.ClientURL(), append(opts, nats.SetCustomDialer(natsDialer{f}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "s", Subjects: []string{"s.>"}, Duplicates: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return js, st, nc
}

func stored(t *testing.T, s jetstream.Stream) uint64 {
	t.Helper()
	i, err := s.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return i.State.Msgs
}

func publish(t *testing.T, js jetstream.JetStream, wait time.Duration, opts ...jetstream.PublishOpt) error {
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	_, err := js.Publish(ctx, "s.x", []byte("hello"), opts...)
	return err
}

func TestDroppedConfirmsOfANATSServerTimeOutAndTheMessagesAreStored(t *testing.T) {
	f, hits := newFilter(t, "nats")
	js, s, _ := runNATS(t, f)
	set(t, f, Rule{Kind: Confirm, Act: Drop, Share: 1, Count: 3})
	for i := range 6 {
		err := publish(t, js, 300*time.Millisecond)
		if dropped := i < 3; dropped != errors.Is(err, context.DeadlineExceeded) || !dropped && err != nil {
			t.Errorf("publish %d: %v", i, err)
		}
	}
	if n := stored(t, s); n != 6 {
		t.Errorf("the stream holds %d messages, want all 6", n)
	}
	if n := hits.count(); n != 3 {
		t.Errorf("told of %d, want 3", n)
	}
	if n := f.Lost(); n != 0 {
		t.Errorf("gave %d connections up", n)
	}
}

func TestARepeatedPublishIsStoredTwiceAndAnsweredOnce(t *testing.T) {
	f, hits := newFilter(t, "nats")
	js, s, _ := runNATS(t, f)
	set(t, f, Rule{Kind: Publish, Act: Repeat, Share: 1, Count: 2})
	for range 4 {
		if err := publish(t, js, 5*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	if n := stored(t, s); n != 6 {
		t.Errorf("the stream holds %d messages, want 4 and 2 copies", n)
	}
	set(t, f, Rule{Kind: Publish, Act: Repeat, Share: 1})
	if err := publish(t, js, 5*time.Second, jetstream.WithMsgID("one")); err != nil {
		t.Fatal(err)
	}
	if n := stored(t, s); n != 7 {
		t.Errorf("the stream holds %d messages: a copy with the same id was stored", n)
	}
	if n := hits.count(); n != 3 {
		t.Errorf("told of %d, want 3", n)
	}
}

func TestAMutedAcknowledgementLeadsToARedelivery(t *testing.T) {
	f, hits := newFilter(t, "nats")
	js, s, _ := runNATS(t, f)
	c, err := s.CreateConsumer(t.Context(), jetstream.ConsumerConfig{AckPolicy: jetstream.AckExplicitPolicy, AckWait: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(t, js, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	set(t, f, Rule{Kind: Ack, Act: Mute, Share: 1})
	for i := range 3 {
		m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		md, err := m.Metadata()
		if err != nil {
			t.Fatal(err)
		}
		if md.NumDelivered != uint64(i+1) {
			t.Errorf("delivered %d times, want %d", md.NumDelivered, i+1)
		}
		if i == 2 {
			set(t, f)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			if err := m.DoubleAck(ctx); err != nil {
				t.Fatal(err)
			}
			break
		}
		if err := m.InProgress(); err != nil { // acknowledges nothing
			t.Fatal(err)
		}
		if err := m.Ack(); err != nil {
			t.Fatal(err)
		}
	}
	if n := hits.count(); n != 2 {
		t.Errorf("told of %d, want 2", n)
	}
}

func TestAHeldPublishArrivesAfterItsClientWasCut(t *testing.T) {
	f, _ := newFilter(t, "nats")
	js, s, nc := runNATS(t, f, nats.ReconnectWait(10*time.Millisecond), nats.PingInterval(time.Second))
	set(t, f, Rule{Kind: Publish, Act: Hold, Share: 1, Count: 1, For: 1500 * time.Millisecond})
	if err := publish(t, js, 300*time.Millisecond); err == nil {
		t.Error("a publish that was held was confirmed")
	}
	for !nc.IsConnected() {
		if t.Context().Err() != nil {
			t.Fatal("the client does not come back")
		}
	}
	if n := stored(t, s); n != 0 {
		t.Errorf("the stream holds %d messages while the publish is held", n)
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(10 * time.Second); stored(t, s) != 1; <-tick.C {
		if time.Now().After(end) {
			t.Fatal("the publish that was held never came")
		}
	}
}

func TestADelayedConfirmComesLaterAndAloneLate(t *testing.T) {
	f, _ := newFilter(t, "nats")
	js, _, nc := runNATS(t, f)
	set(t, f, Rule{Kind: Confirm, Act: Delay, Share: 1, Count: 1, For: 400 * time.Millisecond})
	began := time.Now()
	late, err := js.PublishAsync("s.x", []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	if err := publish(t, js, 5*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(began); d > 300*time.Millisecond {
		t.Errorf("what came behind the delayed frame took %s", d)
	}
	select {
	case <-late.Ok():
	case err := <-late.Err():
		t.Fatal(err)
	case <-time.After(10 * time.Second):
		t.Fatal("the delayed confirmation never came")
	}
	if d := time.Since(began); d < 400*time.Millisecond {
		t.Errorf("the delayed confirmation took %s", d)
	}
}
