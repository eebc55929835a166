package frames

import (
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// conn is one filtered connection. While nothing is kept back it has no goroutine and no timer of its own.
//
// Three locks, taken in this order: reading or writing, by whoever reads from or writes to the connection below; mu, for moments.
type conn struct {
	net.Conn
	filter  *Filter
	session session
	counted atomic.Bool // among the filter's lost
	state   atomic.Int32

	reading atomic.Bool // these two are locks whose waiters heed deadlines and the connection's end: see lock
	in      inbound
	writing atomic.Bool
	out     outbound

	mu         sync.Mutex
	changed    chan struct{} // closed when what await waits for may have come; nil while nobody waits
	readBy     time.Time     // deadlines as the user of the connection set them
	writeBy    time.Time
	woken      bool        // the deadline below is in the past to end a Read, whatever readBy says
	borrowed   bool        // the deadline for writing below is that of what was kept back
	muted      *ruleSet    // of the rule that made the connection silent
	flushTimer *time.Timer // sends what the client wrote and is due
	wakeTimer  *time.Timer // ends a Read when something for it is due
	lingering  bool        // given up by or for the client, and what it wrote still goes out
}

// States of a connection, from open to closed.
const (
	stateOpen   = iota
	stateSilent // nothing passes any more, and nobody is told
	stateCut    // as if the other end had reset it
	stateClosed // by its user
)

// flushTime is how long writing what was kept back may take.
const flushTime = 5 * time.Second

var longAgo = time.Unix(1, 0)

// failure is what an operation on a connection that is no longer open returns; nil where it is.
func (c *conn) failure(op string) error {
	switch c.state.Load() {
	case stateCut:
		return c.failed(op, os.NewSyscallError(op, syscall.ECONNRESET)) // as the kernel's: franz-go retries after such errors alone
	case stateClosed:
		return c.failed(op, net.ErrClosed)
	}
	return nil
}

func (c *conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: c.LocalAddr().Network(), Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// tell wakes those who await. c.mu is held.
func (c *conn) tell() {
	if c.changed != nil {
		close(c.changed)
		c.changed = nil
	}
}

// await returns when ready, which is asked with c.mu held, or with an error when the connection's end or *by comes first. until
// is when to ask again at the latest; zero is when something changed.
func (c *conn) await(op string, by *time.Time, ready func() (until time.Time, ok bool)) error {
	for {
		c.mu.Lock()
		if err := c.failure(op); err != nil {
			c.mu.Unlock()
			return err
		}
		until, ok := ready()
		if ok {
			c.mu.Unlock()
			return nil
		}
		if !by.IsZero() {
			if !time.Now().Before(*by) {
				c.mu.Unlock()
				return c.failed(op, os.ErrDeadlineExceeded)
			}
			if until.IsZero() || by.Before(until) {
				until = *by
			}
		}
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		c.mu.Unlock()
		if until.IsZero() {
			<-changed
			continue
		}
		t := time.NewTimer(time.Until(until))
		select {
		case <-changed:
		case <-t.C:
		}
		t.Stop()
	}
}

// hits tells of a frame that a rule chose.
func (c *conn) hits(a *armed, f frame) {
	c.filter.hit(Hit{Kind: f.kind, Act: a.Act, Ref: a.Ref, Addr: c.RemoteAddr().String(), Bytes: int(f.size)})
}

func (c *conn) gaveUp() {
	if c.counted.CompareAndSwap(false, true) {
		c.filter.lost.Add(1)
	}
}

// cut ends the connection as if the other end had reset it. What was kept back is lost.
func (c *conn) cut() {
	c.mu.Lock()
	open := c.state.Load() < stateCut
	if open {
		c.end(stateCut)
	}
	c.mu.Unlock()
	if open {
		c.filter.forget(c)
		c.Conn.Close() //nolint:errcheck // nobody is to hear of it
	}
}

// silence lets nothing pass any more, until the rules are lifted.
func (c *conn) silence(set *ruleSet) {
	c.mu.Lock()
	if c.state.CompareAndSwap(stateOpen, stateSilent) {
		c.muted = set
		c.wake()
	}
	c.mu.Unlock()
	c.lift()
}

// lift lets what is kept back by rules that are no longer set go on, and cuts what they silenced.
func (c *conn) lift() {
	c.mu.Lock()
	if c.flushTimer != nil {
		c.flushTimer.Reset(0)
	}
	if c.wakeTimer != nil || c.lingering {
		c.wake()
	}
	over := c.state.Load() == stateSilent && c.muted != c.filter.rules.Load()
	c.tell()
	c.mu.Unlock()
	if over {
		c.cut()
	}
}

// wake ends a Read that waits below. c.mu is held.
func (c *conn) wake() {
	c.woken = true
	c.Conn.SetReadDeadline(longAgo) //nolint:errcheck // a connection that is gone ends its Read itself
}

// end changes the state to one that is not open. c.mu is held.
func (c *conn) end(state int32) {
	c.state.Store(state)
	for _, t := range []*time.Timer{c.flushTimer, c.wakeTimer} {
		if t != nil {
			t.Stop()
		}
	}
	c.tell()
}

// Close implements net.Conn. What the client wrote and was delayed is still sent when it is due; the rest of a frame of which it
// did not write enough to know what it is, is not.
func (c *conn) Close() error {
	c.mu.Lock()
	before := c.state.Load()
	if before == stateClosed {
		c.mu.Unlock()
		return c.failed("close", net.ErrClosed)
	}
	linger := before == stateOpen && c.out.late.Load()
	c.end(stateClosed)
	if linger {
		c.stay()
	}
	stays := c.lingering
	c.mu.Unlock()
	if stays {
		return nil
	}
	c.filter.forget(c)
	if before == stateCut {
		return nil
	}
	return c.Conn.Close()
}

// CloseWrite ends what is written, where the connection below can do so, after what was delayed.
func (c *conn) CloseWrite() error {
	if err := c.lock(&c.writing, "close", &c.writeBy); err != nil {
		return err
	}
	defer c.unlock(&c.writing)
	if c.state.Load() == stateSilent {
		return nil
	}
	if len(c.out.head) > 0 {
		if _, err := c.emit(c.out.head); err != nil {
			return err
		}
		c.out.head = nil
	}
	if c.out.late.Load() {
		c.out.halfClose = true
		return nil
	}
	return c.closeWrite()
}

func (c *conn) closeWrite() error {
	h, ok := c.Conn.(interface{ CloseWrite() error })
	if !ok {
		return c.failed("close", syscall.EOPNOTSUPP)
	}
	return h.CloseWrite()
}

// NetConn is the connection below.
func (c *conn) NetConn() net.Conn { return c.Conn }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	if err := c.SetReadDeadline(t); err != nil {
		return err
	}
	return c.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.readBy = t
	c.tell()
	switch state := c.state.Load(); {
	case state == stateClosed:
		return c.failure("set")
	case state == stateCut, c.woken: // nothing below is read, or by what looks at readBy itself
		return nil
	}
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writeBy = t
	c.tell()
	switch state := c.state.Load(); {
	case state == stateClosed:
		return c.failure("set")
	case state == stateCut, c.borrowed:
		return nil
	}
	return c.Conn.SetWriteDeadline(t)
}
