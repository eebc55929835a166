package history

import "iter"

// Events yields the events of all segments in order of time, at equal times invocations before completions, then in
// the order of the segments. So a completion comes before the invocation of another segment only if it was earlier.
// Events of one segment keep the order in which they were recorded: an invocation whose time is a lower bound earlier
// than the completion before it follows that completion nevertheless.
//
// Other goroutines decode ahead, a batch of each segment at a time; all have ended when the iteration has. The event is
// valid until the next one is asked for. An error, such as ErrCorrupt, ends the sequence.
func (h *History) Events() iter.Seq2[*Event, error] {
	return func(yield func(*Event, error) bool) {
		a, err := readAhead(h.segments)
		if err != nil {
			yield(nil, err)
			return
		}
		defer a.stop()
		var w sorter
		for len(a.feeds) > 0 {
			limit := a.limit()
			for _, e := range w.order(a.feeds, limit) {
				if !yield(e.event, nil) {
					return
				}
			}
			if err := a.turn(); err != nil {
				yield(nil, err)
				return
			}
		}
	}
}

// A rank is what events are merged by: twice the time, and one more for a completion; in a segment never less than the
// rank before, which keeps the segment's own order.
type rank int64

func rankOf(e *Event) rank {
	r := rank(e.Time) << 1
	if roundUp[e.Kind] != 0 {
		r |= 1
	}
	return r
}

// A bound is the last place in the merged order that is known for certain: what segments have read ahead lies beyond it.
type bound struct {
	rank    rank
	segment int
}

// ends is how many of the ranks from an index on lie within the bound.
func (b bound) ends(f *feed) int {
	last := b.rank
	if f.segment > b.segment {
		last-- // at the same rank it comes after the segment whose next events are not known
	}
	i := f.at
	for ranks := f.batch.ranks; i < len(ranks) && ranks[i] <= last; i++ {
	}
	return i
}

// limit is the bound of what can be merged of the batches at hand: the end of the one that ends first. Behind it its
// segment goes on, or cannot be read.
func (a *ahead) limit() bound {
	b := bound{rank: 1<<63 - 1, segment: len(a.all)}
	for _, f := range a.feeds {
		if f.batch.last && f.batch.err == nil {
			continue
		}
		end := rank(-1<<63 + 1)
		if n := len(f.batch.ranks); n > 0 {
			end = f.batch.ranks[n-1]
		}
		if end < b.rank { // feeds are in the order of the segments
			b = bound{end, f.segment}
		}
	}
	return b
}
