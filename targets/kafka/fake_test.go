package kafka

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"
	"waybill/harness/history"
	"waybill/targets"
)

// fake is a broker in this process, for answers that a real one gives once a year. What a real one does is tried in a lab.
type fake struct {
	*kfake.Cluster
	t      testing.TB
	mode   mode
	config targets.ClientConfig
	deaf   atomic.Bool // what the broker sends is dropped, and the connection cut after a moment
	resets chan [3]int64
}

func newFake(t testing.TB, modeName string) *fake {
	t.Helper()
	before := goleak.IgnoreCurrent()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(partitions, "q", "q.out"), kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Close()
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
	f := &fake{Cluster: c, t: t, mode: named(t, modeName), resets: make(chan [3]int64, 16)}
	f.config = targets.ClientConfig{
		Name: "someone", Nodes: []targets.Node{{Name: "n1", Addr: c.ListenAddrs()[0]}}, Queue: targets.Queue{Name: "q", Mode: modeName},
		Batch: 32, Confirm: 2 * time.Second,
		Reset: func(p uint32, from, to int64, _ string) { f.resets <- [3]int64{int64(p), from, to} },
	}
	return f
}

func (f *fake) link() *link {
	f.t.Helper()
	l, err := newLink(linkOptions{name: f.config.Name, nodes: f.config.Nodes})
	if err != nil {
		f.t.Fatal(err)
	}
	l.reach = func(ctx context.Context, network, addr string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, addr)
		return &deafened{Conn: c, deaf: &f.deaf}, err
	}
	return l
}

// deafened loses what comes in while it is deaf: the requests arrive, and their answers do not.
type deafened struct {
	net.Conn
	deaf *atomic.Bool
}

func (d *deafened) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if d.deaf.Load() && err == nil {
		d.Close()
		return 0, net.ErrClosed
	}
	return n, err
}

func (f *fake) producer() *producer {
	f.t.Helper()
	p, err := newProducer(f.link(), namesOf("q"), f.mode, f.config)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := p.Close(); err != nil {
			f.t.Error(err)
		}
	})
	return p
}

func (f *fake) inspector() targets.Inspector {
	f.t.Helper()
	i, err := newInspector(f.link(), namesOf("q"), f.config.Nodes)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { i.Close() })
	if f.mode.Traits.Transactional {
		return &outputInspector{i}
	}
	return i
}

// copies is how often each token is stored.
func (f *fake) copies() map[string]int {
	f.t.Helper()
	var k keeper
	if err := f.inspector().Scan(f.t.Context(), 1, &k); err != nil {
		f.t.Fatal(err)
	}
	stored := map[string]int{}
	for _, c := range k.copies {
		stored[c.Token]++
	}
	return stored
}

// keeper keeps what a scan tells.
type keeper struct {
	replicas []string
	ranges   []targets.Range
	copies   []targets.Copy
	ended    []error
}

func (k *keeper) Begin(replica string, rs []targets.Range) {
	k.replicas, k.ranges = append(k.replicas, replica), append(k.ranges, rs...)
}
func (k *keeper) Copy(c targets.Copy)              { k.copies = append(k.copies, c) }
func (k *keeper) End(_ string, _ int64, err error) { k.ended = append(k.ended, err) }

// send sends messages and returns a way to wait for their outcomes.
func (f *fake) send(p *producer, ms ...targets.Message) func() []targets.Outcome {
	f.t.Helper()
	var all sync.WaitGroup
	out := make([]targets.Outcome, len(ms))
	var told [1000]atomic.Int32
	for i, m := range ms {
		all.Add(1)
		p.Send(f.t.Context(), m, func(o targets.Outcome) {
			if told[i].Add(1) > 1 {
				f.t.Errorf("message %d ended twice", i)
				return
			}
			out[i] = o
			all.Done()
		})
	}
	return func() []targets.Outcome {
		f.t.Helper()
		done := make(chan struct{})
		go func() { all.Wait(); close(done) }()
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			f.t.Fatal("an attempt has no outcome")
		}
		return out
	}
}

// stock stores n messages, all of one partition.
func (f *fake) stock(n int) {
	f.t.Helper()
	p := f.producer()
	var ms []targets.Message
	for i := range n {
		m := message(i)
		m.Key = 0
		ms = append(ms, m)
	}
	for _, o := range f.send(p, ms...)() {
		if o.Status == history.Rejected {
			f.t.Fatalf("not stored: %+v", o)
		}
	}
}
