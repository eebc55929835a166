// Package msgset holds sets of messages in about one bit each.
//
// A message is a producer life and a sequence number, and sequences are dense, so a set is a bitmap a life, in pages of
// PageSize sequences that exist only where a bit was ever set. A message with an absurd sequence costs one page. Broker
// offsets never index anything here. The package knows nothing of what a set means, and a Set is for one goroutine.
package msgset

import (
	"cmp"
	"iter"
	"math/bits"
	"slices"

	"waybill/harness/history"
)

// PageSize is how many consecutive sequences share a page.
const PageSize = 1024

const pageWords = PageSize / 64

// Page names one run of PageSize sequences of a producer life.
type Page struct {
	Life  history.Life
	Index uint64
}

// PageOf is the page that a message is on.
func PageOf(m history.Msg) Page { return Page{m.Life, m.Seq / PageSize} }

type words [pageWords]uint64

// Set is a set of messages. The zero Set is empty and ready to use; a nil *Set is empty and must not be added to.
type Set struct {
	pages map[Page]*words
	n     int64

	at   Page // the page asked for last: producers and scans go by sequence
	last *words
}

func (s *Set) page(p Page) *words {
	if s.last != nil && s.at == p {
		return s.last
	}
	w := s.pages[p]
	if w != nil {
		s.at, s.last = p, w
	}
	return w
}

// Add puts m into the set and reports whether it was new.
func (s *Set) Add(m history.Msg) bool {
	p := PageOf(m)
	w := s.page(p)
	if w == nil {
		if s.pages == nil {
			s.pages = make(map[Page]*words)
		}
		w = new(words)
		s.pages[p] = w
		s.at, s.last = p, w
	}
	i, bit := m.Seq%PageSize/64, uint64(1)<<(m.Seq%64)
	if w[i]&bit != 0 {
		return false
	}
	w[i] |= bit
	s.n++
	return true
}

// Remove takes m out and reports whether it was in. Pages are kept: whoever removes usually adds the next sequence.
func (s *Set) Remove(m history.Msg) bool {
	if s == nil {
		return false
	}
	w := s.page(PageOf(m))
	i, bit := m.Seq%PageSize/64, uint64(1)<<(m.Seq%64)
	if w == nil || w[i]&bit == 0 {
		return false
	}
	w[i] &^= bit
	s.n--
	return true
}

// Has reports whether m is in the set.
func (s *Set) Has(m history.Msg) bool {
	if s == nil || s.n == 0 {
		return false
	}
	w := s.page(PageOf(m))
	return w != nil && w[m.Seq%PageSize/64]&(1<<(m.Seq%64)) != 0
}

// Len is the number of messages in the set.
func (s *Set) Len() int64 {
	if s == nil {
		return 0
	}
	return s.n
}

// Pages is the number of pages held: memory is about 170 bytes for each.
func (s *Set) Pages() int {
	if s == nil {
		return 0
	}
	return len(s.pages)
}

// And is a new set of the messages in both.
func (s *Set) And(o *Set) *Set {
	return s.combine(o, func(a, b uint64) uint64 { return a & b })
}

// AndNot is a new set of the messages in s and not in o.
func (s *Set) AndNot(o *Set) *Set {
	return s.combine(o, func(a, b uint64) uint64 { return a &^ b })
}

var none words

// combine applies op word by word over the pages of s: right only for an op that gives 0 where s has 0.
func (s *Set) combine(o *Set, op func(a, b uint64) uint64) *Set {
	out := &Set{}
	if s.Len() == 0 {
		return out
	}
	for p, a := range s.pages {
		b := &none
		if o != nil && o.pages[p] != nil {
			b = o.pages[p]
		}
		var w words
		var n int
		for i := range a {
			w[i] = op(a[i], b[i])
			n += bits.OnesCount64(w[i])
		}
		if n == 0 {
			continue
		}
		if out.pages == nil {
			out.pages = make(map[Page]*words)
		}
		kept := w
		out.pages[p] = &kept
		out.n += int64(n)
	}
	return out
}

// Or is a new set of the messages in either.
func (s *Set) Or(o *Set) *Set {
	out := &Set{}
	out.Union(s)
	out.Union(o)
	return out
}

// Union adds every message of o to s.
func (s *Set) Union(o *Set) {
	if o.Len() == 0 {
		return
	}
	if s.pages == nil {
		s.pages = make(map[Page]*words, len(o.pages))
	}
	for p, b := range o.pages {
		a := s.pages[p]
		if a == nil {
			a = new(words)
			s.pages[p] = a
		}
		for i := range b {
			s.n += int64(bits.OnesCount64(b[i] &^ a[i]))
			a[i] |= b[i]
		}
	}
}

// All yields the messages by life, then sequence.
func (s *Set) All() iter.Seq[history.Msg] {
	return s.where(func(Page) bool { return true })
}

// Of yields the messages of one life, by sequence.
func (s *Set) Of(life history.Life) iter.Seq[history.Msg] {
	return s.where(func(p Page) bool { return p.Life == life })
}

func (s *Set) where(want func(Page) bool) iter.Seq[history.Msg] {
	return func(yield func(history.Msg) bool) {
		if s.Len() == 0 {
			return
		}
		var order []Page
		for p := range s.pages {
			if want(p) {
				order = append(order, p)
			}
		}
		slices.SortFunc(order, func(a, b Page) int {
			return cmp.Or(cmp.Compare(a.Life, b.Life), cmp.Compare(a.Index, b.Index))
		})
		for _, p := range order {
			held := *s.pages[p] // a copy: the loop's body may remove
			for i, w := range held {
				for ; w != 0; w &= w - 1 {
					seq := p.Index*PageSize + uint64(i*64+bits.TrailingZeros64(w))
					if !yield(history.Msg{Life: p.Life, Seq: seq}) {
						return
					}
				}
			}
		}
	}
}
