package history

import (
	"errors"
	"slices"
	"sync"
)

const (
	mostBatch  = 1 << batchBits // events decoded of a segment at once: 72 KiB
	leastBatch = 64             // where there are many segments
	allBatches = 1 << 16        // events of all segments together, as far as leastBatch permits
	batchBits  = 10
)

// A feed is one segment on its way into the merge: a batch of events, of which those from at on are not merged.
type feed struct {
	cursor  *cursor
	segment int
	size    int // events of a batch
	batch   *batch
	at, end int
	ranks   []rank // of the batch
	latest  rank   // of the last event decoded
	last    bool   // the segment ends behind the batch
	err     error  // why nothing behind it can be read
}

// A round is a part of the merged order, made ready for the reader, who gives it back: until then, what it refers to stays.
type round struct {
	turns []turn
	over  []*batch // merged to their end
	err   error    // what comes behind the turns
}

// A turn is what could be merged of the batches at hand.
type turn struct {
	order   []place
	batches []*batch // by segment
}

// ahead decodes and merges segments on a goroutine of its own, a round ahead of the reader. What goes from one to the other
// is small, and goes in large pieces: waking a goroutine on another processor costs more than decoding a thousand events.
type ahead struct {
	all    []*feed
	feeds  []*feed // those that have events that are not merged, in order of the segments
	spare  []*batch
	sorter sorter
	free   chan *round // both hold all rounds there are
	ready  chan *round // closed behind the last one
	worker sync.WaitGroup
}

const (
	rounds     = 2       // the one that is read, and the one that is made meanwhile
	leastRound = 1 << 14 // events that are worth a round
)

// readAhead opens the segments and begins to read.
func readAhead(segments []SegmentInfo) (*ahead, error) {
	a := &ahead{free: make(chan *round, rounds), ready: make(chan *round, rounds)}
	for i := range segments {
		c, err := openCursor(&segments[i], i)
		if err != nil {
			return nil, errors.Join(err, a.stop())
		}
		size := min(mostBatch, max(leastBatch, allBatches/len(segments)))
		size = int(min(int64(size), max(1, segments[i].Bytes-pageSize))) // no record is shorter than a byte
		a.all = append(a.all, &feed{cursor: c, segment: i, size: size, latest: -1 << 63, batch: &batch{}})
	}
	a.feeds = append(a.feeds, a.all...)
	for range rounds {
		a.free <- &round{}
	}
	a.worker.Go(a.read)
	return a, nil
}

// stop ends the goroutine and closes the segments.
func (a *ahead) stop() error {
	close(a.free)
	a.worker.Wait()
	var errs []error
	for _, f := range a.all {
		errs = append(errs, f.cursor.close())
	}
	return errors.Join(errs...)
}

// read makes one round after the other, until there are no more events, one cannot be read, or nobody wants them.
func (a *ahead) read() {
	defer close(a.ready)
	for r := range a.free {
		a.spare = append(a.spare, r.over...)
		r.over = r.over[:0]
		a.make(r)
		a.ready <- r
		if r.err != nil || len(a.feeds) == 0 {
			return
		}
	}
}

// make merges events into a round until they are enough.
func (a *ahead) make(r *round) {
	turns := r.turns[:cap(r.turns)] // with the memory that they had
	n := 0
	for events := 0; events < leastRound; n++ {
		if r.err = a.refill(r); r.err != nil || len(a.feeds) == 0 {
			break
		}
		if n == len(turns) {
			turns = append(turns, turn{})
		}
		t := &turns[n]
		if t.batches == nil {
			t.batches = make([]*batch, len(a.all))
		}
		t.order = a.sorter.order(t.order[:0], a.feeds, a.limit())
		for _, f := range a.feeds {
			t.batches[f.segment] = f.batch
		}
		events += len(t.order)
	}
	r.turns = turns[:n]
}

// refill decodes more where little is left of a batch, and drops segments that were merged to their end.
func (a *ahead) refill(r *round) error {
	left := a.feeds[:0]
	for _, f := range a.feeds {
		if !f.last && len(f.ranks)-f.at <= f.size/4 {
			r.over = append(r.over, f.batch)
			f.refill(a.take())
		}
		if f.at < len(f.ranks) {
			left = append(left, f)
		} else if f.err != nil {
			return f.err
		}
	}
	a.feeds = left
	return nil
}

// take is a batch that nobody refers to.
func (a *ahead) take() *batch {
	n := len(a.spare)
	if n == 0 {
		return &batch{}
	}
	b := a.spare[n-1]
	a.spare = a.spare[:n-1]
	return b
}

// refill begins a batch with what is left of the one before.
func (f *feed) refill(b *batch) {
	b.begin(f.size, f.batch, f.at, len(f.ranks))
	n := copy(f.ranks, f.ranks[f.at:])
	f.at, f.batch, f.ranks = 0, b, slices.Grow(f.ranks[:0], f.size)[:f.size]
	for n < f.size {
		if more := f.cursor.decoder.briefs(b.briefs[n:f.size], b.counts[n:], f.ranks[n:], f.latest); more > 0 {
			n += more
			f.latest = f.ranks[n-1]
			continue
		}
		e, err := f.cursor.record()
		if e == nil {
			f.last, f.err = true, err
			break
		}
		b.put(n, e, f.cursor.decoder.whole)
		f.latest = max(f.latest, rankOf(e))
		f.ranks[n] = f.latest
		n++
	}
	f.ranks = f.ranks[:n]
}
