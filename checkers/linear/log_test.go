package linear_test

import (
	"testing"

	"waybill/checkers/linear"
)

func app(v uint64, p, call, ret int64) linear.Operation {
	return linear.Operation{Kind: linear.Append, Value: v, Position: p, Call: call, Return: ret}
}

func read(p int64, v uint64, call, ret int64) linear.Operation {
	return linear.Operation{Kind: linear.Read, Value: v, Position: p, Call: call, Return: ret}
}

func end(p, call, ret int64) linear.Operation {
	return linear.Operation{Kind: linear.End, Position: p, Call: call, Return: ret}
}

func TestALogIsLinearizableWherePositionsKeepRealTime(t *testing.T) {
	decide(t, linear.CheckLog, []decided{
		{"nothing happened", nil, "", nil},
		{"rising, with a gap", []linear.Operation{app(1, 1, 1, 2), app(2, 5, 3, 4)}, "", nil},
		{"falling", []linear.Operation{app(1, 5, 1, 2), app(2, 1, 3, 4)}, linear.Order, []int{0, 1}},
		{"falling, in flight together", []linear.Operation{app(1, 5, 1, 3), app(2, 1, 3, 4)}, "", nil},
		{"falling over a third that was in flight with both", []linear.Operation{app(1, 5, 1, 2), app(3, 3, 1, 9), app(2, 1, 3, 4)}, linear.Order, []int{0, 2}},
		{"read before it came", []linear.Operation{read(1, 1, 1, 2), app(1, 1, 3, 4)}, linear.Early, []int{0, 1}},
		{"read out of nothing", []linear.Operation{read(1, 1, 1, 2)}, linear.Fresh, []int{0}},
		{"two at one place", []linear.Operation{app(1, 1, 1, 2), app(2, 1, 1, 2)}, linear.SharedPosition, []int{0, 1}},
		{"another one read than was appended", []linear.Operation{app(1, 1, 1, 2), app(2, 2, 1, 2), read(1, 2, 3, 4)}, linear.Moved, []int{1, 2}},
		{"read at two places", []linear.Operation{app(1, 0, 1, unknown), read(1, 1, 3, 4), read(2, 1, 5, 6)}, linear.Moved, []int{0, 1, 2}},
		{"one that nobody heard of was read", []linear.Operation{app(1, 0, 1, unknown), read(1, 1, 3, 4)}, "", nil},
		{"and then something came before it", []linear.Operation{app(1, 0, 1, unknown), read(2, 1, 3, 4), app(2, 1, 5, 6)}, linear.Order, []int{0, 1, 2}},
		{"one that nobody heard of, nor read", []linear.Operation{app(1, 0, 1, unknown), app(2, 1, 5, 6)}, "", nil},
		{"read late", []linear.Operation{app(1, 2, 1, 9), app(2, 1, 5, 6), read(2, 1, 7, 8)}, "", nil},
		{"behind the end", []linear.Operation{app(1, 1, 1, 2), end(2, 3, 4), app(2, 2, 5, 6)}, "", nil},
		{"before the end that was seen", []linear.Operation{end(2, 3, 4), app(1, 1, 5, 6)}, linear.Order, []int{0, 1}},
		{"an end that forgets an append", []linear.Operation{app(1, 1, 1, 2), end(1, 3, 4)}, linear.Order, []int{0, 1}},
		{"two ends, the later one smaller", []linear.Operation{end(2, 1, 2), end(1, 3, 4)}, linear.Order, []int{0, 1}},
		{"two ends, the same", []linear.Operation{end(2, 3, 4), end(2, 1, 2)}, "", nil},
	})
}
