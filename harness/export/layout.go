package export

import (
	"math/bits"
	"slices"

	"waybill/harness/history"
)

// place is one log: a partition of an incarnation of a queue.
type place struct{ incarnation, partition uint32 }

func placeOf(p history.Position) place { return place{p.Incarnation, p.Partition} }

// layout numbers logs as keys and positions as dense offsets. Everything is added first; settle comes before the first question.
type layout struct {
	base         int64 // the first key
	partitions   int64 // highest number, plus one
	incarnations []uint32
	offsets      map[place]*ranks
}

func newLayout() *layout { return &layout{offsets: map[place]*ranks{}} }

// add takes a position that a client was told of.
func (l *layout) add(p history.Position) { l.open(placeOf(p)).add(p.Offset) }

// open takes a log that exists.
func (l *layout) open(at place) *ranks {
	r := l.offsets[at]
	if r == nil {
		r = &ranks{pages: map[int64]*page{}}
		l.offsets[at] = r
		l.partitions = max(l.partitions, int64(at.partition)+1)
		if i, found := slices.BinarySearch(l.incarnations, at.incarnation); !found {
			l.incarnations = slices.Insert(l.incarnations, i, at.incarnation)
		}
	}
	return r
}

// settle ends adding. Keys are base and those after it.
func (l *layout) settle(base int64) {
	l.base = base
	for _, r := range l.offsets {
		r.settle()
	}
}

// end is the first key beyond those of the layout.
func (l *layout) end() int64 { return l.base + l.partitions*int64(len(l.incarnations)) }

func (l *layout) key(at place) int64 {
	i, _ := slices.BinarySearch(l.incarnations, at.incarnation)
	return l.base + int64(i)*l.partitions + int64(at.partition)
}

// keys is all of them, in order.
func (l *layout) keys() []int64 {
	var out []int64
	for k := l.base; k < l.end(); k++ {
		out = append(out, k)
	}
	return out
}

func (l *layout) offset(p history.Position) int64 { return l.offsets[placeOf(p)].rank(p.Offset) }

// ranks is a set of offsets that knows how many of them lie below each: a bit for each offset between the lowest and the highest.
type ranks struct{ pages map[int64]*page }

const pageBits = 4096

type page struct {
	bits   [pageBits / 64]uint64
	before int64 // offsets in the pages below
}

func (r *ranks) add(offset int64) {
	n, i := offset/pageBits, offset%pageBits
	p := r.pages[n]
	if p == nil {
		p = &page{}
		r.pages[n] = p
	}
	p.bits[i/64] |= 1 << (i % 64)
}

func (r *ranks) settle() {
	var numbers []int64
	for n := range r.pages {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	var sum int64
	for _, n := range numbers {
		p := r.pages[n]
		p.before = sum
		for _, w := range p.bits {
			sum += int64(bits.OnesCount64(w))
		}
	}
}

// rank is how many offsets of the set lie below offset, which is in it.
func (r *ranks) rank(offset int64) int64 {
	p, i := r.pages[offset/pageBits], offset%pageBits
	n := p.before
	for _, w := range p.bits[:i/64] {
		n += int64(bits.OnesCount64(w))
	}
	return n + int64(bits.OnesCount64(p.bits[i/64]&(1<<(i%64)-1)))
}
