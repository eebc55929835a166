package linear

import (
	"cmp"
	"fmt"
	"slices"
)

// entry is one append with a position, or one answer about the log's end.
type entry struct {
	position int64
	end      bool
	op       int   // the append, or the end
	called   int64 // when op was
	seen     int64 // the earliest return that shows it: R of the package's comment
	by       int   // the operation that returned then
}

// CheckLog decides whether Append, Read and End operations are a linearizable history of one log. An error wraps ErrHistory: an
// operation of another kind, an interval that ends before it begins, a value appended twice.
func CheckLog(ops []Operation) (Verdict, error) {
	l := logCheck{ops: ops, at: make(map[uint64]int, len(ops)), values: make(map[int64]int, len(ops))}
	for i := range ops {
		if err := valid(i, &ops[i], Append, Read, End); err != nil {
			return nil, err
		}
		if err := l.append(i); err != nil {
			return nil, err
		}
	}
	for i := range ops {
		l.observe(i)
	}
	l.order()
	return l.found, nil
}

type logCheck struct {
	ops     []Operation
	at      map[uint64]int // value → index in entries
	values  map[int64]int  // position → index in entries
	entries []entry
	placed  []bool // by entry: its position is known
	found   Verdict
}

func (l *logCheck) append(i int) error {
	o := &l.ops[i]
	if o.Kind != Append {
		return nil
	}
	if j, twice := l.at[o.Value]; twice {
		return fmt.Errorf("linear: operations %d and %d are %w: both append %d, want values to be unique", l.entries[j].op, i, ErrHistory, o.Value)
	}
	l.at[o.Value] = len(l.entries)
	l.entries = append(l.entries, entry{op: i, called: o.Call, seen: Pending, by: i})
	l.placed = append(l.placed, false)
	if o.Return != Pending {
		l.place(len(l.entries)-1, o.Position, o.Return, i)
	}
	return nil
}

// observe takes the reads and ends; what is pending of those had no effect.
func (l *logCheck) observe(i int) {
	o := &l.ops[i]
	switch {
	case o.Kind == Append || o.Return == Pending:
	case o.Kind == End:
		l.entries = append(l.entries, entry{position: o.Position, end: true, op: i, called: o.Call, seen: o.Return, by: i})
		l.placed = append(l.placed, true)
	default:
		j, ok := l.at[o.Value]
		if !ok {
			l.found.add(Fresh, i)
			return
		}
		if o.before(&l.ops[l.entries[j].op]) {
			l.found.add(Early, i, l.entries[j].op)
		}
		l.place(j, o.Position, o.Return, i)
	}
}

// place says that by, which returned at a tick, showed an entry at a position.
func (l *logCheck) place(j int, position, at int64, by int) {
	e := &l.entries[j]
	if l.placed[j] && e.position != position {
		if e.by == e.op {
			l.found.add(Moved, e.op, by)
		} else {
			l.found.add(Moved, e.op, e.by, by)
		}
		return
	}
	if k, taken := l.values[position]; taken && k != j {
		l.found.add(SharedPosition, l.entries[k].by, by)
		return
	}
	l.values[position] = j
	l.placed[j], e.position = true, position
	if at < e.seen {
		e.seen, e.by = at, by
	}
}

// order walks up the positions with the latest call so far: nothing may have been seen before what lies below it was called.
func (l *logCheck) order() {
	sorted := make([]entry, 0, len(l.entries))
	for i, e := range l.entries {
		if l.placed[i] {
			sorted = append(sorted, e)
		}
	}
	slices.SortFunc(sorted, func(a, b entry) int {
		if a.position == b.position && a.end != b.end {
			if a.end {
				return -1 // an end at p lies between what is at p-1 and what is at p
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.called, b.called))
	})
	latest := none
	for i, e := range sorted {
		if latest == none || e.called > sorted[latest].called {
			latest = i
		}
		if late := &sorted[latest]; late.called > e.seen && late.op != e.op {
			witness := []int{e.op, late.op}
			if e.by != e.op {
				witness = []int{e.op, e.by, late.op}
			}
			l.found.add(Order, witness...)
			return
		}
	}
}
