package msgset

import (
	"math/bits"
	"slices"
)

// PageSize is how many consecutive sequences share a page.
const PageSize = 1024

const pageWords = PageSize / 64

// words are a page as a bitmap.
type words [pageWords]uint64

// A slot is a page in eight bytes. Its lowest four bits are its form:
//
//	0 to  6   so many messages are in, at most six, whose places of ten bits each follow
//	7 to 13   form-7 messages are missing, likewise
//	     14   a list of up to listed places, in or missing, is in the set's pool at the index that follows
//	     15   a bitmap is, in the other pool
//
// So an empty slot is 0, and a full one is form 7 without places.
type slot uint64

const (
	inline    = 6 // places that a slot holds itself
	placeBits = 10
	formBits  = 4
	missing   = inline + 1
	formList  = 14
	formWords = 15

	empty slot = 0
	full  slot = missing
)

func (s slot) form() int       { return int(s & (1<<formBits - 1)) }
func (s slot) index() uint32   { return uint32(s >> formBits) }
func (s slot) place(i int) int { return int(s >> (formBits + placeBits*i) & (PageSize - 1)) }

func indexed(form int, i uint32) slot { return slot(form) | slot(i)<<formBits }

// listed is how many places a list has room for: with its header it is 32 bytes, a quarter of a bitmap.
const listed = 15

// A list is a page of which few messages are in, or few are missing.
type list struct {
	n      uint8
	out    bool // the places are of those missing
	places [listed]uint16
}

// has reports whether the message at a place of the page is in.
func (p *pages) has(s slot, at int) bool {
	switch f := s.form(); {
	case f < missing:
		return s.named(f, at)
	case f < formList:
		return !s.named(f-missing, at)
	case f == formList:
		l := p.lists.at(s.index())
		return slices.Contains(l.places[:l.n], uint16(at)) != l.out
	default:
		return p.maps.at(s.index())[at/64]>>(at%64)&1 != 0
	}
}

func (s slot) named(n, at int) bool {
	for i := range n {
		if s.place(i) == at {
			return true
		}
	}
	return false
}

// count is the number of messages of a page that are in.
func (p *pages) count(s slot) int {
	switch f := s.form(); {
	case f < missing:
		return f
	case f < formList:
		return PageSize - (f - missing)
	case f == formList:
		l := p.lists.at(s.index())
		if l.out {
			return PageSize - int(l.n)
		}
		return int(l.n)
	default:
		return p.maps.at(s.index()).count()
	}
}

func (w *words) count() (n int) {
	for _, x := range w {
		n += bits.OnesCount64(x)
	}
	return n
}

// spread writes a page into w as a bitmap.
func (p *pages) spread(s slot, w *words) {
	f := s.form()
	if f == formWords {
		*w = *p.maps.at(s.index())
		return
	}
	out := f >= missing && f < formList || f == formList && p.lists.at(s.index()).out
	fill := uint64(0)
	if out {
		fill = ^fill
	}
	for i := range w {
		w[i] = fill
	}
	flip := func(at int) { w[at/64] ^= 1 << (at % 64) }
	switch {
	case f < missing:
		for i := range f {
			flip(s.place(i))
		}
	case f < formList:
		for i := range f - missing {
			flip(s.place(i))
		}
	default:
		l := p.lists.at(s.index())
		for _, at := range l.places[:l.n] {
			flip(int(at))
		}
	}
}

// pack is the smallest form of a bitmap, which may have to be copied into the pools.
func (p *pages) pack(w *words) slot {
	n := w.count()
	out := n > PageSize/2
	named := n
	if out {
		named = PageSize - n
	}
	if named > listed {
		i := p.maps.take()
		*p.maps.at(i) = *w
		return indexed(formWords, i)
	}
	var l list
	l.out = out
	for i, x := range w {
		if out {
			x = ^x
		}
		for ; x != 0; x &= x - 1 {
			l.places[l.n] = uint16(i*64 + bits.TrailingZeros64(x))
			l.n++
		}
	}
	if named > inline {
		i := p.lists.take()
		*p.lists.at(i) = l
		return indexed(formList, i)
	}
	return l.inline()
}

// inline is the slot that names what a list does, which is not too much for one.
func (l *list) inline() slot {
	s := slot(l.n)
	if l.out {
		s += missing
	}
	for i, at := range l.places[:l.n] {
		s |= slot(at) << (formBits + placeBits*i)
	}
	return s
}

// free gives back what a slot has in the pools.
func (p *pages) free(s slot) {
	switch s.form() {
	case formList:
		p.lists.give(s.index())
	case formWords:
		p.maps.give(s.index())
	}
}

// toggle puts the message at a place in, or takes it out: the caller knows that this is a change. It returns the slot as it is now.
func (p *pages) toggle(s slot, at int, in bool) slot {
	f := s.form()
	switch {
	case f == formWords:
		p.maps.at(s.index())[at/64] ^= 1 << (at % 64)
		return s
	case f == formList:
		if l := p.lists.at(s.index()); l.toggle(at, in) {
			if l.n > inline/2 {
				return s
			}
			short := l.inline()
			p.free(s)
			return short
		}
	case in && f < inline, !in && f >= missing && f < missing+inline:
		n := f % missing
		return (s | slot(at)<<(formBits+placeBits*n)) + 1
	case !in && f < missing, in && f >= missing:
		n := f % missing
		for i := range n {
			if s.place(i) == at { // the last one takes its place
				last := slot(s.place(n - 1))
				s &^= (PageSize - 1) << (formBits + placeBits*i)
				s |= last << (formBits + placeBits*i)
				s &^= (PageSize - 1) << (formBits + placeBits*(n-1))
				return s - 1
			}
		}
	default: // one more than a slot holds
		l := list{n: inline, out: f >= missing}
		for i := range inline {
			l.places[i] = uint16(s.place(i))
		}
		l.toggle(at, in)
		i := p.lists.take()
		*p.lists.at(i) = l
		return indexed(formList, i)
	}
	var w words // a list that is full
	p.spread(s, &w)
	w[at/64] ^= 1 << (at % 64)
	p.free(s)
	i := p.maps.take()
	*p.maps.at(i) = w
	return indexed(formWords, i)
}

// toggle changes a list and reports whether it had room for that.
func (l *list) toggle(at int, in bool) bool {
	if in == l.out { // one less to name
		i := slices.Index(l.places[:l.n], uint16(at))
		l.n--
		l.places[i] = l.places[l.n]
		return true
	}
	if l.n == listed {
		return false
	}
	l.places[l.n] = uint16(at)
	l.n++
	return true
}
