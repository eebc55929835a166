package history

import "iter"

// A head is the next event of a segment in the merge.
type head struct {
	cursor *cursor
	at     int64 // its time
	after  bool  // a completion: comes after the invocations of the same tick
}

func (a *head) before(b *head) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	if a.after != b.after {
		return b.after
	}
	return a.cursor.decoder.seg < b.cursor.decoder.seg
}

// Events yields the events of all segments in order of time, at equal times invocations before completions, then in
// the order of the segments. So a completion comes before the invocation of another segment only if it was earlier.
// Events of one segment keep the order in which they were recorded: an invocation whose time is a lower bound earlier
// than the completion before it follows that completion nevertheless.
//
// It reads a block of each segment at a time. The event is valid until the next one is asked for. An error, such as
// ErrCorrupt, ends the sequence.
func (h *History) Events() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		var m merge
		defer m.close()
		for i := range h.segments {
			if err := m.add(&h.segments[i], i); err != nil {
				yield(nil, err)
				return
			}
		}
		m.order()
		for len(m.heads) > 0 {
			if !yield(&m.heads[0].cursor.event, nil) {
				return
			}
			if err := m.advance(); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// A merge is a binary heap of the segments' heads, the earliest on top.
type merge struct {
	heads []head
	open  []*cursor
}

func (m *merge) add(s *SegmentInfo, index int) error {
	c, err := openCursor(s, index)
	if err != nil {
		return err
	}
	m.open = append(m.open, c)
	more, err := c.advance()
	if more {
		m.heads = append(m.heads, head{cursor: c, at: c.event.Time, after: roundUp[c.event.Kind] != 0})
	}
	return err
}

func (m *merge) close() {
	for _, c := range m.open {
		_ = c.close() // only read from
	}
}

// advance replaces the head on top by the next event of its segment.
func (m *merge) advance() error {
	top := &m.heads[0]
	more, err := top.cursor.advance()
	if err != nil {
		return err
	}
	if more {
		top.at = top.cursor.event.Time // even if it is earlier: then it is on top again
		top.after = roundUp[top.cursor.event.Kind] != 0
	} else {
		last := len(m.heads) - 1
		m.heads[0] = m.heads[last]
		m.heads = m.heads[:last]
	}
	m.sink(0)
	return nil
}

func (m *merge) order() {
	for i := len(m.heads)/2 - 1; i >= 0; i-- {
		m.sink(i)
	}
}

// sink moves the head at i down to where it belongs.
func (m *merge) sink(i int) {
	for {
		child := 2*i + 1
		if child >= len(m.heads) {
			return
		}
		if right := child + 1; right < len(m.heads) && m.heads[right].before(&m.heads[child]) {
			child = right
		}
		if !m.heads[child].before(&m.heads[i]) {
			return
		}
		m.heads[i], m.heads[child] = m.heads[child], m.heads[i]
		i = child
	}
}
