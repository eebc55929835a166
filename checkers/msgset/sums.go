package msgset

import (
	"iter"

	"waybill/harness/history"
)

// Sums is a fingerprint a page: the sum, modulo 2^64, of a hash for each (message, position) put in. Two multisets of such
// pairs that differ on a page have equal sums with a chance of 2^-64; order does not matter. It is how positions of all
// messages are compared in a sixteenth of a bit a message; only pages that differ are looked at one by one.
// The zero Sums is empty and ready to use. It is for one goroutine.
type Sums struct {
	lives table[tally]
	n     int // pages
}

// A tally is the sums of one life.
type tally struct {
	at     uint64 // the page of last, plus one: producers and scans go by sequence
	last   *uint64
	chunks table[sums]
}

// sums are those of the pages of a chunk, where there are any.
type sums struct {
	there uint64 // bits of the pages that have one
	of    [chunkPages]uint64
}

// Add puts the pair of m and a position (partition and offset; incarnation and epoch are not always known to a producer) in.
func (s *Sums) Add(m history.Msg, p history.Position) {
	t := s.lives.get(uint64(m.Life))
	if t == nil || t.at != m.Seq/PageSize+1 {
		t = s.turn(t, m)
	}
	*t.last += mix(uint64(m.Life)<<32 ^ uint64(p.Partition) ^ mix(m.Seq^mix(uint64(p.Offset))))
}

// turn makes the page of m the last one.
func (s *Sums) turn(t *tally, m history.Msg) *tally {
	if t == nil {
		t = &tally{}
		s.lives.put(uint64(m.Life), t)
	}
	page := m.Seq / PageSize
	c := t.chunks.get(page / chunkPages)
	if c == nil {
		c = &sums{}
		t.chunks.put(page/chunkPages, c)
	}
	if c.there>>(page%chunkPages)&1 == 0 {
		c.there |= 1 << (page % chunkPages)
		s.n++
	}
	t.at, t.last = page+1, &c.of[page%chunkPages]
	return t
}

// Differ yields the pages of s on which o is not the same. Pages that only o has are not among them. A nil *Sums is empty.
func (s *Sums) Differ(o *Sums) iter.Seq[Page] {
	return func(yield func(Page) bool) {
		if s == nil || s == o {
			return
		}
		for life, t := range s.lives.all() {
			var other *tally
			if o != nil {
				other = o.lives.get(life)
			}
			for i, c := range t.chunks.all() {
				there := &noSums
				if other != nil {
					if d := other.chunks.get(i); d != nil {
						there = d
					}
				}
				for j := range uint64(chunkPages) {
					has, same := c.there>>j&1 != 0, there.there>>j&1 != 0 && c.of[j] == there.of[j]
					if has && !same && !yield(Page{history.Life(life), i*chunkPages + j}) {
						return
					}
				}
			}
		}
	}
}

// noSums stands for sums that are not there, and is never written.
var noSums sums

// Equal reports whether s and o are the same on every page.
func (s *Sums) Equal(o *Sums) bool {
	for range s.Differ(o) {
		return false
	}
	return s.len() == o.len()
}

func (s *Sums) len() int {
	if s == nil {
		return 0
	}
	return s.n
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
