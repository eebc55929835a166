package mutate

import "waybill/harness/history"

func splits() []Mutator {
	output := func(e *history.Event) bool { return e.Kind == history.Readback && e.Txn != 0 }
	return []Mutator{
		{"split", "a transaction's output from the others", toggle(output, false, false)},
		{"split", "a transaction's outputs from some moment on", toggle(output, false, true)},
		{"split", "a transaction's effects from its outcome", toggle(output, true, true)},
		{"split", "a transaction from its commit call", change(func(e *history.Event) bool {
			return e.Kind == history.TxnEnd && e.Flags&history.Commit != 0
		}, func(_ *draft, e *history.Event) { e.Flags &^= history.Commit })},
		{"split", "a transaction from its end", change(kind(history.TxnOutcome), func(d *draft, e *history.Event) {
			ends := []history.Status{history.OK, history.Aborted, history.Unknown, history.Fenced}
			e.Status = ends[d.rng.IntN(len(ends))]
		})},
	}
}

// toggle shows hidden outputs of one transaction to readers of committed messages, and hides shown ones: of one message or (whole) all, in
// one readback or (on) in that one and all later ones.
func toggle(output which, whole, on bool) func(*draft) bool {
	return func(d *draft) bool {
		i := d.one(output)
		if i < 0 {
			return false
		}
		e := d.events[i]
		if !on && d.rng.IntN(2) == 0 { // one message, in every readback
			for _, j := range d.all(output) {
				if o := &d.events[j]; o.Other == e.Other && o.Txn == e.Txn && o.Msg == e.Msg {
					o.Flags ^= history.Invisible
				}
			}
			return true
		}
		for _, j := range d.all(output) {
			o := &d.events[j]
			if o.Other == e.Other && o.Txn == e.Txn && (whole || o.Msg == e.Msg) && (j == i || on && o.Ref >= e.Ref) {
				o.Flags ^= history.Invisible
			}
		}
		return true
	}
}
