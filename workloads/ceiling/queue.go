package ceiling

import "waybill/targets"

// chunk is how many deliveries are allocated together.
const chunk = 1024

// queue holds deliveries in order, in chunks that are used again. What is used again first was given up last, and is still in the
// processor's caches.
type queue struct {
	n      int // in the queue
	chunks [][]targets.Delivery
	taken  int // of the first chunk
	spare  [][]targets.Delivery
	lent   []targets.Delivery // a chunk that was taken whole: who took the last of it still has that
}

// next is the place of a new delivery at the end of the queue, in which there may be an old one.
func (q *queue) next() *targets.Delivery {
	last := len(q.chunks) - 1
	if last < 0 || len(q.chunks[last]) == chunk {
		q.grow()
		last++
	}
	c := q.chunks[last]
	c = c[:len(c)+1]
	q.chunks[last] = c
	q.n++
	return &c[len(c)-1]
}

func (q *queue) grow() {
	if n := len(q.spare); n > 0 {
		q.chunks, q.spare = append(q.chunks, q.spare[n-1][:0]), q.spare[:n-1]
		return
	}
	q.chunks = append(q.chunks, make([]targets.Delivery, 0, chunk))
}

// take takes up to most deliveries from the beginning of the queue. They are whole until take is called again.
func (q *queue) take(most int) []targets.Delivery {
	if q.lent != nil {
		q.spare, q.lent = append(q.spare, q.lent), nil
	}
	if most == 0 {
		return nil
	}
	c := q.chunks[0]
	ds := c[q.taken:min(len(c), q.taken+most)]
	q.taken += len(ds)
	q.n -= len(ds)
	if q.taken == chunk {
		q.lent, q.taken = c, 0
		q.chunks = q.chunks[:copy(q.chunks, q.chunks[1:])]
	}
	return ds
}
