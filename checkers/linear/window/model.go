package window

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/anishathalye/porcupine"

	"waybill/checkers/linear"
)

// call is an operation as porcupine's models take it: what came back is in it, so that outputs are not used.
type call struct {
	linear.Operation
	seen []int64 // of a pending append: the positions at which its value was read
}

func (c call) pending() bool { return c.Return == linear.Pending }

// QueueModel is a FIFO queue of unique values that is empty at first. A pending operation takes effect or does not; a pending dequeue
// removes whatever is at the head.
func QueueModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{[]uint64(nil)} },
		Step: func(state, input, _ any) []any {
			values, c := state.([]uint64), input.(call)
			var next []any
			if c.pending() {
				next = append(next, values)
			}
			switch c.Kind {
			case linear.Enqueue:
				next = append(next, append(slices.Clone(values), c.Value))
			case linear.Dequeue:
				if len(values) > 0 && (c.pending() || values[0] == c.Value) {
					next = append(next, values[1:])
				}
			case linear.Empty:
				if len(values) == 0 && !c.pending() {
					next = append(next, values)
				}
			}
			return next
		},
		Equal:             func(a, b any) bool { return slices.Equal(a.([]uint64), b.([]uint64)) },
		DescribeOperation: func(input, _ any) string { return describe(input.(call), number) },
		DescribeState:     func(state any) string { return fmt.Sprint(state.([]uint64)) },
	}
	return m.ToModel()
}

// entries is a log: what was appended, by position, and the position below which nothing will be appended any more.
type entries struct {
	at    []int64
	value []uint64
	floor int64
}

func (e *entries) find(position int64) (uint64, bool) {
	i := sort.Search(len(e.at), func(i int) bool { return e.at[i] >= position })
	if i < len(e.at) && e.at[i] == position {
		return e.value[i], true
	}
	return 0, false
}

func (e *entries) add(position int64, value uint64) *entries {
	return &entries{append(slices.Clone(e.at), position), append(slices.Clone(e.value), value), position + 1}
}

// LogModel is a log with rising positions and gaps, empty at first. A pending append takes effect at a position at which its value was read,
// or not so that anybody could tell.
func LogModel() porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{&entries{floor: -1 << 63}} },
		Step: func(state, input, _ any) []any {
			l, c := state.(*entries), input.(call)
			var next []any
			if c.pending() {
				next = append(next, l)
			}
			switch {
			case c.Kind == linear.Append && c.pending():
				for _, p := range c.seen {
					if p >= l.floor {
						next = append(next, l.add(p, c.Value))
					}
				}
			case c.Kind == linear.Append:
				if c.Position >= l.floor {
					next = append(next, l.add(c.Position, c.Value))
				}
			case c.pending():
			case c.Kind == linear.Read:
				if v, ok := l.find(c.Position); ok && v == c.Value {
					next = append(next, l)
				}
			case c.Kind == linear.End:
				if c.Position >= l.floor {
					next = append(next, &entries{l.at, l.value, c.Position})
				}
			}
			return next
		},
		Equal: func(a, b any) bool {
			x, y := a.(*entries), b.(*entries)
			return x.floor == y.floor && slices.Equal(x.at, y.at) && slices.Equal(x.value, y.value)
		},
		DescribeOperation: func(input, _ any) string { return describe(input.(call), number) },
		DescribeState: func(state any) string {
			l := state.(*entries)
			var b strings.Builder
			for i, p := range l.at {
				fmt.Fprintf(&b, "%d: %d  ", p, l.value[i])
			}
			return strings.TrimSpace(b.String())
		},
	}
	return m.ToModel()
}

// Operations turns a history into porcupine's. Both take intervals as closed: a call at the tick of a return is concurrent with it.
func Operations(ops []linear.Operation) []porcupine.Operation {
	seen := map[uint64][]int64{}
	for _, o := range ops {
		if o.Kind == linear.Read && o.Return != linear.Pending && !slices.Contains(seen[o.Value], o.Position) {
			seen[o.Value] = append(seen[o.Value], o.Position)
		}
	}
	out := make([]porcupine.Operation, len(ops))
	for i, o := range ops {
		c := call{Operation: o}
		if c.pending() && o.Kind == linear.Append {
			c.seen = seen[o.Value]
		}
		out[i] = porcupine.Operation{ClientId: o.Client, Input: c, Call: o.Call, Return: o.Return}
	}
	return out
}

func number(v uint64) string { return fmt.Sprint(v) }

func describe(c call, name func(uint64) string) string {
	v := name(c.Value)
	switch {
	case c.pending() && c.Kind == linear.Dequeue:
		return "dequeue → unknown"
	case c.pending() && (c.Kind == linear.Enqueue || c.Kind == linear.Append):
		return fmt.Sprintf("%s %s → unknown", c.Kind, v)
	}
	switch c.Kind {
	case linear.Enqueue:
		return "enqueue " + v
	case linear.Dequeue:
		return "dequeue → " + v
	case linear.Empty:
		return "dequeue → nothing"
	case linear.Append:
		return fmt.Sprintf("append %s → %d", v, c.Position)
	case linear.Read:
		return fmt.Sprintf("read %d → %s", c.Position, v)
	default:
		return fmt.Sprintf("end → %d", c.Position)
	}
}
