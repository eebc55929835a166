package history

import "math/bits"

// A place says where an event lies: its segment, and there its place in the batch. While it is sorted, its high half is the distance of
// the event's rank to the lowest.
type place uint64

const (
	placeBits = 32
	digitBits = (64 - placeBits) / 2
	farthest  = 1<<(64-placeBits) - 1 // distance of two ranks that can be sorted: more than half an hour
)

func (p place) at() int      { return int(p & (mostBatch - 1)) }
func (p place) segment() int { return int(p & (1<<placeBits - 1) >> batchBits) }

// A sorter puts what several segments have up to a bound into one order. It distributes by rank, first by the lower and then by the higher
// of two digits (Knuth, The Art of Computer Programming 3, 5.2.5): batches span so few ticks that digits are short, their counts fit the
// fastest cache, and there is nothing to compare or to mispredict. Each distribution keeps the order of equals, which at first is
// that of the segments.
type sorter struct {
	other     []place
	low, high [1 << digitBits]uint32
}

// order takes from the feeds what lies within the bound, or of that what is not too far away, and appends it to a list that is empty.
func (s *sorter) order(list []place, feeds []*feed, limit bound) []place {
	lowest := rank(1<<63 - 1)
	for _, f := range feeds {
		lowest = min(lowest, f.ranks[f.at])
	}
	if uint64(limit.rank-lowest) > farthest {
		limit = bound{lowest + farthest, len(feeds)}
	}
	from, highest := 0, lowest
	for _, f := range feeds {
		if f.end = limit.ends(f); f.end > f.at {
			from++
			highest = max(highest, f.ranks[f.end-1])
		}
	}
	width := (bits.Len64(uint64(highest-lowest)) + 1) / 2
	low, high := s.low[:1<<width], s.high[:1<<width]
	clear(low)
	clear(high)
	for _, f := range feeds {
		list = f.places(list, lowest, low, high)
		f.at = f.end
	}
	if from > 1 && width > 0 {
		list = s.distribute(list, low, placeBits)
		list = s.distribute(list, high, placeBits+width)
	}
	return list
}

// places appends what the segment has up to its end, and counts the digits. There are as many values of the one as of the other, a power of two.
func (f *feed) places(list []place, lowest rank, low, high []uint32) []place {
	mask := uint64(len(low) - 1)
	width := bits.Len64(mask)
	high = high[:len(low)]
	p := place(f.segment)<<batchBits + place(f.at)
	for _, r := range f.ranks[f.at:f.end] {
		distance := uint64(r - lowest)
		list = append(list, place(distance<<placeBits)|p)
		low[distance&mask]++
		high[distance>>width&mask]++
		p++
	}
	return list
}

// distribute orders by a digit, the values of which have been counted.
func (s *sorter) distribute(list []place, counts []uint32, shift int) []place {
	mask := uint64(len(counts) - 1)
	sum := uint32(0)
	for i, n := range counts {
		counts[i] = sum
		sum += n
	}
	if cap(s.other) < len(list) {
		s.other = make([]place, cap(list))
	}
	out := s.other[:len(list)]
	for _, p := range list {
		to := &counts[uint64(p)>>shift&mask]
		out[*to] = p
		*to++
	}
	s.other = list
	return out
}
