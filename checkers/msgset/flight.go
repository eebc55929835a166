package msgset

import (
	"iter"
	"math/bits"

	"waybill/harness/history"
)

// A Flight holds a value for each message that is under way: few at a time, and a message comes and goes with every second event. It
// is a hash table with open addressing in which two messages of consecutive sequences lie side by side, linear probing, and
// deletion that moves back what was pushed on (Knuth, The Art of Computer Programming 3, 6.4, algorithm R). It shrinks when it empties.
// The zero Flight is empty and ready to use. It is for one goroutine.
type Flight[V any] struct {
	slots []berth[V] // a power of two, or none
	shift int        // what leaves as many bits of a hash as there are pairs of slots
	n     int
}

type berth[V any] struct {
	msg   history.Msg
	taken bool
	value V
}

const (
	side   = 2  // slots that lie side by side
	fewest = 64 // slots of a table that is not empty
)

// Len is how many messages have a value.
func (f *Flight[V]) Len() int { return f.n }

// Get is the value of m, and whether it has one.
func (f *Flight[V]) Get(m history.Msg) (v V, ok bool) {
	if f.n == 0 {
		return v, false
	}
	if i, ok := f.find(m); ok {
		return f.slots[i].value, true
	}
	return v, false
}

// Put gives m a value, in place of the one it may have.
func (f *Flight[V]) Put(m history.Msg, v V) {
	if (f.n+1)*4 > len(f.slots)*3 {
		f.resize(max(fewest, 2*len(f.slots)))
	}
	i, ok := f.find(m)
	if !ok {
		f.n++
	}
	f.slots[i] = berth[V]{m, true, v}
}

// Delete takes the value of m away, and reports whether it had one.
func (f *Flight[V]) Delete(m history.Msg) bool {
	if f.n == 0 {
		return false
	}
	i, ok := f.find(m)
	if !ok {
		return false
	}
	mask := len(f.slots) - 1
	for j := (i + 1) & mask; f.slots[j].taken; j = (j + 1) & mask {
		if home := f.home(f.slots[j].msg); (j-home)&mask >= (j-i)&mask { // it may lie at i as well
			f.slots[i] = f.slots[j]
			i = j
		}
	}
	f.slots[i] = berth[V]{}
	f.n--
	if len(f.slots) > fewest && f.n*8 < len(f.slots) {
		f.resize(len(f.slots) / 2)
	}
	return true
}

// All yields what is there in any order. Nothing may be put or deleted meanwhile.
func (f *Flight[V]) All() iter.Seq2[history.Msg, V] {
	return func(yield func(history.Msg, V) bool) {
		for i := range f.slots {
			if b := &f.slots[i]; b.taken && !yield(b.msg, b.value) {
				return
			}
		}
	}
}

// find is where m lies, or the free slot where it would.
func (f *Flight[V]) find(m history.Msg) (int, bool) {
	mask := len(f.slots) - 1
	for i := f.home(m); ; i = (i + 1) & mask {
		b := &f.slots[i]
		if !b.taken {
			return i, false
		}
		if b.msg == m {
			return i, true
		}
	}
}

// home is the slot where a search for m begins.
func (f *Flight[V]) home(m history.Msg) int {
	h := (m.Seq/side ^ uint64(m.Life)<<40) * 0x9e3779b97f4a7c15 // multiplicative, by the golden ratio: its highest bits are the good ones
	return int(h>>f.shift)*side + int(m.Seq%side)
}

func (f *Flight[V]) resize(n int) {
	old := f.slots
	f.slots, f.shift = make([]berth[V], n), 65-bits.Len(uint(n/side))
	for i := range old {
		if old[i].taken {
			at, _ := f.find(old[i].msg)
			f.slots[at] = old[i]
		}
	}
}
