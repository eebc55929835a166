package kafka

import "sort"

// tenures follow what a member owns of its topic: each partition from its assignment until it is taken away, and within
// that which deliveries are acknowledged. An offset can only say "all before": it never passes a delivery that is not.
//
// The zero offset of the maps is the broker's, not shifted. Not for concurrent use.
type tenures struct {
	numbers uint64
	owned   map[int32]*tenure
}

type tenure struct {
	number uint64
	next   int64         // offset that comes next; -1: not known
	open   []outstanding // delivered and not committed, in order of offsets
	back   int64         // offset to go back to before more is received; -1: none
}

type outstanding struct {
	offset int64
	call   uint64 // of Receive
	acked  bool
}

func newTenures() tenures { return tenures{owned: map[int32]*tenure{}} }

// begin starts a tenure at the offset that the group committed, -1 if it did not.
func (t *tenures) begin(partition int32, committed int64) {
	t.numbers++
	t.owned[partition] = &tenure{number: t.numbers, next: committed, back: -1}
}

func (t *tenures) end(partition int32) { delete(t.owned, partition) }

func (t *tenures) of(partition int32) (number uint64, owned bool) {
	o, owned := t.owned[partition]
	if !owned {
		return 0, false
	}
	return o.number, true
}

// deliver notes a delivery. It reports the offset that was expected instead, if it was another one. Then what was
// delivered before and lies beyond is void.
func (t *tenures) deliver(partition int32, offset int64, call uint64) (expected int64, moved bool) {
	o := t.owned[partition]
	expected, moved = o.next, o.next >= 0 && o.next != offset
	o.open = append(o.open[:o.find(offset)], outstanding{offset: offset, call: call})
	o.next = offset + 1
	return expected, moved
}

// valid reports whether a delivery may still be acknowledged: its tenure goes on, and it was not taken back.
func (t *tenures) valid(partition int32, tenure uint64, offset int64, call uint64) bool {
	o := t.owned[partition]
	if o == nil || o.number != tenure {
		return false
	}
	i := o.find(offset)
	return i < len(o.open) && o.open[i].offset == offset && o.open[i].call == call
}

func (o *tenure) find(offset int64) int {
	return sort.Search(len(o.open), func(i int) bool { return o.open[i].offset >= offset })
}

// ack marks a delivery.
func (t *tenures) ack(partition int32, offset int64) {
	o := t.owned[partition]
	o.open[o.find(offset)].acked = true
}

// settle is called after deliveries were marked: it returns, for each partition where that made a difference, the last
// offset that may be committed, and takes back what was delivered by the same calls and left out.
func (t *tenures) settle() map[int32]int64 {
	upTo := map[int32]int64{}
	for p, o := range t.owned {
		o.back = -1
		newest := uint64(0) // call of which something is acknowledged
		for _, d := range o.open {
			if d.acked {
				newest = max(newest, d.call)
			}
		}
		n := 0
		for n < len(o.open) && o.open[n].acked {
			upTo[p] = o.open[n].offset
			n++
		}
		o.open = o.open[n:]
		if len(o.open) > 0 && o.open[0].call <= newest {
			o.back = o.open[0].offset
		}
	}
	return upTo
}

// retake takes back what was to be committed, from an offset on: it is not known to be.
func (t *tenures) retake(partition int32, tenure uint64, from int64) {
	o := t.owned[partition]
	if o == nil || o.number != tenure {
		return
	}
	if o.back < 0 || from < o.back {
		o.back = from
	}
}

// forsake takes back all that is not acknowledged.
func (t *tenures) forsake() {
	for _, o := range t.owned {
		if len(o.open) > 0 {
			o.back = o.open[0].offset
		}
	}
}

// positions returns which offset comes next, by partition; -1 where it is not known.
func (t *tenures) positions() map[int32]int64 {
	at := map[int32]int64{}
	for p, o := range t.owned {
		at[p] = o.next
	}
	return at
}

// rewinds returns where to read again from, by partition. What was delivered from there on is void.
func (t *tenures) rewinds() map[int32]int64 {
	back := map[int32]int64{}
	for p, o := range t.owned {
		if o.back >= 0 {
			back[p] = o.back
			o.open, o.next, o.back = nil, o.back, -1
		}
	}
	return back
}
