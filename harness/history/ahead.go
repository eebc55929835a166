package history

import (
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
)

// A batch is some events of one segment, decoded.
type batch struct {
	events []Event
	ranks  []rank
	last   bool  // the segment ends behind it
	err    error // why nothing behind it can be read
}

const (
	mostBatch  = 256     // events: 50 KiB, of which there are two for each segment
	leastBatch = 16      // where there are many segments
	allBatches = 1 << 16 // events of all segments together, as far as leastBatch permits
)

// A feed is one segment on its way into the merge: a batch that is merged, from at on, and one that is decoded meanwhile.
type feed struct {
	cursor  *cursor
	segment int
	rank    rank // of the last event decoded
	size    int  // events of a batch
	batch   *batch
	at      int
	spare   *batch
	ready   chan *batch // holds one
}

// ahead decodes segments on goroutines of its own: as many as there are processors, for all segments together.
type ahead struct {
	all     []*feed
	feeds   []*feed    // those that have a batch that is not merged to its end, in order of the segments
	work    chan *feed // holds all
	workers sync.WaitGroup
	stopped atomic.Bool
}

// readAhead opens the segments and waits for the first batch of each.
func readAhead(segments []SegmentInfo) (*ahead, error) {
	a := &ahead{work: make(chan *feed, len(segments))}
	for i := range segments {
		c, err := openCursor(&segments[i], i)
		if err != nil {
			return nil, errors.Join(err, a.stop())
		}
		size := min(mostBatch, max(leastBatch, allBatches/len(segments)))
		size = int(min(int64(size), max(1, segments[i].Bytes-pageSize))) // no record is shorter than a byte
		a.all = append(a.all, &feed{cursor: c, segment: i, rank: -1 << 63, size: size, ready: make(chan *batch, 1), spare: &batch{}})
	}
	for range min(runtime.GOMAXPROCS(0), len(segments)) {
		a.workers.Go(a.decode)
	}
	for _, f := range a.all {
		a.work <- f
	}
	for _, f := range a.all {
		a.next(f)
	}
	a.feeds = append(a.feeds, a.all...)
	return a, nil
}

// stop ends the goroutines and closes the segments.
func (a *ahead) stop() error {
	a.stopped.Store(true)
	close(a.work)
	a.workers.Wait()
	var errs []error
	for _, f := range a.all {
		errs = append(errs, f.cursor.close())
	}
	return errors.Join(errs...)
}

func (a *ahead) decode() {
	for f := range a.work {
		if !a.stopped.Load() {
			f.ready <- f.fill(f.spare)
		}
	}
}

// next makes the batch that was decoded the one to merge, and lets the one after it be decoded into the memory of the one before.
func (a *ahead) next(f *feed) {
	old := f.batch
	f.batch, f.at = <-f.ready, 0
	if f.batch.last {
		f.spare = nil
		return
	}
	if f.spare = old; old == nil {
		f.spare = &batch{}
	}
	a.work <- f
}

// turn goes on to the next batch where one was merged to its end.
func (a *ahead) turn() error {
	left := a.feeds[:0]
	for _, f := range a.feeds {
		if f.at == len(f.batch.ranks) {
			if f.batch.err != nil {
				return f.batch.err
			}
			if f.batch.last {
				continue
			}
			a.next(f)
		}
		left = append(left, f)
	}
	a.feeds = left
	return nil
}

// fill decodes the next events into b.
func (f *feed) fill(b *batch) *batch {
	if cap(b.events) < f.size {
		b.events, b.ranks = make([]Event, f.size), make([]rank, 0, f.size)
	}
	b.last, b.err = false, nil
	n, last := 0, f.rank
	events, ranks := b.events, b.ranks[:f.size]
	for ; n < len(events) && n < len(ranks); n++ {
		more, err := f.cursor.decode(&events[n])
		if !more {
			b.last, b.err = true, err
			break
		}
		last = max(last, rankOf(&events[n]))
		ranks[n] = last
	}
	f.rank, b.ranks = last, ranks[:n]
	return b
}
