package planted

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"waybill/targets"
)

// Errors of a request.
var (
	errNotConnected = errors.New("planted: not connected") // certain: nothing was written
	errLost         = errors.New("planted: the connection ended before the answer")
)

type nodeAddr struct{ name, addr string }

type linkOptions struct {
	first     int    // index of the node to try first
	pin       string // node to stay on; "": any
	wrap      func(net.Conn) net.Conn
	connected func(open bool, addr, why string)
}

// link is a connection to the cluster that is made again for ever: to the node that it is pinned on, else to the next that answers.
type link struct {
	nodes []nodeAddr
	o     linkOptions

	mu      sync.Mutex
	pin     string
	conn    *conn // nil: none
	changed chan struct{}
	closed  bool
	next    int

	stop chan struct{}
	done sync.WaitGroup
}

// conn is one connection, with the requests that await an answer on it.
type conn struct {
	link   *link
	node   nodeAddr
	net    net.Conn
	since  time.Time
	frames chan frame

	mu      sync.Mutex
	id      uint64
	waiting map[uint64]func(frame, error)
	broken  bool
	heard   time.Time
}

func openLink(nodes []nodeAddr, o linkOptions) *link {
	if o.connected == nil {
		o.connected = func(bool, string, string) {}
	}
	l := &link{nodes: nodes, o: o, pin: o.pin, next: o.first, changed: make(chan struct{}), stop: make(chan struct{})}
	l.done.Go(l.run)
	return l
}

func addresses(ns []targets.Node) []nodeAddr {
	var out []nodeAddr
	for _, n := range ns {
		out = append(out, nodeAddr{n.Name, n.Addr})
	}
	return out
}

// run keeps a connection up until the link is closed.
func (l *link) run() {
	for {
		l.through(l.choose())
		select {
		case <-l.stop:
			return
		case <-time.After(redialWait):
		}
	}
}

// choose is the node to dial: the pinned one, else each in turn.
func (l *link) choose() nodeAddr {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.nodes {
		if n.name == l.pin {
			return n
		}
	}
	n := l.nodes[l.next%len(l.nodes)]
	l.next++
	return n
}

// through dials a node and carries requests until the connection ends.
func (l *link) through(n nodeAddr) {
	raw, err := net.DialTimeout("tcp", n.addr, dialTimeout)
	if err != nil {
		return
	}
	if l.o.wrap != nil {
		raw = l.o.wrap(raw)
	}
	c := &conn{link: l, node: n, net: raw, since: time.Now(), frames: make(chan frame, 1024), waiting: map[uint64]func(frame, error){}, heard: time.Now()}
	l.mu.Lock()
	if l.closed || l.pin != "" && l.pin != n.name {
		l.mu.Unlock()
		raw.Close() //nolint:errcheck // nothing was said on it
		return
	}
	l.conn = c
	l.tell()
	l.mu.Unlock()
	l.o.connected(true, n.addr, "")

	var writer sync.WaitGroup
	writer.Go(func() { writeFrames(raw, c.frames) })
	pings := make(chan struct{})
	writer.Go(func() { c.watch(pings) })
	err = c.read()
	close(pings)
	l.mu.Lock()
	if l.conn == c {
		l.conn = nil
	}
	l.tell()
	l.mu.Unlock()
	raw.Close() //nolint:errcheck // it is given up
	c.end()
	writer.Wait()
	l.o.connected(false, n.addr, err.Error())
}

// tell wakes those who wait for a change. It wants l.mu.
func (l *link) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// read hands answers to those who asked until the connection ends.
func (c *conn) read() error {
	r := bufio.NewReaderSize(c.net, 1<<18)
	for {
		f, err := readFrame(r)
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.heard = time.Now()
		done := c.waiting[f.id]
		delete(c.waiting, f.id)
		c.mu.Unlock()
		if done != nil {
			done(f, nil)
		}
		if f.kind == codeUnavailable {
			c.link.leave(c)
		}
	}
}

// leave gives a connection up whose node cannot reach the leader, unless the link is pinned there. A node gets a moment to find one.
func (l *link) leave(c *conn) {
	l.mu.Lock()
	pinned := l.pin != ""
	l.mu.Unlock()
	if !pinned && len(l.nodes) > 1 && time.Since(c.since) > leaveAfter {
		c.net.Close() //nolint:errcheck // its reader ends either way
	}
}

// watch pings, and gives up a connection on which nothing is heard: a peer behind a cut link does not say good-bye.
func (c *conn) watch(stop <-chan struct{}) {
	t := time.NewTicker(pingEvery)
	defer t.Stop()
	for {
		select {
		case <-stop:
			return
		case <-t.C:
		}
		c.mu.Lock()
		silent := time.Since(c.heard)
		c.mu.Unlock()
		if silent > pingsOut {
			c.net.Close() //nolint:errcheck // its reader ends either way
			return
		}
		c.ask(askPing, nil, func(frame, error) {})
	}
}

// end tells those who still wait that no answer will come.
func (c *conn) end() {
	c.mu.Lock()
	waiting := c.waiting
	c.waiting, c.broken = nil, true
	close(c.frames)
	c.mu.Unlock()
	for _, done := range waiting {
		done(frame{}, errLost)
	}
}

// ask sends a request; done is called once, from any goroutine. It never waits for long: a peer that reads nothing fills the queue, and
// what comes then is not sent at all.
func (c *conn) ask(kind byte, body []byte, done func(frame, error)) {
	c.mu.Lock()
	if c.broken {
		c.mu.Unlock()
		done(frame{}, errNotConnected)
		return
	}
	c.id++
	select {
	case c.frames <- frame{kind: kind, id: c.id, body: body}:
		c.waiting[c.id] = done
		c.mu.Unlock()
	default:
		c.mu.Unlock()
		done(frame{}, errNotConnected)
	}
}

// current is the connection of now, nil if there is none.
func (l *link) current() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn
}

// ask is conn.ask on the connection of now.
func (l *link) ask(kind byte, body []byte, done func(frame, error)) {
	if c := l.current(); c != nil {
		c.ask(kind, body, done)
		return
	}
	done(frame{}, errNotConnected)
}

// call asks and waits.
func (l *link) call(ctx context.Context, kind byte, body []byte) (*decoder, error) {
	type answer struct {
		f   frame
		err error
	}
	got := make(chan answer, 1)
	l.ask(kind, body, func(f frame, err error) { got <- answer{f, err} })
	select {
	case a := <-got:
		switch {
		case a.err != nil:
			return nil, a.err
		case a.f.kind == codeRefused:
			return nil, fmt.Errorf("%w: %s", errRefused, a.f.body)
		case a.f.kind != codeDone:
			return nil, errUnavailable
		}
		return &decoder{b: a.f.body}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var (
	errRefused     = errors.New("planted: refused")
	errUnavailable = errors.New("planted: the node has no leader to ask")
)

// Pin implements targets.Pinner.
func (l *link) Pin(ctx context.Context, node string) error {
	l.mu.Lock()
	l.pin = node
	old := l.conn
	l.mu.Unlock()
	if node == "" {
		return nil
	}
	if old != nil && old.node.name != node {
		old.net.Close() //nolint:errcheck // its reader ends either way
	}
	return l.until(ctx, node)
}

// until waits for a connection: to a node, or to any if it is "".
func (l *link) until(ctx context.Context, node string) error {
	for {
		l.mu.Lock()
		up, changed := l.conn != nil && (node == "" || l.conn.node.name == node), l.changed
		l.mu.Unlock()
		if up {
			return nil
		}
		select {
		case <-changed:
		case <-l.stop:
			return errNotConnected
		case <-ctx.Done():
			return fmt.Errorf("planted: waiting for a connection to %q: %w", node, ctx.Err())
		}
	}
}

func (l *link) close() {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return
	}
	l.closed = true
	c := l.conn
	l.mu.Unlock()
	close(l.stop)
	if c != nil {
		c.net.Close() //nolint:errcheck // its reader ends either way
	}
	l.done.Wait()
}
