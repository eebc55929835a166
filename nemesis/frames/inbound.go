package frames

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"time"
)

// inbound is what comes to the client. It is used by who holds conn.reading.
type inbound struct {
	half
	ready []byte // passes: the next Read begins with it
	raw   []byte // came, and was not looked at yet

	stalled *entry  // where frames are counted: what a delayed frame begins with. All later bytes wait behind it
	late    []entry // where they are not: whole frames
	keeps   entry   // the one that is coming
	bytes   int     // kept back
	buffer  []byte  // for heads that the caller's is too small for
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	if !c.reading.CompareAndSwap(false, true) {
		if err := c.lock(&c.reading, "read", &c.readBy); err != nil {
			return 0, err
		}
	}
	defer c.unlock(&c.reading)
	i := &c.in
	for len(p) > 0 {
		switch state := c.state.Load(); {
		case state == stateClosed:
			return 0, c.failure("read")
		case len(i.ready) > 0:
			n := copy(p, i.ready)
			i.ready = i.ready[n:]
			return n, nil
		case state != stateOpen:
			if err := c.await("read", &c.readBy, func() (time.Time, bool) { return time.Time{}, false }); err != nil {
				return 0, err
			}
		case i.stalled != nil:
			if err := c.await("read", &c.readBy, c.stalledUntil); err != nil {
				return 0, err
			}
			i.ready, i.stalled = i.stalled.bytes, nil
		case c.readyLate():
		case len(i.raw) > 0:
			b := i.raw
			i.raw = nil
			i.ready = c.receive(b)
		default:
			b, err := c.fetch(p)
			if err != nil {
				return 0, err
			}
			if len(b) == 0 {
				continue
			}
			own := &b[0] != &p[0]
			b = c.receive(b)
			if own {
				i.ready = b
			} else if len(b) > 0 {
				return len(b), nil
			}
		}
	}
	return 0, nil
}

// stalledUntil is when what is stalled may go on, and whether that is now. c.mu is held.
func (c *conn) stalledUntil() (time.Time, bool) {
	if c.state.Load() != stateOpen {
		return time.Time{}, false
	}
	return c.in.stalled.due, c.filter.wait(*c.in.stalled) == 0
}

// readyLate makes the frame ready that is due first, if one is and nothing else is in between.
func (c *conn) readyLate() bool {
	i := &c.in
	if len(i.late) == 0 || !i.between() || c.filter.wait(i.late[0]) > 0 {
		return false
	}
	i.ready = i.late[0].bytes
	i.bytes -= len(i.ready)
	i.late[0] = entry{}
	i.late = i.late[1:]
	return true
}

// fetch reads from below, into p where that is large enough, behind the head that has come before. Nothing, and no error, is
// that the state of things has changed.
func (c *conn) fetch(p []byte) ([]byte, error) {
	i := &c.in
	k := len(i.head)
	if k > 0 && k+512 > len(p) {
		if len(i.buffer) < k+512 {
			i.buffer = make([]byte, 2*k+4096)
		}
		p = i.buffer
	}
	if !c.mayRead() {
		return nil, nil
	}
	n, err := c.Conn.Read(p[k:])
	if n > 0 { // an error comes again
		copy(p, i.head)
		i.head = i.head[:0]
		return p[:k+n], nil
	}
	if err == nil {
		return nil, nil
	}
	timeout := errors.Is(err, os.ErrDeadlineExceeded)
	c.mu.Lock()
	defer c.mu.Unlock()
	if timeout && c.woken {
		return nil, c.rest()
	}
	if gone := c.failure("read"); gone != nil {
		return nil, gone
	}
	if !timeout && k > 0 { // the rest of it will not come
		i.ready, i.head = slices.Clone(i.head), nil
		return nil, nil
	}
	return nil, err
}

// mayRead reports whether reading below is what is to be done, and sees to it that it ends when something is due.
func (c *conn) mayRead() bool {
	i := &c.in
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Load() != stateOpen {
		return false
	}
	if c.woken {
		c.rest() //nolint:errcheck // the read says what is wrong
	}
	if len(i.late) > 0 && i.between() {
		c.wakeTimer = again(c.wakeTimer, c.filter.wait(i.late[0]), c.wakeUp)
	}
	return true
}

// again sets a timer, which is made where there is none.
func again(t *time.Timer, d time.Duration, f func()) *time.Timer {
	if t == nil {
		return time.AfterFunc(d, f)
	}
	t.Reset(d)
	return t
}

func (c *conn) wakeUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.Load() == stateOpen {
		c.wake()
	}
}

// rest puts the deadline for reading back to what the user wants. c.mu is held.
func (c *conn) rest() error {
	if c.state.Load() != stateOpen {
		return nil
	}
	c.woken = false
	return c.Conn.SetReadDeadline(c.readBy)
}

// receive goes through what came, and returns what of it passes, at the beginning of b.
func (c *conn) receive(b []byte) []byte {
	i := &c.in
	w := 0
	for r := 0; r < len(b); {
		s := i.next(b[r:])
		if i.lost {
			c.gaveUp()
		}
		if s.n == 0 {
			i.head = append(i.head[:0], b[r:]...)
			break
		}
		part := b[r : r+s.n]
		r += s.n
		if s.first && !c.admit(part, b[r:]) {
			break
		}
		switch i.fate {
		case passes:
			if w+len(part) != r {
				copy(b[w:], part)
			}
			w += len(part)
		case kept:
			i.keeps.bytes = append(i.keeps.bytes, part...)
			if i.bytes += len(part); i.bytes > maxKept {
				c.cut()
				return b[:w]
			}
			if s.last {
				i.late = insert(i.late, i.keeps)
			}
		}
	}
	return b[:w]
}

// admit decides what becomes of a frame for the client that begins with part; more came behind that. False ends what is passed
// on now.
func (c *conn) admit(part, more []byte) bool {
	i := &c.in
	f := i.now
	if f.answersCopy {
		i.fate = vanishes
	}
	if f.kind == "" {
		return true
	}
	set := c.filter.rules.Load()
	a := i.choose(set, f.kind)
	if a == nil {
		return true
	}
	c.hits(a, f)
	p := c.filter.protocol
	due := time.Now().Add(a.For)
	switch {
	case a.Act == Cut, a.Act == Drop && p.counted:
		c.cut()
		return false
	case a.Act == Mute && p.muteStops(f.kind):
		c.silence(set)
		return false
	case a.Act == Delay && p.counted:
		i.stalled = &entry{due, set, bytes.Clone(part)}
		i.raw = bytes.Clone(more)
		return false
	case a.Act == Delay:
		i.fate, i.keeps = kept, entry{due: due, set: set}
	default:
		i.fate = vanishes
	}
	return true
}
