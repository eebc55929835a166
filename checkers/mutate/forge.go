package mutate

import "waybill/harness/history"

func forgeries() []Mutator {
	observed := kind(history.Delivery, history.Copy, history.Readback)
	return []Mutator{
		{"forge", "a delivery of a message that nobody sent", change(kind(history.Delivery), unsent)},
		{"forge", "a copy of a message that nobody sent", func(d *draft) bool {
			m, ok := d.sent()
			m.Seq += 900_000_000
			return ok && d.append(m, d.rng.IntN(2) == 0)
		}},
		{"forge", "an effect of a message that nobody sent", change(kind(history.Readback), unsent)},
		{"forge", "a token of another run", change(observed, func(_ *draft, e *history.Event) {
			e.Msg, e.Flags, e.Text = history.Msg{}, e.Flags|history.Foreign, "wb1-otherrun-00001-0000000001-00000000"
		})},
		{"forge", "a wrong checksum", change(observed, func(_ *draft, e *history.Event) { e.Flags |= history.Corrupt })},
		{"forge", "a wrong checksum of a message that nobody sent", change(observed, func(d *draft, e *history.Event) {
			unsent(d, e)
			e.Flags |= history.Corrupt
		})},
		{"forge", "a confirmation of what was unknown", change(ended(history.Unknown), becomes(history.Acked))},
		{"forge", "a confirmation of what was rejected", change(ended(history.Rejected), becomes(history.Acked))},
		{"forge", "a rejection of what was confirmed", change(ended(history.Acked), becomes(history.Rejected))},
		{"forge", "a rejection of every attempt of a message", func(d *draft) bool {
			m, ok := d.sent()
			for _, i := range d.all(func(e *history.Event) bool { return e.Kind == history.Outcome && e.Msg == m }) {
				becomes(history.Rejected)(d, &d.events[i])
			}
			return ok
		}},
		{"forge", "an unknown outcome of what was confirmed", change(ended(history.Acked), becomes(history.Unknown))},
		{"forge", "a confirmed acknowledgement", change(kind(history.AckOutcome), func(_ *draft, e *history.Event) { e.Status = history.Confirmed })},
		{"forge", "a confirmation without a position", change(placed, func(_ *draft, e *history.Event) { e.Pos = history.Position{} })},
	}
}

func unsent(_ *draft, e *history.Event) { e.Msg.Seq += 900_000_000 }

func becomes(s history.Status) func(*draft, *history.Event) {
	return func(_ *draft, e *history.Event) {
		if e.Status = s; s != history.Acked {
			e.Pos, e.Flags = history.Position{}, 0
		}
	}
}
