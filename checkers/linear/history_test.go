package linear_test

import (
	"math/rand/v2"

	"waybill/checkers/linear"
)

// shape says how a made history looks.
type shape struct {
	n       int     // operations
	spread  int64   // an interval begins and ends up to this many ticks from where the operation took effect; operations are 4 ticks apart
	pending float64 // share of operations whose outcome is unknown
	empties float64 // share of dequeues tried on an empty queue
	clients int
}

// randomShape is a small history's. Where much is concurrent or unknown it is smaller still: porcupine tries every order.
func randomShape(rng *rand.Rand) shape {
	s := shape{
		n:       2 + rng.IntN(10),
		spread:  []int64{0, 2, 4, 8, 16, 40}[rng.IntN(6)],
		pending: []float64{0, 0, 0.1, 0.3}[rng.IntN(4)],
		empties: []float64{0, 0.5, 1}[rng.IntN(3)],
		clients: 4,
	}
	if s.spread > 8 || s.pending > 0.1 {
		s.n = min(s.n, 8)
	}
	return s
}

// widen gives an operation that took effect at a tick an interval around it.
func (s shape) widen(rng *rand.Rand, o linear.Operation, at int64) linear.Operation {
	o.Client = rng.IntN(s.clients)
	o.Call, o.Return = at-rng.Int64N(s.spread+1), at+rng.Int64N(s.spread+1)
	if rng.Float64() < s.pending {
		o.Return = linear.Pending
		if o.Kind != linear.Enqueue && o.Kind != linear.Append {
			o.Value = 0 // nobody learnt it
		}
		if o.Kind == linear.Append {
			o.Position = 0
		}
		if o.Kind == linear.Empty {
			o.Kind = linear.Dequeue
		}
	}
	return o
}

// vanish makes a pending operation of one that had no effect: it looks the same.
func (s shape) vanish(rng *rand.Rand) bool { return rng.Float64() < s.pending/2 }

// queueHistory is what a queue did, one operation after another, as clients with clocks saw it.
func queueHistory(rng *rand.Rand, s shape) []linear.Operation {
	var ops []linear.Operation
	var held []uint64
	next := uint64(1)
	for at := int64(100); len(ops) < s.n; at += 4 {
		switch {
		case s.vanish(rng):
			o := linear.Operation{Kind: linear.Enqueue, Value: next, Client: rng.IntN(s.clients), Call: at, Return: linear.Pending}
			if rng.IntN(2) == 0 {
				o.Kind, o.Value = linear.Dequeue, 0
			}
			next++
			ops = append(ops, o)
		case rng.IntN(2) == 0:
			held = append(held, next)
			ops = append(ops, s.widen(rng, linear.Operation{Kind: linear.Enqueue, Value: next}, at))
			next++
		case len(held) > 0:
			ops = append(ops, s.widen(rng, linear.Operation{Kind: linear.Dequeue, Value: held[0]}, at))
			held = held[1:]
		case rng.Float64() < s.empties:
			ops = append(ops, s.widen(rng, linear.Operation{Kind: linear.Empty}, at))
		}
	}
	return ops
}

// logHistory is what a log did.
func logHistory(rng *rand.Rand, s shape) []linear.Operation {
	var ops []linear.Operation
	var values []uint64
	var positions []int64
	next, end := uint64(1), int64(0)
	for at := int64(100); len(ops) < s.n; at += 4 {
		switch {
		case s.vanish(rng):
			ops = append(ops, linear.Operation{Kind: linear.Append, Value: next, Client: rng.IntN(s.clients), Call: at, Return: linear.Pending})
			next++
		case rng.IntN(2) == 0 || len(values) == 0:
			end += int64(rng.IntN(2)) // a gap
			values, positions = append(values, next), append(positions, end)
			ops = append(ops, s.widen(rng, linear.Operation{Kind: linear.Append, Value: next, Position: end}, at))
			next++
			end++
		case rng.Float64() < s.empties/2:
			ops = append(ops, s.widen(rng, linear.Operation{Kind: linear.End, Position: end}, at))
		default:
			i := rng.IntN(len(values))
			ops = append(ops, s.widen(rng, linear.Operation{Kind: linear.Read, Value: values[i], Position: positions[i]}, at))
		}
	}
	return ops
}

// mutate breaks a history, or not: what it did to it nobody promises.
func mutate(rng *rand.Rand, ops []linear.Operation) []linear.Operation {
	out := append([]linear.Operation(nil), ops...)
	for range 1 + rng.IntN(2) {
		if len(out) == 0 {
			return out
		}
		i, j := rng.IntN(len(out)), rng.IntN(len(out))
		a, b := &out[i], &out[j]
		switch rng.IntN(6) {
		case 0: // swap what two operations of a kind brought
			if a.Kind == b.Kind {
				if a.Kind == linear.Append {
					a.Position, b.Position = b.Position, a.Position
				} else {
					a.Value, b.Value = b.Value, a.Value
					a.Position, b.Position = b.Position, a.Position
				}
			}
		case 1: // drop
			out = append(out[:i], out[i+1:]...)
		case 2: // duplicate
			if a.Kind != linear.Enqueue && a.Kind != linear.Append {
				out = append(out, *a)
			}
		case 3: // shift in time
			by := int64(rng.IntN(81) - 40)
			a.Call += by
			if a.Return != linear.Pending {
				a.Return += by
			}
		case 4: // shrink to a point
			if a.Return != linear.Pending {
				a.Call += rng.Int64N(a.Return - a.Call + 1)
				a.Return = a.Call
			}
		case 5: // give it another position, or another kind
			switch a.Kind {
			case linear.Append, linear.Read, linear.End:
				a.Position += int64(rng.IntN(5) - 2)
			case linear.Dequeue:
				if a.Return != linear.Pending {
					a.Kind, a.Value = linear.Empty, 0
				}
			}
		}
	}
	return out
}
