package frames

import (
	"errors"
	"os"
	"slices"
	"sync/atomic"
	"time"
)

// insert puts e behind what is due no later.
func insert(es []entry, e entry) []entry {
	k := len(es)
	for k > 0 && es[k-1].due.After(e.due) {
		k--
	}
	return slices.Insert(es, k, e)
}

// lock waits for one of the two locks, no longer than until *by, nor than the connection lives.
func (c *conn) lock(which *atomic.Bool, op string, by *time.Time) error {
	if which.CompareAndSwap(false, true) {
		if err := c.failure(op); err != nil {
			c.unlock(which)
			return err
		}
		return nil
	}
	return c.await(op, by, func() (time.Time, bool) { return time.Time{}, which.CompareAndSwap(false, true) })
}

func (c *conn) unlock(which *atomic.Bool) {
	which.Store(false)
	c.mu.Lock()
	c.tell()
	c.mu.Unlock()
}

// inTime fails when the deadline for writing has passed.
func (c *conn) inTime(op string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.writeBy.IsZero() && !time.Now().Before(c.writeBy) {
		return c.failed(op, os.ErrDeadlineExceeded)
	}
	return nil
}

// flushLate is what the timer of what was kept back calls.
func (c *conn) flushLate() {
	if c.lock(&c.writing, "write", new(time.Time)) != nil {
		return
	}
	defer c.unlock(&c.writing)
	c.flush()
}

// flush writes what is due of that which was kept back, and sees to it that the rest will be. writing is held.
func (c *conn) flush() {
	o := &c.out
	for c.state.Load() == stateOpen && c.mayFlush() {
		e, ok := c.takeDue()
		if !ok {
			break
		}
		c.borrow(true)
		_, err := c.Conn.Write(e.bytes)
		c.borrow(false)
		if err != nil {
			c.cut()
			return
		}
	}
	if len(o.queue) == 0 {
		if o.halfClose {
			o.halfClose = false
			c.closeWrite() //nolint:errcheck // who asked for it has gone on
		}
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Load() == stateOpen && c.mayFlush() {
		c.flushTimer = again(c.flushTimer, c.filter.wait(o.queue[0]), c.flushLate)
	}
}

// mayFlush reports whether what was written last is whole, or waits itself.
func (c *conn) mayFlush() bool {
	return c.filter.protocol.counted || c.out.held || c.out.between()
}

// takeDue takes what is due now out of the queue.
func (c *conn) takeDue() (entry, bool) {
	o := &c.out
	if len(o.queue) == 0 || c.filter.wait(o.queue[0]) > 0 {
		return entry{}, false
	}
	e := o.queue[0]
	o.queue[0] = entry{}
	o.queue = o.queue[1:]
	o.bytes -= len(e.bytes)
	o.late.Store(len(o.queue) > 0)
	return e, true
}

// borrow takes the deadline for writing below from the user, or gives it back.
func (c *conn) borrow(take bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.borrowed = take
	by := c.writeBy
	if take {
		by = time.Now().Add(flushTime)
	}
	c.Conn.SetWriteDeadline(by) //nolint:errcheck // the write says what is wrong
}

// hold cuts the client's side, and leaves the other until what was kept back is sent. writing is held.
func (c *conn) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Load() == stateOpen {
		c.end(stateCut)
		c.stay()
	}
}

// stay lets the connection below outlive its user. c.mu is held.
func (c *conn) stay() {
	c.lingering, c.borrowed = true, true
	c.wake()
	c.Conn.SetWriteDeadline(time.Now().Add(flushTime)) //nolint:errcheck // ends a Write that still goes on
	go c.linger()
}

const (
	afterwards = time.Second // how long answers to what was kept back are waited for
	beatEvery  = time.Second
)

// linger sends what was kept back when it is due, meanwhile says for the client that it lives, and closes the connection.
func (c *conn) linger() {
	c.own(&c.reading)
	c.own(&c.writing)
	defer c.filter.forget(c)
	defer c.Conn.Close() //nolint:errcheck // nobody is left to tell
	if !c.mayFlush() {
		return // in the middle of a frame that will never be whole
	}
	o, p := &c.out, c.filter.protocol
	var over time.Time
	beat := time.Now().Add(beatEvery)
	b := make([]byte, 4096)
	for {
		for {
			e, ok := c.takeDue()
			if !ok {
				break
			}
			if c.writeLate(e.bytes) != nil {
				return
			}
		}
		now := time.Now()
		if len(o.queue) == 0 && over.IsZero() {
			over = now.Add(afterwards)
		}
		if !over.IsZero() && !now.Before(over) {
			return
		}
		if over.IsZero() && p.beat != nil && !now.Before(beat) {
			if c.writeLate(p.beat) != nil {
				return
			}
			beat = now.Add(beatEvery)
		}
		c.until(over, beat)
		n, err := c.Conn.Read(b)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if pings := c.discard(b[:n]); over.IsZero() {
			for range pings {
				if c.writeLate(p.pong) != nil {
					return
				}
			}
		}
	}
}

// own takes a lock although the connection is no longer open, for good.
func (c *conn) own(which *atomic.Bool) {
	for !which.CompareAndSwap(false, true) {
		c.mu.Lock()
		if c.changed == nil {
			c.changed = make(chan struct{})
		}
		changed := c.changed
		free := !which.Load()
		c.mu.Unlock()
		if !free {
			<-changed
		}
	}
}

func (c *conn) writeLate(b []byte) error {
	if err := c.Conn.SetWriteDeadline(time.Now().Add(flushTime)); err != nil {
		return err
	}
	_, err := c.Conn.Write(b)
	return err
}

// until sets when reading is to end for what comes next.
func (c *conn) until(over, beat time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.woken = false
	next := over
	if next.IsZero() {
		next = time.Now().Add(c.filter.wait(c.out.queue[0]))
		if c.filter.protocol.beat != nil && beat.Before(next) {
			next = beat
		}
	}
	c.Conn.SetReadDeadline(next) //nolint:errcheck // the read says what is wrong
}

// discard goes through what comes for a client that is gone, and counts what wants to know whether it lives.
func (c *conn) discard(b []byte) (pings int) {
	i := &c.in
	b = append(i.head, b...)
	i.head = nil
	for len(b) > 0 {
		s := i.next(b)
		if s.n == 0 {
			i.head = b
			break
		}
		if s.first && i.now.ping {
			pings++
		}
		b = b[s.n:]
	}
	return pings
}
