package mutate

import "waybill/harness/history"

func drops() []Mutator {
	single := func(name string, want which) Mutator {
		return Mutator{"drop", name, func(d *draft) bool {
			i := d.one(want)
			return i >= 0 && d.remove([]int{i})
		}}
	}
	return []Mutator{
		single("an attempt", kind(history.Send)),
		single("an outcome", kind(history.Outcome)),
		single("a delivery", kind(history.Delivery)),
		single("a receive call", kind(history.Receive)),
		single("what sets a consumer's position", positioning),
		single("an acknowledgement", kind(history.AckCalled)),
		single("a confirmation of an acknowledgement", kind(history.AckOutcome)),
		single("a copy from a scan", kind(history.Copy)),
		single("an effect from a readback", kind(history.Readback)),
		single("the end of a scan or a readback", kind(history.ScanEnd, history.ReadbackEnd)),
		{"drop", "every attempt and outcome of a message", dropAll(kind(history.Send, history.Outcome), 0)},
		{"drop", "what consumers did with a message", dropAll(kind(history.ApplyBegin, history.ApplyEnd, history.Readback), 0)},
		{"drop", "a message behind the store", dropAll(behindStore, 0)},
		{"drop", "a message behind its confirmation", dropAll(func(e *history.Event) bool { return e.Kind == history.Copy || behindStore(e) }, 0)},
		{"drop", "a message's copies from some moment on", dropAll(kind(history.Copy), 1)},
		{"drop", "a message's effects from some moment on", dropAll(kind(history.Readback), 1)},
		{"drop", "everything of a message from some moment on", dropAll(func(*history.Event) bool { return true }, 1)},
	}
}

func behindStore(e *history.Event) bool {
	return kind(history.Delivery, history.AckCalled, history.AckOutcome, history.ApplyBegin, history.ApplyEnd, history.Readback, history.TxnMember)(e)
}

// dropAll drops all that want says of one message; but that much of it that comes first, or more, is kept.
func dropAll(want which, keep int) func(*draft) bool {
	return func(d *draft) bool {
		m, ok := d.sent()
		if !ok {
			return false
		}
		at := d.all(func(e *history.Event) bool { return e.Msg == m && want(e) })
		if len(at) <= keep {
			return false
		}
		if keep > 0 {
			keep := keep + d.rng.IntN(len(at)-keep)
			at = at[keep:]
		}
		return d.remove(at)
	}
}
