package history

// A brief is what nearly always differs from one event to the next of its kind in its segment, and no more, since it is told to another
// processor.
type brief struct {
	time, offset int64
	seq          uint64
	life         Life
	whole        uint16 // where all else may differ: the place of the event among those told as a whole, plus one
	kind         Kind
	counted      bool // its counts may differ
}

// counts are what differs as well in events of some kinds.
type counts struct {
	intended  int64
	call, tag uint64
	key       uint32
}

// briefly is the fields of a record that a brief with counts has.
const briefly = 1<<fieldLife | 1<<fieldSeq | 1<<fieldOffset | 1<<fieldTag | 1<<fieldKey | 1<<fieldCall | 1<<fieldIntended

// set takes each field by itself: wide loads would wait for the narrow stores of who just made the event.
func (b *brief) set(e *Event, counted bool) {
	b.time, b.offset, b.seq = e.Time, e.Pos.Offset, e.Msg.Seq
	b.life, b.kind, b.whole, b.counted = e.Msg.Life, e.Kind, 0, counted
}

// A batch is consecutive events of one segment, as they are told to the reader.
type batch struct {
	briefs []brief // as many as it has room for
	counts []counts
	wholes []Event
}

// begin makes b, of a size, what the batch before has from an event on.
func (b *batch) begin(size int, before *batch, from, to int) {
	if len(b.briefs) < size {
		b.briefs, b.counts = make([]brief, size), make([]counts, size)
	}
	b.wholes = b.wholes[:0]
	if from == to {
		return
	}
	copy(b.counts, before.counts[from:to])
	for i := range b.briefs[:copy(b.briefs, before.briefs[from:to])] {
		if r := &b.briefs[i]; r.whole != 0 {
			b.wholes = append(b.wholes, before.wholes[r.whole-1])
			r.whole = uint16(len(b.wholes))
		}
	}
}

// put tells an event at a place.
func (b *batch) put(at int, e *Event, whole bool) {
	r := &b.briefs[at]
	r.set(e, true)
	b.counts[at].set(e)
	if whole {
		b.wholes = append(b.wholes, *e)
		r.whole = uint16(len(b.wholes))
	}
}

func (c *counts) set(e *Event) {
	c.intended, c.call, c.tag, c.key = e.Intended, e.Call, e.Tag, e.Key
}

// A shown is the latest event of each kind of one segment that the reader was shown.
type shown [lastKind + 1]*Event

// show is the event at a place of a batch. It is written where the one of its kind before was, and only where it differs.
func (s *shown) show(b *batch, at int) *Event {
	r := &b.briefs[at]
	e := s[r.kind]
	if r.whole != 0 {
		if e == nil {
			e = &Event{}
			s[r.kind] = e
		}
		*e = b.wholes[r.whole-1]
		return e
	}
	e.Time, e.Pos.Offset, e.Msg.Life, e.Msg.Seq = r.time, r.offset, r.life, r.seq
	if r.counted {
		c := &b.counts[at]
		e.Intended, e.Call, e.Tag, e.Key = c.intended, c.call, c.tag, c.key
	}
	return e
}
