// Package msgset holds sets of messages in a fraction of a bit each.
//
// A message is a producer life and a sequence number, and sequences are dense, so a set is made of pages of PageSize sequences.
// A page being written is a bitmap. One that nobody writes any more is eight bytes when nearly none or nearly all of its messages
// are in, a short list when few are in or missing, and a bitmap otherwise; chunkPages pages in a row that are all full, or all
// empty, cost next to nothing together. So a set of all messages, of none, or of the few that are special is far below a bit a
// message, and only one of every other message needs that bit.
//
// Pages of sequences that grow from 1 are found by index. A message with an absurd sequence or life costs one chunk of pages, some
// 600 bytes; broker offsets never index anything here. Beside Set there are Sums, fingerprints of positions, and Flight, values
// for the few messages that are under way. The package knows nothing of what a set means, and is not safe for concurrent use.
package msgset

import (
	"iter"
	"math/bits"

	"waybill/harness/history"
)

// Page names one run of PageSize sequences of a producer life.
type Page struct {
	Life  history.Life
	Index uint64
}

// PageOf is the page that a message is on.
func PageOf(m history.Msg) Page { return Page{m.Life, m.Seq / PageSize} }

// chunkPages is how many pages share an entry of a life's directory.
const chunkPages = 64

// A chunk is the pages of 65,536 sequences.
type chunk [chunkPages]slot

// fullChunk stands for every chunk of full pages, and is never written.
var fullChunk = func() *chunk {
	var c chunk
	for i := range c {
		c[i] = full
	}
	return &c
}()

// none stands for every chunk that is not there, and is never written.
var none chunk

// hot is how many pages of one life can be bitmaps because they are being written: several consumers are not on the same page.
const hot = 4

// A track is the messages of one life.
type track struct {
	at     [hot]uint64 // pages being written, the last one first, plus one: 0 is nothing
	open   [hot]*words
	chunks table[chunk]
}

// Set is a set of messages. The zero Set is empty and ready to use; a nil *Set is empty and must not be added to. A Set that was
// used is moved by assignment, never copied.
type Set struct {
	n     int64
	quick [ways]quick
	lives table[track]
	pages pages
}

// ways is how many lives in a row can be written in turn without being looked up.
const ways = 4

// quick is where the page of a life that was written last is a bitmap: what Add and Remove try first, by the lowest bits of the life.
type quick struct {
	page Page
	open *words // nil: nothing
}

// Add puts m into the set and reports whether it was new.
func (s *Set) Add(m history.Msg) bool {
	if q := &s.quick[m.Life%ways]; q.page == PageOf(m) && q.open != nil {
		w, bit := &q.open[m.Seq%PageSize/64], uint64(1)<<(m.Seq%64)
		if *w&bit != 0 {
			return false
		}
		*w |= bit
		s.n++
		return true
	}
	return s.change(s.lives.get(uint64(m.Life)), m, true)
}

// Remove takes m out and reports whether it was in.
func (s *Set) Remove(m history.Msg) bool {
	if s == nil || s.n == 0 {
		return false
	}
	if q := &s.quick[m.Life%ways]; q.page == PageOf(m) && q.open != nil {
		w, bit := &q.open[m.Seq%PageSize/64], uint64(1)<<(m.Seq%64)
		if *w&bit == 0 {
			return false
		}
		*w &^= bit
		s.n--
		return true
	}
	t := s.lives.get(uint64(m.Life))
	return t != nil && s.change(t, m, false)
}

// Has reports whether m is in the set.
func (s *Set) Has(m history.Msg) bool {
	if s == nil || s.n == 0 {
		return false
	}
	if q := &s.quick[m.Life%ways]; q.page == PageOf(m) && q.open != nil {
		return q.open[m.Seq%PageSize/64]>>(m.Seq%64)&1 != 0
	}
	t := s.lives.get(uint64(m.Life))
	if t == nil {
		return false
	}
	page := m.Seq / PageSize
	c := t.chunks.get(page / chunkPages)
	return c != nil && s.pages.has(c[page%chunkPages], int(m.Seq%PageSize))
}

// change adds or removes m, whose page is not the one written last.
func (s *Set) change(t *track, m history.Msg, in bool) bool {
	if t == nil {
		t = &track{}
		s.lives.put(uint64(m.Life), t)
	}
	page, at := m.Seq/PageSize, int(m.Seq%PageSize)
	for i := range hot {
		if t.at[i] == page+1 {
			w := t.open[i]
			copy(t.at[1:i+1], t.at[:i])
			copy(t.open[1:i+1], t.open[:i])
			t.at[0], t.open[0] = page+1, w
			s.quick[m.Life%ways] = quick{PageOf(m), w}
			if (w[at/64]>>(at%64)&1 != 0) == in {
				return false
			}
			w[at/64] ^= 1 << (at % 64)
			s.counts(in)
			return true
		}
	}
	c := t.chunks.get(page / chunkPages)
	switch {
	case c == nil:
		if !in {
			return false
		}
		c = &chunk{}
		t.chunks.put(page/chunkPages, c)
		for before := uint64(1); before <= 2 && before <= page/chunkPages; before++ {
			t.tidy(page/chunkPages - before)
		}
	case c == fullChunk:
		if in {
			return false
		}
		own := *fullChunk
		c = &own
		t.chunks.put(page/chunkPages, c)
	}
	p := &c[page%chunkPages]
	if s.pages.has(*p, at) == in {
		return false
	}
	*p = s.pages.toggle(*p, at, in)
	s.counts(in)
	if p.form() == formWords {
		s.open(t, PageOf(m), *p)
	}
	return true
}

func (s *Set) counts(in bool) {
	if in {
		s.n++
	} else {
		s.n--
	}
}

// open makes a bitmap the page written last, and packs the one that has not been written for longest.
func (s *Set) open(t *track, page Page, p slot) {
	if old := t.at[hot-1]; old != 0 {
		s.close(t, old-1, t.open[hot-1])
	}
	copy(t.at[1:], t.at[:hot-1])
	copy(t.open[1:], t.open[:hot-1])
	t.at[0], t.open[0] = page.Index+1, s.pages.maps.at(p.index())
	s.quick[page.Life%ways] = quick{page, t.open[0]}
}

// close packs a page that was a bitmap, and then its chunk.
func (s *Set) close(t *track, page uint64, w *words) {
	if n := w.count(); n > listed && n < PageSize-listed {
		return
	}
	c := t.chunks.get(page / chunkPages)
	p := &c[page%chunkPages]
	packed := s.pages.pack(w)
	s.pages.free(*p)
	*p = packed
	if packed == full || packed == empty {
		t.tidy(page / chunkPages)
	}
}

// tidy forgets a chunk of which all pages are full, or all are empty.
func (t *track) tidy(i uint64) {
	switch c := t.chunks.get(i); {
	case c == nil || c == fullChunk:
	case *c == *fullChunk:
		t.chunks.put(i, fullChunk)
	case *c == none:
		t.chunks.put(i, nil)
	}
}

// Len is the number of messages in the set.
func (s *Set) Len() int64 {
	if s == nil {
		return 0
	}
	return s.n
}

// All yields the messages by life, then sequence. Messages may be removed from the set meanwhile; those of the same chunk may be yielded
// all the same.
func (s *Set) All() iter.Seq[history.Msg] {
	return func(yield func(history.Msg) bool) {
		if s.Len() == 0 {
			return
		}
		for life, t := range s.lives.all() {
			if !s.track(history.Life(life), t, yield) {
				return
			}
		}
	}
}

// Of yields the messages of one life, by sequence, as All does.
func (s *Set) Of(life history.Life) iter.Seq[history.Msg] {
	return func(yield func(history.Msg) bool) {
		if s.Len() == 0 {
			return
		}
		if t := s.lives.get(uint64(life)); t != nil {
			s.track(life, t, yield)
		}
	}
}

func (s *Set) track(life history.Life, t *track, yield func(history.Msg) bool) bool {
	for i, c := range t.chunks.all() {
		for j := range c {
			var held words // a copy: the loop's body may remove
			if c[j] == empty {
				continue
			}
			s.pages.spread(c[j], &held)
			first := (i*chunkPages + uint64(j)) * PageSize
			for k, w := range held {
				for ; w != 0; w &= w - 1 {
					if !yield(history.Msg{Life: life, Seq: first + uint64(k*64+bits.TrailingZeros64(w))}) {
						return false
					}
				}
			}
		}
	}
	return true
}
