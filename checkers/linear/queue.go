package linear

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// never is when a value is dequeued that nobody dequeues.
const never = math.MaxInt64

// none stands for an operation that there is not.
const none = -1

// item is one value's way through the queue, completed as the package's comment says.
type item struct {
	enq, deq         int   // indices of the operations; none
	enqCall, enqDone int64 // the enqueue's interval
	deqCall, deqDone int64 // the dequeue's; never
}

// CheckQueue decides whether Enqueue, Dequeue and Empty operations are a linearizable history of one FIFO queue that was empty at first.
// An error wraps ErrHistory: an operation of another kind, an interval that ends before it begins, a value enqueued twice.
func CheckQueue(ops []Operation) (Verdict, error) {
	q := queue{ops: ops, at: make(map[uint64]int, len(ops)/2)}
	for i := range ops {
		if err := valid(i, &ops[i], Enqueue, Dequeue, Empty); err != nil {
			return nil, err
		}
		if err := q.enqueue(i); err != nil {
			return nil, err
		}
	}
	for i := range ops {
		q.dequeue(i)
	}
	q.complete()
	q.order()
	q.emptiness()
	return q.found, nil
}

type queue struct {
	ops     []Operation
	at      map[uint64]int // value → index in items
	items   []item
	pending []int // dequeues of unknown outcome
	empties []int
	found   Verdict
}

func (q *queue) enqueue(i int) error {
	o := &q.ops[i]
	if o.Kind != Enqueue {
		return nil
	}
	if j, twice := q.at[o.Value]; twice {
		return fmt.Errorf("linear: operations %d and %d are %w: both enqueue %d, want values to be unique", q.items[j].enq, i, ErrHistory, o.Value)
	}
	q.at[o.Value] = len(q.items)
	q.items = append(q.items, item{enq: i, deq: none, enqCall: o.Call, enqDone: o.Return, deqCall: never, deqDone: never})
	return nil
}

func (q *queue) dequeue(i int) {
	o := &q.ops[i]
	switch {
	case o.Kind == Empty && o.Return != Pending:
		q.empties = append(q.empties, i)
	case o.Kind == Enqueue:
	case o.Return == Pending:
		q.pending = append(q.pending, i)
	default:
		j, ok := q.at[o.Value]
		if !ok {
			q.found.add(Fresh, i)
			return
		}
		v := &q.items[j]
		if v.deq != none {
			q.found.add(Repeated, v.enq, v.deq, i)
			return
		}
		if o.before(&q.ops[v.enq]) {
			q.found.add(Early, i, v.enq)
		}
		v.deq, v.deqCall, v.deqDone = i, o.Call, o.Return
	}
}

// complete gives the values that nobody dequeued to the pending dequeues. Pending enqueues that nobody saw are dropped by staying: they come
// last, and what returns at the end of time comes before nothing.
func (q *queue) complete() {
	slices.SortStableFunc(q.items, func(a, b item) int { return cmp.Compare(a.enqDone, b.enqDone) })
	slices.SortStableFunc(q.pending, func(a, b int) int { return cmp.Compare(q.ops[a].Call, q.ops[b].Call) })
	for i := range q.items {
		if len(q.pending) == 0 {
			return
		}
		if v := &q.items[i]; v.deq == none {
			v.deq, v.deqCall = q.pending[0], q.ops[q.pending[0]].Call
			q.pending = q.pending[1:]
		}
	}
}

// order looks, for each value b in the order of the enqueues' calls, at the values whose enqueues had returned: the one among them
// that was dequeued last must not have been dequeued after b.
func (q *queue) order() {
	byCall := make([]int, len(q.items))
	for i := range byCall {
		byCall[i] = i
	}
	slices.SortFunc(byCall, func(a, b int) int { return cmp.Compare(q.items[a].enqCall, q.items[b].enqCall) })
	returned, last := 0, none
	for _, i := range byCall {
		b := &q.items[i]
		for ; returned < len(q.items) && q.items[returned].enqDone < b.enqCall; returned++ {
			if last == none || q.items[returned].deqCall > q.items[last].deqCall {
				last = returned
			}
		}
		if last == none || b.deqDone >= q.items[last].deqCall {
			continue
		}
		a := &q.items[last]
		witness := []int{a.enq, b.enq, b.deq}
		if a.deq != none {
			witness = append(witness, a.deq)
		}
		q.found.add(Order, witness...)
		return
	}
}

// piece is a stretch of time, open at both ends, in which the queue certainly held something.
type piece struct {
	from, to int64
	first    int // the items that it was joined from begin here
}

// emptiness joins the intervals in which values were certainly in the queue, and looks for a dequeue that lies within one piece.
func (q *queue) emptiness() {
	if len(q.empties) == 0 {
		return
	}
	var pieces []piece
	for i, v := range q.items { // by enqDone
		if v.enqDone >= v.deqCall {
			continue
		}
		if n := len(pieces); n > 0 && v.enqDone < pieces[n-1].to {
			pieces[n-1].to = max(pieces[n-1].to, v.deqCall)
			continue
		}
		pieces = append(pieces, piece{v.enqDone, v.deqCall, i})
	}
	for _, i := range q.empties {
		e := &q.ops[i]
		n, _ := slices.BinarySearchFunc(pieces, e.Call, func(p piece, call int64) int { return cmp.Compare(p.from, call) })
		if n > 0 && pieces[n-1].to > e.Return {
			q.found.add(NeverEmpty, append([]int{i}, q.cover(e, pieces[n-1].first)...)...)
			return
		}
	}
}

// cover names operations on values that were in the queue one after the other, without a gap, while e looked: each time the one that
// stays longest.
func (q *queue) cover(e *Operation, first int) []int {
	var out []int
	reach := e.Call
	for i := first; reach <= e.Return; {
		best := none
		for ; i < len(q.items) && q.items[i].enqDone < reach; i++ {
			if best == none || q.items[i].deqCall > q.items[best].deqCall {
				best = i
			}
		}
		v := &q.items[best]
		reach = v.deqCall
		out = append(out, v.enq)
		if v.deq != none {
			out = append(out, v.deq)
		}
	}
	return out
}
