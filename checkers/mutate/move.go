package mutate

import "waybill/harness/history"

func moves() []Mutator {
	return []Mutator{
		{"move", "a confirmation's offset", change(placed, elsewhere)},
		{"move", "a copy's offset in one scan", change(kind(history.Copy), elsewhere)},
		{"move", "a delivery's offset", change(kind(history.Delivery), elsewhere)},
		{"move", "where a consumer's position is set", change(positioning, func(d *draft, e *history.Event) {
			by := int64(d.rng.IntN(7)) - 3
			e.Pos.Offset, e.To = max(1, e.Pos.Offset+by), max(1, e.To+by)
		})},
		{"move", "an acknowledgement's offset", change(kind(history.AckOutcome), elsewhere)},
		{"move", "a copy to another epoch", change(kind(history.Copy), func(d *draft, e *history.Event) { e.Pos.Epoch += uint64(1 + d.rng.IntN(3)) })},
		{"move", "a message to another one's place, which goes", reuse},
	}
}

// elsewhere is an offset a little or far off, within what was read or beyond.
func elsewhere(d *draft, e *history.Event) {
	off := []int64{-3, -1, 1, 2, 5, 1_000_000_000_000}
	e.Pos.Offset = max(1, e.Pos.Offset+off[d.rng.IntN(len(off))])
}

// reuse takes a message out of the scans from some moment on, and puts another one into its place, in its own epoch or in a later one.
func reuse(d *draft) bool {
	i, j := d.one(kind(history.Copy)), d.one(kind(history.Copy))
	if i < 0 || d.events[i].Msg == d.events[j].Msg {
		return false
	}
	gone, in := d.events[i], d.events[j]
	later := uint64(d.rng.IntN(2))
	for _, k := range d.all(func(e *history.Event) bool {
		return e.Msg == in.Msg && e.Pos.Offset == in.Pos.Offset && e.Pos.Partition == in.Pos.Partition
	}) {
		e := &d.events[k]
		e.Pos.Partition, e.Pos.Offset = gone.Pos.Partition, gone.Pos.Offset
		if e.Pos.Epoch > 0 {
			e.Pos.Epoch = gone.Pos.Epoch + later
		}
	}
	at := d.all(func(e *history.Event) bool { return e.Kind == history.Copy && e.Msg == gone.Msg })
	return d.remove(at[d.rng.IntN(len(at)):])
}
