package targettest

import (
	"net"
	"sync/atomic"
	"testing"

	"waybill/targets"
)

// watched counts what a client reads and writes through the wrapping that it was given.
type watched struct{ read, written atomic.Int64 }

// around is a ClientConfig.Wrap.
func (w *watched) around(c net.Conn) net.Conn { return watchedConn{c, w} }

type watchedConn struct {
	net.Conn
	by *watched
}

func (c watchedConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.by.read.Add(int64(n))
	return n, err
}

func (c watchedConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.by.written.Add(int64(n))
	return n, err
}

// wrapping is what watches the clients of one queue that have a member's number.
func (e *environment) wrapping(queue string, member int) *watched {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := wrapped{queue, member}
	if e.wraps[k] == nil {
		e.wraps[k] = &watched{}
	}
	return e.wraps[k]
}

type wrapped struct {
	queue  string
	member int
}

// passes fails unless so many bytes went through the wrapping: faults of single frames live there, and would bite nothing.
func (e *environment) passes(t *testing.T, q targets.Queue, member int, read, written int64) {
	t.Helper()
	w := e.wrapping(q.Name, member)
	if r, s := w.read.Load(), w.written.Load(); r < read || s < written {
		t.Errorf("client %d of %s read %d and wrote %d bytes through ClientConfig.Wrap, want at least %d and %d: is it put around every connection?",
			member, q.Name, r, s, read, written)
	}
}
