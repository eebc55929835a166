package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"waybill/targets"
)

// Between two tries to connect. The random part keeps clients from coming all at once.
const (
	reconnectWait = 100 * time.Millisecond
	reconnectRand = 150 * time.Millisecond
)

// link is one role's connection to the cluster: a session after another, for ever, on the nodes in turn, or on the one that
// it is pinned to.
type link struct {
	nodes     []targets.Node
	name      string
	access    *targets.Access
	wrap      func(net.Conn) net.Conn
	prepare   setup
	connected func(open bool, addr, why string)

	mu      sync.Mutex
	current *session      // nil while there is none
	changed chan struct{} // closed and made anew when current, failure or pinned change
	failure error         // of the last try to connect; nil after a success
	pinned  string        // name of a node; "" for any

	cancel context.CancelFunc
	done   chan struct{}
}

// open starts connecting and returns at once: a cluster that is down now is connected to later.
func open(c targets.ClientConfig, prepare setup) *link {
	l := &link{
		nodes: c.Nodes, name: c.Name, access: c.Access, wrap: c.Wrap, prepare: prepare, connected: c.Connected,
		changed: make(chan struct{}), done: make(chan struct{}),
	}
	if l.access == nil {
		l.access = ourAccess()
	}
	if l.connected == nil {
		l.connected = func(bool, string, string) {}
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	go l.run(ctx, c.Member)
	return l
}

// run keeps a session open until ctx ends.
func (l *link) run(ctx context.Context, next int) {
	defer close(l.done)
	for ctx.Err() == nil {
		node := l.choose(next)
		next++
		s, err := openSession(ctx, node, endpoint{node.Addr, l.name, l.access, l.wrap}, l.prepare)
		if err != nil {
			l.set(nil, err)
			_ = l.wait(ctx, reconnectWait+rand.N(reconnectRand))
			continue
		}
		l.connected(true, node.Addr, "")
		l.set(s, nil)
		select {
		case <-s.over:
		case <-ctx.Done():
			s.leave()
		}
		l.set(nil, nil)
		l.connected(false, node.Addr, s.cause)
		_ = s.conn.Close() // whatever the library still holds of it
	}
}

// choose is the node that is pinned to, or the next in turn.
func (l *link) choose(next int) targets.Node {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.nodes {
		if n.Name == l.pinned {
			return n
		}
	}
	return l.nodes[next%len(l.nodes)]
}

func (l *link) set(s *session, failure error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current, l.failure = s, failure
	l.tell()
}

// tell wakes who waits for a change. l.mu is held.
func (l *link) tell() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// look returns the session, or why there is none as far as known, besides a channel that is closed at the next change.
func (l *link) look() (s *session, changed <-chan struct{}, failure error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current, l.changed, l.failure
}

// wait returns after d, or sooner when another node was pinned.
func (l *link) wait(ctx context.Context, d time.Duration) error {
	_, changed, _ := l.look()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-changed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Pin implements targets.Pinner: it reconnects to node and returns when a session is open there, or when ctx ends. ""
// frees it without reconnecting.
func (l *link) Pin(ctx context.Context, node string) error {
	if err := l.pin(node); err != nil || node == "" {
		return err
	}
	for {
		s, changed, failure := l.look()
		if s != nil && s.node.Name == node && !s.isOver() {
			return nil
		}
		if s != nil {
			s.end("pinned to " + node)
		}
		select {
		case <-changed:
		case <-l.done:
			return fmt.Errorf("rabbitmq: pin to %s: the client is closed", node)
		case <-ctx.Done():
			return fmt.Errorf("rabbitmq: pin to %s: %w", node, errors.Join(ctx.Err(), failure))
		}
	}
}

func (l *link) pin(node string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, n := range l.nodes {
		if n.Name == node || node == "" {
			l.pinned = node
			l.tell()
			return nil
		}
	}
	return fmt.Errorf("rabbitmq: pin to %q: no such node among %v", node, l.nodes)
}

// close ends the link and what it started.
func (l *link) close() {
	l.cancel()
	<-l.done
}
