package msgset

// And is a new set of the messages in both.
func (s *Set) And(o *Set) *Set {
	out := &Set{}
	if s.Len() == 0 || o.Len() == 0 {
		return out
	}
	out.combine(s, o, and)
	return out
}

// AndNot is a new set of the messages in s and not in o.
func (s *Set) AndNot(o *Set) *Set {
	out := &Set{}
	if s.Len() == 0 {
		return out
	}
	if o == nil {
		o = &Set{}
	}
	out.combine(s, o, andNot)
	return out
}

// Or is a new set of the messages in either.
func (s *Set) Or(o *Set) *Set {
	out := &Set{}
	out.Union(s)
	out.Union(o)
	return out
}

// An operation combines pages of two sets. What it gives for a pair of which one is empty, or both are full, is known beforehand.
type operation struct {
	word               func(a, b uint64) uint64
	keepsA, keepsB     bool // of a page alone: it stays
	bothFull, overFull slot // of two full pages; of any page and a full one of the other set, where that is certain
	certain            bool // overFull is known
}

var (
	and    = operation{word: func(a, b uint64) uint64 { return a & b }, bothFull: full}
	andNot = operation{word: func(a, b uint64) uint64 { return a &^ b }, keepsA: true, bothFull: empty, overFull: empty, certain: true}
	or     = operation{word: func(a, b uint64) uint64 { return a | b }, keepsA: true, keepsB: true, bothFull: full, overFull: full, certain: true}
)

// combine fills s, which is empty, with the combination of a and b, for an op that keeps nothing of pages that only b has.
func (s *Set) combine(a, b *Set, op operation) {
	for life, from := range a.lives.all() {
		to := &track{}
		other := b.lives.get(life)
		for i, c := range from.chunks.all() {
			o := &none
			if other != nil {
				if there := other.chunks.get(i); there != nil {
					o = there
				}
			}
			if joined := s.join(a, c, b, o, op); joined != nil {
				to.chunks.put(i, joined)
			}
		}
		if to.chunks.near != nil || to.chunks.far != nil {
			s.lives.put(life, to)
		}
	}
}

// Union adds every message of o to s.
func (s *Set) Union(o *Set) {
	if o.Len() == 0 || s == o {
		return
	}
	for life, from := range o.lives.all() {
		to := s.lives.get(life)
		if to == nil {
			to = &track{}
			s.lives.put(life, to)
		}
		for i, c := range from.chunks.all() {
			s.unite(to, i, o, c)
		}
	}
}

// unite adds one chunk of o to s.
func (s *Set) unite(to *track, i uint64, o *Set, c *chunk) {
	mine := to.chunks.get(i)
	switch {
	case mine == fullChunk:
		return
	case mine == nil && c == fullChunk:
		to.chunks.put(i, fullChunk)
		s.n += chunkPages * PageSize
		return
	case mine == nil:
		mine = &chunk{}
		to.chunks.put(i, mine)
	}
	for j, b := range c {
		a := mine[j]
		if b == empty || a == full {
			continue
		}
		before := s.pages.count(a)
		mine[j] = s.paired(s, a, o, b, or)
		s.n += int64(s.pages.count(mine[j]) - before)
		s.forget(to, i*chunkPages+uint64(j))
		s.pages.free(a)
	}
	if *mine == *fullChunk {
		to.chunks.put(i, fullChunk)
	}
}

// forget drops a page from those being written: its slot is another one now.
func (s *Set) forget(t *track, page uint64) {
	for i := range t.at {
		if t.at[i] != page+1 {
			continue
		}
		for j := range s.quick {
			if s.quick[j].open == t.open[i] {
				s.quick[j] = quick{}
			}
		}
		copy(t.at[i:], t.at[i+1:])
		copy(t.open[i:], t.open[i+1:])
		t.at[hot-1], t.open[hot-1] = 0, nil
		return
	}
}

// join is the chunk in s of the combination of a chunk of a and one of b; nil if it is empty. It counts the messages.
func (s *Set) join(a *Set, x *chunk, b *Set, y *chunk, op operation) *chunk {
	if x == fullChunk && y == fullChunk {
		if op.bothFull == empty {
			return nil
		}
		s.n += chunkPages * PageSize
		return fullChunk
	}
	if x == fullChunk && y == &none {
		if !op.keepsA {
			return nil
		}
		s.n += chunkPages * PageSize
		return fullChunk
	}
	var out chunk
	for i := range x {
		if x[i] == empty {
			continue
		}
		out[i] = s.paired(a, x[i], b, y[i], op)
		s.n += int64(s.pages.count(out[i]))
	}
	if out == none {
		return nil
	}
	return &out
}

// paired is the slot in s of the combination of a page of a and one of b.
func (s *Set) paired(a *Set, x slot, b *Set, y slot, op operation) slot {
	switch {
	case x == full && y == full:
		return op.bothFull
	case y == full && op.certain:
		return op.overFull
	case y == empty && op.keepsA:
		return s.taken(a, x)
	case x == empty && op.keepsB:
		return s.taken(b, y)
	case x == empty || y == empty:
		return empty
	}
	var v, w words
	a.pages.spread(x, &v)
	b.pages.spread(y, &w)
	for i := range v {
		v[i] = op.word(v[i], w[i])
	}
	return s.pages.pack(&v)
}

// taken is a slot of another set, copied into s.
func (s *Set) taken(from *Set, p slot) slot {
	switch p.form() {
	case formList:
		i := s.pages.lists.take()
		*s.pages.lists.at(i) = *from.pages.lists.at(p.index())
		return indexed(formList, i)
	case formWords:
		return s.pages.pack(from.pages.maps.at(p.index()))
	}
	return p
}
