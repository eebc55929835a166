package msgset

import (
	"iter"

	"waybill/harness/history"
)

// Sums is a fingerprint a page: the sum, modulo 2^64, of a hash for each (message, position) put in. Two multisets of such
// pairs that differ on a page have equal sums with a chance of 2^-64; order does not matter. It is how positions of all
// messages are compared in a sixteenth of a bit a message; only pages that differ are looked at one by one.
// The zero Sums is empty and ready to use.
type Sums struct {
	pages map[Page]*uint64

	at   Page
	last *uint64
}

// Add puts the pair of m and a position (partition and offset; incarnation and epoch are not always known to a producer) in.
func (s *Sums) Add(m history.Msg, p history.Position) {
	page := PageOf(m)
	if s.last == nil || s.at != page {
		v := s.pages[page]
		if v == nil {
			if s.pages == nil {
				s.pages = make(map[Page]*uint64)
			}
			v = new(uint64)
			s.pages[page] = v
		}
		s.at, s.last = page, v
	}
	*s.last += mix(uint64(m.Life)<<32 ^ uint64(p.Partition) ^ mix(m.Seq^mix(uint64(p.Offset))))
}

// Differ yields the pages of s on which o is not the same. Pages that only o has are not among them. A nil *Sums is empty.
func (s *Sums) Differ(o *Sums) iter.Seq[Page] {
	return func(yield func(Page) bool) {
		for p, v := range s.all() {
			if w := o.all()[p]; (w == nil || *w != *v) && !yield(p) {
				return
			}
		}
	}
}

// Equal reports whether s and o are the same on every page.
func (s *Sums) Equal(o *Sums) bool {
	for range s.Differ(o) {
		return false
	}
	return len(s.all()) == len(o.all())
}

func (s *Sums) all() map[Page]*uint64 {
	if s == nil {
		return nil
	}
	return s.pages
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
