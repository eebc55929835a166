package frames

import (
	"sync/atomic"
	"time"
)

// outbound is what the client sends. It is used by who holds conn.writing.
type outbound struct {
	half
	late  atomic.Bool // whether queue has something: read by anybody
	queue []entry     // kept back, in the order in which it goes out
	keeps entry       // the single frame that is coming
	bytes int         // kept back

	copying   unit // of which a copy follows
	copy      []byte
	copied    *armed
	whole     frame // that the unit began with
	holding   unit  // after whose end the client's side is cut
	held      bool  // a unit is or was held: whatever follows waits behind it
	halfClose bool  // the client ended what it writes
}

// unit is a message as it is sent: a frame, or several on one channel.
type unit struct {
	going   bool
	channel uint16
	here    bool // the stream is in one of its frames
}

func (u *unit) begin(f frame) { *u = unit{going: true, channel: f.channel, here: true} }

// enter is told of each frame's beginning before one of them begins the unit.
func (u *unit) enter(f frame) { u.here = u.going && f.part && f.channel == u.channel }

// leave reports whether the unit ends with a frame that it is in.
func (u *unit) leave(f frame) bool {
	if !u.here || f.open {
		return false
	}
	*u = unit{}
	return true
}

// Write implements net.Conn. What a rule took out of the stream counts as written.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.lock(&c.writing, "write", &c.writeBy); err != nil {
		return 0, err
	}
	defer c.unlock(&c.writing)
	if len(c.filter.rules.Load().rules) > 0 || c.state.Load() == stateSilent || c.out.late.Load() { // perhaps nothing below looks at the deadline
		if err := c.inTime("write"); err != nil {
			return 0, err
		}
	}
	sent, err := c.send(b)
	if err != nil {
		if gone := c.failure("write"); gone != nil {
			err = gone
		}
		return min(sent, len(b)), err
	}
	if c.out.late.Load() {
		c.flush()
	}
	return len(b), nil
}

// send goes through what the client writes. sent is how much of anything was written below.
func (c *conn) send(b []byte) (sent int, err error) {
	o := &c.out
	const piece = 4096 // that a head which came in parts is completed with
	for len(b) > 0 && c.state.Load() == stateOpen {
		next, after := b, []byte(nil)
		if len(o.head) > 0 {
			k := min(len(b), piece)
			o.head = append(o.head, b[:k]...)
			next, after = o.head, b[k:]
		}
		n, head, err := c.pass(next)
		sent += n
		if err != nil {
			return sent, err
		}
		o.head = append(o.head[:0], head...)
		b = after
	}
	return sent, nil
}

// pass writes what of b passes, and returns the head that it ends with.
func (c *conn) pass(b []byte) (sent int, head []byte, err error) {
	o := &c.out
	start, at := 0, 0 // b[start:at] passes, and is not written yet
	put := func(until int, then int) bool {
		var n int
		n, err = c.emit(b[start:until])
		sent += n
		start = then
		return err == nil
	}
	whole := false // what is held is there
	for at < len(b) {
		s := o.next(b[at:])
		if o.lost {
			c.gaveUp()
			whole = whole || o.holding.going
		}
		if s.n == 0 {
			head = b[at:]
			break
		}
		if s.first {
			o.copying.enter(o.now)
			o.holding.enter(o.now)
			if a, set := c.chosen(); a != nil {
				if !put(at, at) {
					return sent, nil, err
				}
				c.treat(a, set)
				if c.state.Load() != stateOpen {
					return sent, nil, nil
				}
			}
		}
		end := at + s.n
		if o.copying.here {
			if o.copy = append(o.copy, b[at:end]...); len(o.copy) > maxKept {
				o.copying, o.copy = unit{}, nil // is not copied, and was not told of
			}
		}
		if o.fate != passes {
			if o.fate == kept {
				o.keeps.bytes = append(o.keeps.bytes, b[at:end]...)
				if s.last {
					o.insert(o.keeps)
				}
				if o.bytes > maxKept {
					c.cut()
				}
			}
			if !put(at, end) {
				return sent, nil, err
			}
		}
		at = end
		if s.last && o.copying.leave(o.now) {
			c.hits(o.copied, o.whole)
			c.session.again(o.copy) // before the answer to the first can come
			if !put(at, at) {
				return sent, nil, err
			}
			var n int
			n, err = c.emit(o.copy)
			sent += n
			o.copy = nil
			if err != nil {
				return sent, nil, err
			}
		}
		if s.last && o.holding.leave(o.now) {
			whole = true
		}
	}
	if whole { // with all that was written after it
		at, head = len(b), nil
	}
	put(at, at)
	if whole {
		c.hold()
	}
	return sent, head, err
}

// chosen is the rule that chose the frame that begins, and the set that it is of.
func (c *conn) chosen() (*armed, *ruleSet) {
	o := &c.out
	if o.now.kind == "" || o.held {
		return nil, nil
	}
	set := c.filter.rules.Load()
	a := o.choose(set, o.now.kind)
	if a != nil && a.Act == Repeat && o.copying.going { // another channel's unit began in the middle of the one being copied
		return nil, nil
	}
	return a, set
}

// treat does to the frame that begins what a rule says.
func (c *conn) treat(a *armed, set *ruleSet) {
	o := &c.out
	f := o.now
	p := c.filter.protocol
	if a.Act != Repeat { // which is told when it is whole
		c.hits(a, f)
	}
	due := time.Now().Add(a.For)
	switch {
	case a.Act == Cut, a.Act == Drop && p.counted:
		c.cut()
	case a.Act == Mute && p.muteStops(f.kind):
		c.silence(set)
	case a.Act == Hold:
		o.holding.begin(f)
		o.held = true
		o.append(entry{due: due, set: set})
	case a.Act == Delay && p.counted:
		o.append(entry{due: due, set: set})
	case a.Act == Delay:
		o.fate, o.keeps = kept, entry{due: due, set: set}
	case a.Act == Repeat:
		o.copying.begin(f)
		o.copy, o.copied, o.whole = nil, a, f
	default:
		o.fate = vanishes
	}
}

// append keeps e back until due, and until all before it is.
func (o *outbound) append(e entry) {
	if n := len(o.queue); n > 0 && o.queue[n-1].due.After(e.due) {
		e.due = o.queue[n-1].due
	}
	o.insert(e)
}

func (o *outbound) insert(e entry) {
	o.queue = insert(o.queue, e)
	o.bytes += len(e.bytes)
	o.late.Store(true)
}

// emit writes below, or behind what is kept back where all waits for that.
func (c *conn) emit(b []byte) (int, error) {
	o := &c.out
	switch {
	case len(b) == 0:
		return 0, nil
	case len(o.queue) == 0, !c.filter.protocol.counted && !o.held:
		return c.Conn.Write(b)
	}
	last := &o.queue[len(o.queue)-1]
	last.bytes = append(last.bytes, b...)
	if o.bytes += len(b); o.bytes > maxKept {
		c.cut()
		return 0, c.failure("write")
	}
	return len(b), nil
}
