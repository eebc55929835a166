package mutate

import (
	"slices"

	"waybill/harness/history"
)

// worker is what producers and consumers record.
var worker = kind(history.Send, history.Outcome, history.Receive, history.Delivery, history.AckCalled, history.AckOutcome, history.ApplyEnd,
	history.TxnEnd, history.TxnOutcome)

// positioning is what gives a consumer a partition, or a position in it, or takes it away.
var positioning = kind(history.Assign, history.Revoke, history.Lost, history.Seek, history.Reset)

func shifts() []Mutator {
	var out []Mutator
	for _, x := range []struct {
		what string
		of   which
	}{
		{"an attempt", kind(history.Send)},
		{"an outcome", kind(history.Outcome)},
		{"a receive call", kind(history.Receive)},
		{"a delivery", kind(history.Delivery)},
		{"an acknowledgement or its confirmation", kind(history.AckCalled, history.AckOutcome)},
		{"what sets a consumer's position", positioning},
		{"the end of a transaction", kind(history.TxnEnd, history.TxnOutcome)},
	} {
		out = append(out, Mutator{"late", x.what, shift(x.of, true)}, Mutator{"early", x.what, shift(x.of, false)})
	}
	slices.SortStableFunc(out, func(a, b Mutator) int { // late ones first
		return len(a.Family) - len(b.Family)
	})
	return out
}

// shift moves an event to some moment at which nothing else happened, but not past a neighbour that its own segment recorded.
func shift(want which, late bool) func(*draft) bool {
	return func(d *draft) bool {
		i := d.one(want)
		if i < 0 {
			return false
		}
		var gaps []int // events before which there is room
		step := -1
		if late {
			step = 1
		}
		for j := i + step; j > 0 && j < len(d.events) && d.events[j].Segment != d.events[i].Segment; j += step {
			k := j // the gap before k
			if late {
				k = j + 1
			}
			if k < len(d.events) && d.events[k].Time-d.events[k-1].Time > 1 {
				gaps = append(gaps, k)
			}
		}
		if len(gaps) == 0 {
			return false
		}
		k := gaps[d.rng.IntN(len(gaps))]
		e := d.events[i]
		e.Time = d.events[k-1].Time + 1
		d.remove([]int{i})
		if late {
			k--
		}
		d.events = slices.Insert(d.events, k, e)
		d.mine = slices.Insert(d.mine, k, true)
		return true
	}
}
