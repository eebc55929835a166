package history

import "math/bits"

// A ranked event waits for its turn.
type ranked struct {
	rank  rank
	event *Event
}

// A sorter puts what several segments have up to a bound into one order. It distributes by rank, a digit at a time, the lowest first
// (Knuth, The Art of Computer Programming 3, 5.2.5): a batch spans few ticks, so that one or two digits do, and there is nothing to
// compare or to mispredict. Each distribution keeps the order of equals, which at first is that of the segments.
type sorter struct {
	a, b   []ranked
	counts [1 << digitBits]uint32
}

// digitBits is how long a digit may be: its counts fit the fastest cache.
const digitBits = 13

// order takes from the feeds what lies within the bound.
func (s *sorter) order(feeds []*feed, limit bound) []ranked {
	s.a = s.a[:0]
	from := 0
	lowest, highest := rank(1<<63-1), rank(-1<<63)
	for _, f := range feeds {
		end := limit.ends(f)
		if end == f.at {
			continue
		}
		from++
		lowest, highest = min(lowest, f.batch.ranks[f.at]), max(highest, f.batch.ranks[end-1])
		for i := f.at; i < end; i++ {
			s.a = append(s.a, ranked{f.batch.ranks[i], &f.batch.events[i]})
		}
		f.at = end
	}
	if from < 2 {
		return s.a
	}
	if cap(s.b) < len(s.a) {
		s.b = make([]ranked, cap(s.a))
	}
	s.b = s.b[:len(s.a)]
	length := bits.Len64(uint64(highest - lowest))
	if length == 0 {
		return s.a
	}
	digits := (length + digitBits - 1) / digitBits
	width := (length + digits - 1) / digits
	for shift := 0; shift < length; shift += width {
		s.distribute(lowest, shift, width)
	}
	return s.a
}

// distribute orders by one digit of the distance to the lowest rank.
func (s *sorter) distribute(lowest rank, shift, width int) {
	counts := s.counts[:1<<width]
	mask := uint64(len(counts) - 1)
	clear(counts)
	for i := range s.a {
		counts[uint64(s.a[i].rank-lowest)>>shift&mask]++
	}
	sum := uint32(0)
	for i, n := range counts {
		counts[i] = sum
		sum += n
	}
	for i := range s.a {
		to := &counts[uint64(s.a[i].rank-lowest)>>shift&mask]
		s.b[*to] = s.a[i]
		*to++
	}
	s.a, s.b = s.b, s.a
}
