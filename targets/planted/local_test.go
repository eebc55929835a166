package planted

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// local is three brokers in this process, on loopback.
type local struct {
	t     *testing.T
	nodes []*node
	peers []peer
	rates map[string]float64

	mu   sync.Mutex
	said bytes.Buffer // what the brokers confess
}

func (l *local) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.said.Write(b)
}

// confessed is the tokens that brokers say they harmed, each once, without those that were spared after all.
func (l *local) confessed(bug string) map[string]bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]bool{}
	for line := range strings.Lines(l.said.String()) {
		if f := strings.Fields(line); len(f) == 3 && f[1] == bug {
			if out[f[2]] = true; f[0] == spared {
				delete(out, f[2])
			}
		}
	}
	return out
}

// brokers starts three, with bugs, or none.
func brokers(t *testing.T, rates map[string]float64) *local {
	t.Helper()
	t.Parallel() // most of the time all of them wait
	l := &local{t: t, rates: rates}
	for i := range 3 {
		l.peers = append(l.peers, peer{Name: fmt.Sprintf("n%d", i+1), Client: freeAddr(), Raft: freeAddr()})
	}
	for _, p := range l.peers {
		l.nodes = append(l.nodes, l.run(nodeConfig{Name: p.Name, Dir: t.TempDir(), Peers: l.peers, Plants: rates, Seed: 7}))
	}
	t.Cleanup(func() {
		for _, n := range l.nodes {
			if err := n.close(); err != nil {
				t.Error(err)
			}
		}
	})
	l.led()
	return l
}

func (l *local) run(c nodeConfig) *node {
	l.t.Helper()
	n, err := startNode(c, l, io.Discard)
	if err != nil {
		l.t.Fatal(err)
	}
	return n
}

// hosts counts the loopback addresses that were given out.
var hosts atomic.Uint32

// freeAddr is an address that nobody else has: any of 127.0.0.0/8 is the machine itself, and ports of one address would run into each other.
func freeAddr() string {
	n := hosts.Add(1)
	return fmt.Sprintf("127.%d.%d.%d:4600", 1+os.Getpid()%250, n/250, 1+n%250)
}

// led waits for a leader that serves.
func (l *local) led() *node {
	l.t.Helper()
	var found *node
	l.until("a node leads", func() bool {
		for _, n := range l.nodes {
			n.mu.Lock()
			leads := n.leads != 0
			n.mu.Unlock()
			if leads {
				found = n
				return true
			}
		}
		return false
	})
	return found
}

// restart stops nodes and starts them again on what they kept.
func (l *local) restart(ns ...*node) {
	l.t.Helper()
	for _, n := range ns {
		if err := n.close(); err != nil {
			l.t.Fatal(err)
		}
	}
	for _, n := range ns {
		for i := range l.nodes {
			if l.nodes[i] == n {
				l.nodes[i] = l.run(n.config)
			}
		}
	}
	l.led()
}

func (l *local) until(what string, holds func() bool) {
	l.t.Helper()
	t := time.NewTicker(10 * time.Millisecond)
	defer t.Stop()
	for end := time.Now().Add(20 * time.Second); !holds(); <-t.C {
		if time.Now().After(end) {
			l.t.Fatalf("waited 20 s until %s", what)
		}
	}
}

func (l *local) config(queue, mode string) targets.ClientConfig {
	c := targets.ClientConfig{Name: "test", Queue: targets.Queue{Name: queue, Mode: mode}, Batch: 64, Confirm: 2 * time.Second}
	for _, p := range l.peers {
		c.Nodes = append(c.Nodes, targets.Node{Name: p.Name, Addr: p.Client})
	}
	return c
}

// queue makes one.
func (l *local) queue(name, mode string) targets.ClientConfig {
	l.t.Helper()
	var e encoder
	e.text(name)
	e.text(mode)
	if a := l.led().carryOut(l.ctx(), askCreate, e.b); a.kind != codeDone {
		l.t.Fatalf("create %s: %+v", name, a)
	}
	return l.config(name, mode)
}

func (l *local) ctx() context.Context {
	ctx, cancel := context.WithTimeout(l.t.Context(), 30*time.Second)
	l.t.Cleanup(cancel)
	return ctx
}

// msg is the nth message of a life.
func msg(life, n int) targets.Message {
	id := history.Msg{Life: history.Life(life), Seq: uint64(n)}
	payload := fmt.Appendf(nil, "message %d of life %d", n, life)
	return targets.Message{Token: history.Token("planted1", id, history.Checksum(id, 1, payload)), Attempt: 1, Key: 1, Payload: payload}
}

// send publishes n messages of a life, each again until it is acknowledged, and returns where they lie.
func (l *local) send(c targets.ClientConfig, life, n int) map[string]int64 {
	l.t.Helper()
	return l.sendFrom(c, life, 1, n)
}

// pass lets time go by: milliseconds.
func (l *local) pass(ms int) {
	select {
	case <-time.After(time.Duration(ms) * time.Millisecond):
	case <-l.t.Context().Done():
	}
}

func (l *local) sendFrom(c targets.ClientConfig, life, first, n int) map[string]int64 {
	l.t.Helper()
	cl, err := newClient(c)
	if err != nil {
		l.t.Fatal(err)
	}
	p, err := cl.Producer(l.ctx())
	if err != nil {
		l.t.Fatal(err)
	}
	defer p.Close()
	if err := p.(targets.Pinner).Pin(l.ctx(), "n1"); err != nil {
		l.t.Fatal(err)
	}
	at := map[string]int64{}
	var mu sync.Mutex
	for attempt := uint32(1); len(at) < n; attempt++ {
		if attempt > 20 {
			l.t.Fatalf("%d of %d messages are acknowledged after 20 attempts", len(at), n)
		}
		for i := range n {
			m := msg(life, first+i)
			m.Attempt = attempt
			mu.Lock()
			_, done := at[m.Token]
			mu.Unlock()
			if done {
				continue
			}
			p.Send(l.ctx(), m, func(o targets.Outcome) {
				if o.Status == history.Acked {
					mu.Lock()
					defer mu.Unlock()
					at[m.Token] = o.Pos.Offset
				}
			})
		}
		if err := p.Flush(l.ctx()); err != nil {
			l.t.Fatal(err)
		}
	}
	return at
}

// scanned reads a queue from two replicas, which must agree, and counts the copies of each token.
func (l *local) scanned(c targets.ClientConfig) map[string]int {
	l.t.Helper()
	cl, err := newClient(c)
	if err != nil {
		l.t.Fatal(err)
	}
	i, err := cl.Inspector(l.ctx())
	if err != nil {
		l.t.Fatal(err)
	}
	defer i.Close()
	var v *counting
	l.until("the queue is read", func() bool { v = &counting{}; return i.Scan(l.ctx(), 2, v) == nil })
	for _, r := range v.replicas[1:] {
		if fmt.Sprint(r) != fmt.Sprint(v.replicas[0]) {
			l.t.Fatalf("replicas differ: %v, %v", v.replicas[0], r)
		}
	}
	return v.replicas[0]
}

type counting struct {
	replicas []map[string]int
	payloads map[string]string
}

func (c *counting) Begin(string, []targets.Range) {
	c.replicas = append(c.replicas, map[string]int{})
	if c.payloads == nil {
		c.payloads = map[string]string{}
	}
}
func (c *counting) Copy(x targets.Copy) {
	c.replicas[len(c.replicas)-1][x.Token]++
	c.payloads[x.Token] = string(x.Payload)
}
func (c *counting) End(string, int64, error) {}

// drained receives and acknowledges until nothing is left, and counts the deliveries of each token.
func (l *local) drained(c targets.ClientConfig) map[string]int {
	l.t.Helper()
	cl, err := newClient(c)
	if err != nil {
		l.t.Fatal(err)
	}
	r, err := cl.Consumer(l.ctx())
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Close()
	i, err := cl.Inspector(l.ctx())
	if err != nil {
		l.t.Fatal(err)
	}
	defer i.Close()
	got := map[string]int{}
	for quiet := 0; quiet < 3; {
		ds, err := r.Receive(l.ctx())
		if err != nil {
			l.t.Fatal(err)
		}
		for _, d := range ds {
			got[d.Token]++
		}
		if err := r.Ack(l.ctx(), ds, func(int, history.Status, history.Reason) {}); err != nil {
			l.t.Fatal(err)
		}
		if d, err := i.Depth(l.ctx()); err == nil && d.Settled && len(ds) == 0 {
			quiet++
		}
	}
	return got
}
