package measure

import (
	"errors"
	"iter"
	"maps"
	"slices"
)

var errFar = errors.New("it is too far ahead of those before it")

const (
	mostAhead = 1 << 26 // messages between the first that has not arrived and the last that was heard of
	patience  = 1 << 14 // messages that may have arrived behind one that has not, before that is set aside
)

// mark is something known of a message.
type mark uint8

const (
	known    mark = 1 << iota // its sending was recorded
	measured                  // it was meant to be sent within the window
	first                     // the stages, by hasStage
)

// hasStage is the mark of a message that has got to a stage.
func hasStage(s stage) mark { return first << s }

// trip is a message that has not arrived everywhere.
type trip struct {
	intended int64  // tick
	delay    uint32 // ticks by which it was sent later
	marks    mark
}

func (t *trip) is(k mark) bool { return t.marks&k != 0 }
func (t *trip) set(k mark)     { t.marks |= k }
func (t *trip) sent() int64    { return t.intended + int64(t.delay) }

func (t *trip) begin(intended, sent int64) {
	t.intended, t.delay = intended, uint32(min(1<<32-1, max(0, sent-intended)))
	t.set(known)
}

// over reports whether there is nothing left to hear of a message that would be measured.
func (t *trip) over(confirms bool) bool {
	all := known | hasStage(delivered) | hasStage(applied)
	if confirms {
		all |= hasStage(confirmed)
	}
	return t.marks&all == all
}

// flight is the messages of one producer that are on their way: a ring of those from base on, and aside what others have left behind.
// Whatever is before base and not aside has arrived.
type flight struct {
	base  uint64 // sequence of the first in the ring
	ring  []trip // its length is a power of two
	head  int    // where the first is
	n     int    // how many there are in it
	done  int    // of those, how many have arrived
	aside map[uint64]*trip
}

// arrived marks a message in the ring of which nothing more is remembered.
const arrived mark = 1 << 7

// find is the trip of a message; nil if it has arrived. It is good until the next call.
func (f *flight) find(seq uint64) (*trip, error) {
	if f.base == 0 {
		f.base = 1
	}
	if seq < f.base {
		return f.aside[seq], nil
	}
	at := seq - f.base
	if at >= mostAhead {
		return nil, errFar
	}
	for int(at) >= f.n {
		f.extend()
	}
	t := f.at(int(at))
	if t.is(arrived) {
		return nil, nil
	}
	return t, nil
}

func (f *flight) at(i int) *trip { return &f.ring[(f.head+i)&(len(f.ring)-1)] }

// extend adds a message behind the last.
func (f *flight) extend() {
	if f.n == len(f.ring) {
		larger := make([]trip, max(64, 2*len(f.ring)))
		for i := range f.n {
			larger[i] = *f.at(i)
		}
		f.ring, f.head = larger, 0
	}
	f.n++
	*f.at(f.n - 1) = trip{}
}

// settle forgets a message that has arrived.
func (f *flight) settle(seq uint64) {
	if seq < f.base {
		delete(f.aside, seq)
		return
	}
	f.at(int(seq - f.base)).set(arrived)
	f.done++
	for f.n > 0 {
		t := f.at(0)
		if !t.is(arrived) {
			if f.done < patience || f.done < f.n/2 {
				return
			}
			if f.aside == nil {
				f.aside = map[uint64]*trip{}
			}
			late := *t
			f.aside[f.base] = &late
		} else {
			f.done--
		}
		f.head = (f.head + 1) & (len(f.ring) - 1)
		f.base++
		f.n--
	}
}

// open are the messages that have not arrived, in order.
func (f *flight) open() iter.Seq2[uint64, *trip] {
	return func(yield func(uint64, *trip) bool) {
		for _, seq := range slices.Sorted(maps.Keys(f.aside)) {
			if !yield(seq, f.aside[seq]) {
				return
			}
		}
		for i := range f.n {
			if t := f.at(i); !t.is(arrived) && !yield(f.base+uint64(i), t) {
				return
			}
		}
	}
}
