package history

import (
	"iter"
	"sort"
)

// Events yields the events of all segments in order of time, at equal times invocations before completions, then in
// the order of the segments. So a completion comes before the invocation of another segment only if it was earlier.
// Events of one segment keep the order in which they were recorded: an invocation whose time is a lower bound earlier
// than the completion before it follows that completion nevertheless.
//
// Another goroutine reads ahead; it has ended when the iteration has. The event is valid until the next one is asked for, and must not be
// changed. An error, such as ErrCorrupt, ends the sequence.
func (h *History) Events() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		a, err := readAhead(h.segments)
		if err != nil {
			yield(nil, err)
			return
		}
		defer a.stop()
		seen := make([]shown, len(h.segments))
		for r := range a.ready {
			for _, t := range r.turns {
				for _, p := range t.order {
					s := p.segment()
					if !yield(seen[s].show(t.batches[s], p.at()), nil) {
						return
					}
				}
			}
			if r.err != nil {
				yield(nil, r.err)
				return
			}
			a.free <- r
		}
	}
}

// A rank is what events are merged by: twice the time, and one more for a completion; in a segment never less than the
// rank before, which keeps the segment's own order.
type rank int64

func rankOf(e *Event) rank { return rank(e.Time)<<1 | completion[e.Kind] }

// completion is 1 for the kinds that are completions.
var completion = func() (c [256]rank) {
	for k := range c {
		if !Kind(k).IsInvocation() {
			c[k] = 1
		}
	}
	return c
}()

// A bound is the last place in the merged order that is known for certain: what segments have read ahead lies beyond it.
type bound struct {
	rank    rank
	segment int
}

// ends is how many of the ranks of a segment lie within the bound.
func (b bound) ends(f *feed) int {
	last := b.rank
	if f.segment > b.segment {
		last-- // at the same rank it comes after the segment whose next events are not known
	}
	return f.at + sort.Search(len(f.ranks)-f.at, func(i int) bool { return f.ranks[f.at+i] > last })
}

// limit is the bound of what can be merged of the batches at hand: the end of the one that ends first. Behind it its
// segment goes on, or cannot be read.
func (a *ahead) limit() bound {
	b := bound{rank: 1<<63 - 1, segment: len(a.all)}
	for _, f := range a.feeds {
		if f.last && f.err == nil {
			continue
		}
		if end := f.ranks[len(f.ranks)-1]; end < b.rank { // feeds are in the order of the segments
			b = bound{end, f.segment}
		}
	}
	return b
}
