package window

import (
	"cmp"
	"slices"

	"waybill/checkers/linear"
)

// Around cuts a window out of a history: the operations at the given indices, those of the same values, and those that were under way
// between the first call and the last return of these, nearest first, until there are about most. Operations on a value are taken all or
// none. It returns indices in order.
//
// The window of a history that is linearizable is linearizable: values can be taken out of a queue altogether, and out of a log, whose
// positions may have gaps. For that, pending dequeues that are not asked for are left out, since they may have removed what is not in the window;
// dequeues that found nothing stay.
func Around(ops []linear.Operation, witness []int, most int) []int {
	group := map[uint64][]int{} // all operations on a value
	for i := range ops {
		if named(&ops[i]) {
			group[ops[i].Value] = append(group[ops[i].Value], i)
		}
	}
	in := map[int]bool{}
	take := func(i int) {
		in[i] = true
		if named(&ops[i]) {
			for _, j := range group[ops[i].Value] {
				in[j] = true
			}
		}
	}
	for _, i := range witness {
		take(i)
	}
	from, to := hull(ops, in)
	middle := from + (to-from)/2
	var near []int
	for i := range ops {
		o := &ops[i]
		aside := o.Kind == linear.Dequeue && o.Return == linear.Pending
		if !in[i] && !aside && o.Call <= to && o.Return >= from {
			near = append(near, i)
		}
	}
	slices.SortStableFunc(near, func(a, b int) int { return cmp.Compare(distance(&ops[a], middle), distance(&ops[b], middle)) })
	for _, i := range near {
		if len(in) >= most {
			break
		}
		take(i)
	}
	out := make([]int, 0, len(in))
	for i := range in {
		out = append(out, i)
	}
	slices.Sort(out)
	return out
}

// named reports whether an operation is on a value.
func named(o *linear.Operation) bool {
	switch o.Kind {
	case linear.Dequeue, linear.Read:
		return o.Return != linear.Pending
	case linear.Enqueue, linear.Append:
		return true
	}
	return false
}

// hull is from the first call to the last return that happened; where none did, to the last call.
func hull(ops []linear.Operation, in map[int]bool) (from, to int64) {
	first := true
	for i := range in {
		end := ops[i].Return
		if end == linear.Pending {
			end = ops[i].Call
		}
		if first {
			from, to, first = ops[i].Call, end, false
		}
		from, to = min(from, ops[i].Call), max(to, end)
	}
	return from, to
}

func distance(o *linear.Operation, tick int64) int64 {
	switch {
	case o.Call > tick:
		return o.Call - tick
	case o.Return < tick:
		return tick - o.Return
	}
	return 0
}
