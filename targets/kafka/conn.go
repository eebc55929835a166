package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"waybill/targets"
)

const (
	answerTime = 5 * time.Second        // beyond what a request itself may take: then its connection is given up
	retryPause = 100 * time.Millisecond // between two tries
	clientIdle = 2 * time.Minute        // after which an unused connection is closed
	retryMost  = 10 * time.Second
	closeGrace = 2 * time.Second // for what a client says at its end: leaving its group
)

// link is what one role's client shares with the harness: where it may connect, and what it is seen to write.
type link struct {
	nodes     []targets.Node
	opts      []kgo.Opt
	tls       *tls.Config
	connected func(open bool, addr, why string)
	reach     func(ctx context.Context, network, addr string) (net.Conn, error)
	wrap      func(net.Conn) net.Conn // as in targets.ClientConfig
	watch     watch                   // of what is written. Set before the client is made, or nil
	renew     time.Duration           // after which a connection is closed and made anew; 0: never. Set likewise

	pinned atomic.Pointer[string] // the one address that may be dialled
	client atomic.Pointer[kgo.Client]
	mu     sync.Mutex
	conns  map[*conn]struct{}
}

// linkOptions choose what differs between a worker's connections and the harness's.
type linkOptions struct {
	name      string
	nodes     []targets.Node
	first     int // index of the node to try first
	access    *targets.Access
	connected func(open bool, addr, why string)
	wrap      func(net.Conn) net.Conn // nil: nothing is put around connections
}

func newLink(o linkOptions) (*link, error) {
	l := &link{nodes: o.nodes, connected: o.connected, wrap: o.wrap, reach: new(net.Dialer).DialContext, conns: map[*conn]struct{}{}}
	if l.connected == nil {
		l.connected = func(bool, string, string) {}
	}
	var seeds []string
	for i := range o.nodes {
		seeds = append(seeds, o.nodes[(i+o.first)%len(o.nodes)].Addr)
	}
	if a := o.access; a != nil {
		if len(seeds) == 0 {
			seeds = a.Brokers
		}
		var err error
		if l.tls, err = a.TLSConfig(); err != nil {
			return nil, err
		}
		m, err := saslOf(a)
		if err != nil {
			return nil, err
		}
		if m != nil {
			l.opts = append(l.opts, kgo.SASL(m))
		}
	}
	if len(seeds) == 0 {
		return nil, errors.New("kafka: no nodes to connect to")
	}
	l.opts = append(l.opts,
		kgo.ClientID(o.name),
		kgo.SeedBrokers(seeds...),
		kgo.Dialer(l.dial),
		kgo.RequestTimeoutOverhead(answerTime),
		kgo.RetryTimeout(retryMost),
		kgo.RetryBackoffFn(func(int) time.Duration { return retryPause }),
		kgo.MetadataMinAge(retryPause),
		kgo.MetadataMaxAge(5*time.Second), // so that a leader that moved without an error is noticed
		kgo.ConnIdleTimeout(clientIdle),
		kgo.DisableClientMetrics(), // no requests that the mode does not speak of
	)
	return l, nil
}

// open makes the role's client. It returns before a connection is made: a cluster that is down now is connected to later.
func (l *link) open(opts ...kgo.Opt) (*kgo.Client, error) {
	cl, err := kgo.NewClient(append(l.opts[:len(l.opts):len(l.opts)], opts...)...)
	if err != nil {
		return nil, fmt.Errorf("kafka: client: %w", err)
	}
	l.client.Store(cl)
	return cl, nil
}

var errPinned = errors.New("this client is pinned to another node")

func (l *link) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	if p := l.pinned.Load(); p != nil && *p != addr {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errPinned}
	}
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	c, err := l.reach(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		if c, err = l.handshake(ctx, c, addr); err != nil {
			return nil, err
		}
	}
	if l.wrap != nil { // below what tells written from unwritten: what vanishes there counts as written
		c = l.wrap(c)
	}
	w := &conn{Conn: c, link: l, addr: addr}
	l.mu.Lock()
	l.conns[w] = struct{}{}
	if l.renew > 0 {
		w.age = time.AfterFunc(l.renew, w.expire)
	}
	l.mu.Unlock()
	l.connected(true, addr, "")
	if p := l.pinned.Load(); p != nil && *p != addr { // pinned meanwhile
		w.Close()
		return nil, &net.OpError{Op: "dial", Net: network, Err: errPinned}
	}
	return w, nil
}

func (l *link) handshake(ctx context.Context, c net.Conn, addr string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("kafka: address %q: %w", addr, err)
	}
	cfg := l.tls.Clone()
	cfg.ServerName = host
	t := tls.Client(c, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, fmt.Errorf("kafka: TLS with %s: %w", addr, err)
	}
	return t, nil
}

// watch is told of a client's requests. It is called from several goroutines.
type watch interface {
	writing(f frame) error // before anything of it is written; an error refuses it
	unwritten(f frame)     // nothing of it was
}

// conn tells its link of requests before they are written and of its end. The library hands a request over in one Write.
type conn struct {
	net.Conn
	link *link
	addr string
	why  atomic.Pointer[string] // the first error
	age  *time.Timer            // under the link's mu; nil where connections are not renewed
	once sync.Once
}

func (c *conn) expire() {
	why := "renewed"
	c.why.CompareAndSwap(nil, &why)
	c.Close() //nolint:errcheck // it is given up
}

func (c *conn) Write(b []byte) (int, error) {
	if c.link.watch == nil {
		n, err := c.Conn.Write(b)
		c.failed(err)
		return n, err
	}
	f, ok := parseFrame(b)
	if !ok {
		return 0, errors.New("kafka: the client library writes requests in parts: what it wrote cannot be known")
	}
	if err := c.link.watch.writing(f); err != nil {
		return 0, err
	}
	n, err := c.Conn.Write(b)
	c.failed(err)
	if err != nil && n == 0 && c.link.tls == nil { // TLS counts what it was given, not what it sent
		c.link.watch.unwritten(f)
	}
	return n, err
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.failed(err)
	return n, err
}

func (c *conn) failed(err error) {
	if err != nil {
		s := err.Error()
		c.why.CompareAndSwap(nil, &s)
	}
}

func (c *conn) Close() error {
	c.once.Do(func() {
		c.link.mu.Lock()
		delete(c.link.conns, c)
		if c.age != nil {
			c.age.Stop()
		}
		c.link.mu.Unlock()
		why := "closed"
		if w := c.why.Load(); w != nil {
			why = *w
		}
		c.link.connected(false, c.addr, why)
	})
	return c.Conn.Close()
}

// Pin implements targets.Pinner: all connections to other nodes are closed and no new one is made, so that leaders and
// everything else are known from node alone. It returns when node has answered, or when ctx ends. "" lets the client free.
func (l *link) Pin(ctx context.Context, node string) error {
	if node == "" {
		l.pinned.Store(nil)
		if cl := l.client.Load(); cl != nil {
			cl.ForceMetadataRefresh()
		}
		return nil
	}
	for _, n := range l.nodes {
		if n.Name == node {
			l.pinned.Store(&n.Addr)
			l.leave(n.Addr)
			return l.answered(ctx, node)
		}
	}
	return fmt.Errorf("kafka: pin to %q: no such node among %v", node, l.nodes)
}

// leave closes the connections to all addresses but one.
func (l *link) leave(addr string) {
	var others []*conn
	l.mu.Lock()
	for c := range l.conns {
		if c.addr != addr {
			others = append(others, c)
		}
	}
	l.mu.Unlock()
	for _, c := range others {
		c.Close() //nolint:errcheck // it is given up
	}
}

func (l *link) answered(ctx context.Context, node string) error {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for {
		ask, cancel := context.WithTimeout(ctx, 2*dialTimeout)
		err := l.client.Load().Ping(ask)
		cancel()
		if err == nil {
			l.client.Load().ForceMetadataRefresh()
			return nil
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("kafka: pin to %s: %w: %w", node, ctx.Err(), err)
		}
	}
}
