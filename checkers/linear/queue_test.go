package linear_test

import (
	"errors"
	"slices"
	"testing"

	"waybill/checkers/linear"
)

func enq(v uint64, call, ret int64) linear.Operation {
	return linear.Operation{Kind: linear.Enqueue, Value: v, Call: call, Return: ret}
}

func deq(v uint64, call, ret int64) linear.Operation {
	return linear.Operation{Kind: linear.Dequeue, Value: v, Call: call, Return: ret}
}

func nothing(call, ret int64) linear.Operation {
	return linear.Operation{Kind: linear.Empty, Call: call, Return: ret}
}

const unknown = linear.Pending

// decided is a history and what is to be said of it: no pattern, or one and its witness.
type decided struct {
	name    string
	ops     []linear.Operation
	want    linear.Pattern
	witness []int
}

func decide(t *testing.T, check func([]linear.Operation) (linear.Verdict, error), cases []decided) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			v, err := check(c.ops)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" && !v.Linearizable() || c.want != "" && (len(v) != 1 || v[0].Pattern != c.want || !slices.Equal(v[0].Witness, c.witness)) {
				t.Errorf("got %v, want %q shown by %v", v, c.want, c.witness)
			}
		})
	}
}

func TestAQueueIsLinearizableUnlessAPatternIsInIt(t *testing.T) {
	decide(t, linear.CheckQueue, []decided{
		{"nothing happened", nil, "", nil},
		{"first in, first out", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), deq(1, 5, 6), deq(2, 7, 8)}, "", nil},
		{"last in, first out", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), deq(2, 5, 6), deq(1, 7, 8)}, linear.Order, []int{0, 1, 2, 3}},
		{"the dequeues overlap", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), deq(2, 5, 6), deq(1, 6, 8)}, "", nil},
		{"the enqueues meet in one tick", []linear.Operation{enq(1, 1, 3), enq(2, 3, 4), deq(2, 5, 6), deq(1, 7, 8)}, "", nil},
		{"the first one stays for ever", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), deq(2, 5, 6)}, linear.Order, []int{0, 1, 2}},
		{"the last one stays for ever", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), deq(1, 5, 6)}, "", nil},
		{"the first one may have gone to a dequeue nobody heard of", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), deq(0, 5, unknown), deq(2, 6, 7)}, "", nil},
		{"but not to one called later", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), deq(2, 5, 6), deq(0, 7, unknown)}, linear.Order, []int{0, 1, 2, 3}},
		{"nor can one dequeue have taken two", []linear.Operation{enq(1, 1, 2), enq(2, 3, 4), enq(3, 5, 6), deq(0, 7, unknown), deq(3, 8, 9)}, linear.Order, []int{1, 2, 4}},
		{"out of nothing", []linear.Operation{deq(1, 1, 2)}, linear.Fresh, []int{0}},
		{"twice", []linear.Operation{enq(1, 1, 2), deq(1, 3, 4), deq(1, 5, 6)}, linear.Repeated, []int{0, 1, 2}},
		{"before it came", []linear.Operation{deq(1, 1, 2), enq(1, 3, 4)}, linear.Early, []int{0, 1}},
		{"before anybody knew that it came", []linear.Operation{enq(1, 1, unknown), deq(1, 3, 4)}, "", nil},
		{"a value that may never have come stays away", []linear.Operation{enq(1, 1, unknown), enq(2, 3, 4), deq(2, 5, 6), nothing(7, 8)}, "", nil},
		{"nothing in an empty queue", []linear.Operation{nothing(1, 2), enq(1, 3, 4), deq(1, 5, 6), nothing(7, 8)}, "", nil},
		{"nothing in a full one", []linear.Operation{enq(1, 1, 2), nothing(3, 4), deq(1, 5, 6)}, linear.NeverEmpty, []int{1, 0, 2}},
		{"nothing, at the tick at which the value came", []linear.Operation{enq(1, 1, 3), nothing(3, 4), deq(1, 5, 6)}, "", nil},
		{"nothing, while one value followed the other without a gap", []linear.Operation{enq(1, 1, 2), nothing(3, 9), enq(2, 3, 4), deq(1, 5, 6), deq(2, 10, 11)},
			linear.NeverEmpty, []int{1, 0, 3, 2, 4}},
		{"nothing, in the gap between two values", []linear.Operation{enq(1, 1, 2), nothing(3, 9), deq(1, 5, 6), enq(2, 5, 6), deq(2, 10, 11)}, "", nil},
		{"nothing, in a gap of one tick", []linear.Operation{enq(1, 1, 2), nothing(3, 9), deq(1, 5, 7), enq(2, 4, 5), deq(2, 10, 11)}, "", nil},
		{"a dequeue nobody heard of may have emptied it", []linear.Operation{enq(1, 1, 2), deq(0, 3, unknown), nothing(4, 5)}, "", nil},
		{"but not of two values", []linear.Operation{enq(1, 1, 2), enq(2, 1, 2), deq(0, 3, unknown), nothing(4, 5)}, linear.NeverEmpty, []int{3, 1}},
	})
}

func TestWhatIsNoHistoryIsRefused(t *testing.T) {
	for name, ops := range map[string][]linear.Operation{
		"a value enqueued twice":            {enq(1, 1, 2), enq(1, 3, 4)},
		"an interval that ends too early":   {enq(1, 5, 4)},
		"an operation on a log":             {{Kind: linear.Append, Value: 1}},
		"an operation that nobody ever did": {{}},
	} {
		if _, err := linear.CheckQueue(ops); !errors.Is(err, linear.ErrHistory) {
			t.Errorf("a queue with %s: %v", name, err)
		}
	}
	for name, ops := range map[string][]linear.Operation{
		"a value appended twice":          {{Kind: linear.Append, Value: 1}, {Kind: linear.Append, Value: 1, Position: 1}},
		"an interval that ends too early": {{Kind: linear.Read, Value: 1, Call: 2, Return: 1}},
		"an operation on a queue":         {enq(1, 1, 2)},
	} {
		if _, err := linear.CheckLog(ops); !errors.Is(err, linear.ErrHistory) {
			t.Errorf("a log with %s: %v", name, err)
		}
	}
}
