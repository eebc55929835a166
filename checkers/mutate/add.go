package mutate

import (
	"slices"

	"waybill/harness/history"
)

func adds() []Mutator {
	again := func(name string, want which) Mutator {
		return Mutator{"add", name, func(d *draft) bool {
			i := d.one(want)
			if i < 0 {
				return false
			}
			d.insert(i, d.events[i])
			return true
		}}
	}
	return []Mutator{
		again("an attempt", kind(history.Send)),
		again("an outcome", kind(history.Outcome)),
		again("a delivery by the same call", kind(history.Delivery)),
		again("a copy at its own position", kind(history.Copy)),
		again("an effect to a readback", kind(history.Readback)),
		{"add", "a delivery by a later call", func(d *draft) bool { return d.redeliver(false) }},
		{"add", "a delivery by another consumer's next call", func(d *draft) bool { return d.redeliver(true) }},
		{"add", "a copy behind the last one", func(d *draft) bool {
			m, ok := d.sent()
			return ok && d.append(m, false)
		}},
		{"add", "a copy behind the last one of one scan", func(d *draft) bool {
			m, ok := d.sent()
			return ok && d.append(m, true)
		}},
		{"add", "an effect to a readback and all later ones", func(d *draft) bool {
			i := d.one(kind(history.Readback))
			if i < 0 {
				return false
			}
			e := d.events[i]
			at := d.all(func(o *history.Event) bool { return o.Kind == history.ReadbackEnd && o.Time >= e.Time })
			for _, k := range slices.Backward(at) {
				e.Ref = d.events[k].Ref
				d.insert(k, e)
			}
			return len(at) > 0
		}},
	}
}

// redeliver makes a later receive call of some life (or the next one of another) fetch once more what was delivered before.
func (d *draft) redeliver(next bool) bool {
	calls := kind(history.Receive)
	i := d.one(kind(history.Delivery))
	if i < 0 {
		return false
	}
	e := d.events[i]
	j := d.one(calls)
	if next {
		later := slices.DeleteFunc(d.all(calls), func(k int) bool { return k < i || d.events[k].Life == e.Life })
		if len(later) == 0 {
			return false
		}
		j = later[0]
	}
	if j <= i {
		return false
	}
	call := d.events[j]
	e.Life, e.Segment, e.Call, e.Flags, e.Count = call.Life, call.Segment, call.Call, e.Flags|history.Redelivered, e.Count+1
	for j++; j < len(d.events) && d.events[j].Time <= call.Time; j++ {
	}
	if j == len(d.events) {
		return false
	}
	d.insert(j, e)
	return true
}

// append puts a copy of a message behind the last one of some partition: into one scan, or into it and all others from its checkpoint on.
func (d *draft) append(m history.Msg, single bool) bool {
	begin := d.one(kind(history.ScanBegin))
	if begin < 0 {
		return false
	}
	chosen := d.events[begin]
	begins := map[scanID]int{}
	from, last := begin, int64(0)
	for _, i := range d.all(kind(history.ScanBegin, history.Copy)) {
		e := &d.events[i]
		if e.Pos.Partition != chosen.Pos.Partition {
			continue
		}
		last = max(last, e.Pos.Offset, e.To)
		if e.Kind == history.ScanBegin {
			begins[scanID{e.Life, e.Tag}] = i
			if e.Ref == chosen.Ref {
				from = min(from, i)
			}
		}
	}
	ends := d.all(kind(history.ScanEnd))
	for _, end := range slices.Backward(ends) {
		id := scanID{d.events[end].Life, d.events[end].Tag}
		i, ok := begins[id]
		if !ok || i < from || single && id != (scanID{chosen.Life, chosen.Tag}) {
			continue
		}
		e := &d.events[i]
		e.To = last + 1
		at := e.Pos
		at.Offset = last + 1
		d.insert(end, history.Event{Kind: history.Copy, Life: e.Life, Segment: e.Segment, Tag: e.Tag, Msg: m, Attempt: 1, Pos: at})
	}
	return true
}
