package mutate

import "waybill/harness/history"

func swaps() []Mutator {
	return []Mutator{
		{"swap", "the messages of two deliveries", swapTwo(kind(history.Delivery), swapMessages)},
		{"swap", "two deliveries of one producer's messages to one consumer", swapNear},
		{"swap", "the messages of two effects", swapTwo(kind(history.Readback), swapMessages)},
		{"swap", "the messages of two copies", swapTwo(kind(history.Copy), swapMessages)},
		{"swap", "the positions of two confirmations", swapTwo(placed, swapPositions)},
		{"swap", "the outcomes of two messages", swapTwo(kind(history.Outcome), swapMessages)},
		{"swap", "the places of two messages everywhere", swapPlaces},
		{"swap", "the places of two messages in one scan", swapInScan},
		{"swap", "the times of two events", swapTimes},
	}
}

// placed is a confirmation that names a position.
func placed(e *history.Event) bool {
	return e.Kind == history.Outcome && e.Status == history.Acked && e.Pos.Offset != 0
}

func swapMessages(a, b *history.Event)  { a.Msg, b.Msg = b.Msg, a.Msg }
func swapPositions(a, b *history.Event) { a.Pos, b.Pos = b.Pos, a.Pos }

func swapTwo(want which, swap func(a, b *history.Event)) func(*draft) bool {
	return func(d *draft) bool {
		i, j := d.one(want), d.one(want)
		if i < 0 || d.events[i].Msg == d.events[j].Msg {
			return false
		}
		swap(&d.events[i], &d.events[j])
		return true
	}
}

// swapNear swaps a delivery's message with that of one soon after, of the same producer, partition and consumer.
func swapNear(d *draft) bool {
	i := d.one(kind(history.Delivery))
	if i < 0 {
		return false
	}
	a := &d.events[i]
	left := d.rng.IntN(6)
	for j := i + 1; j < len(d.events); j++ {
		b := &d.events[j]
		if !d.mine[j] || b.Kind != history.Delivery || b.Life != a.Life || b.Msg.Life != a.Msg.Life || b.Pos.Partition != a.Pos.Partition || b.Msg == a.Msg {
			continue
		}
		if left--; left < 0 {
			swapMessages(a, b)
			return true
		}
	}
	return false
}

// swapPlaces makes all observations agree that two messages lie where the other one did.
func swapPlaces(d *draft) bool {
	i, j := d.one(placed), d.one(placed)
	if i < 0 || d.events[i].Msg == d.events[j].Msg {
		return false
	}
	d.exchange(d.events[i], d.events[j], func(*history.Event) bool { return true })
	return true
}

func swapInScan(d *draft) bool {
	i := d.one(kind(history.Copy))
	if i < 0 {
		return false
	}
	e := d.events[i]
	in := func(o *history.Event) bool { return o.Kind == history.Copy && o.Life == e.Life && o.Tag == e.Tag }
	j := d.one(in)
	if d.events[j].Msg == e.Msg {
		return false
	}
	d.exchange(e, d.events[j], in)
	return true
}

// exchange swaps the positions of two messages where want holds.
func (d *draft) exchange(a, b history.Event, want which) {
	for _, i := range d.all(want) {
		e := &d.events[i]
		from, to := a.Pos, b.Pos
		switch e.Msg {
		case a.Msg:
		case b.Msg:
			from, to = to, from
		default:
			continue
		}
		if e.Pos.Partition == from.Partition && e.Pos.Offset == from.Offset {
			e.Pos.Partition, e.Pos.Offset = to.Partition, to.Offset
		}
	}
}

// swapTimes exchanges two neighbours of the lane that different segments recorded.
func swapTimes(d *draft) bool {
	i := d.one(worker)
	if i < 0 {
		return false
	}
	for j := i + 1; j < len(d.events); j++ {
		switch {
		case d.events[j].Segment == d.events[i].Segment:
			return false
		case d.mine[j] && worker(&d.events[j]):
			for k := i + 1; k < j; k++ {
				if d.events[k].Segment == d.events[j].Segment {
					return false
				}
			}
			a, b := &d.events[i], &d.events[j]
			*a, *b = *b, *a
			a.Time, b.Time = b.Time, a.Time
			return true
		}
	}
	return false
}
