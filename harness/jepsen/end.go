package jepsen

import (
	"fmt"
	"maps"
	"slices"

	"waybill/harness/history"
)

// end resolves what never ended, and tells what was seen of the store and of what came out of it.
func (t *translation) end() {
	t.now++
	for _, p := range slices.Sorted(maps.Keys(t.opened)) {
		for _, c := range t.h.ops[t.opened[p]].sends {
			t.resolve(lifeOf(p), info, c)
		}
	}
	t.now++
	t.put(controller, history.Event{Kind: history.CheckpointBegin, Ref: checkpoint})
	if !t.h.Queue() && len(t.seen.copies) > 0 {
		first, others := t.h.apart(t.seen.copies)
		t.scan("polls", first)
		if others != nil {
			t.scan("polls-that-differ", others)
		}
		if len(t.seen.readers) > 1 { // one is among the polls itself: that they agree would show nothing
			for _, p := range slices.Sorted(maps.Keys(t.seen.readers)) {
				t.scan("process-"+t.h.processes[p], t.seen.readers[p])
			}
		}
	}
	for _, m := range slices.Sorted(maps.Keys(t.seen.polled)) {
		t.put(inspector, history.Event{Kind: history.Readback, Ref: checkpoint, Msg: t.names.msgs[m], Count: 1})
	}
	for lane := range t.lanes() {
		t.put(inspector, history.Event{Kind: history.ReadbackEnd, Ref: checkpoint, Lane: uint32(lane), Status: history.OK})
	}
	t.now++
	for lane := range t.lanes() {
		e := history.Event{Kind: history.CheckpointEnd, Ref: checkpoint, Lane: uint32(lane), Status: history.OK}
		if lane > 0 {
			e.Status, e.Text = history.Failed, t.undrained()
		}
		t.put(controller, e)
	}
	t.now += 2
	t.put(controller, history.Event{Kind: history.EpisodeEnd, Ref: checkpoint})
}

// scan tells what was polled as a scan of all keys, each from its first offset to the furthest that anybody polled.
func (t *translation) scan(who string, copies []copied) {
	t.scans++
	tag := t.scans
	for _, key := range slices.SortedFunc(maps.Keys(t.seen.reach), func(a, b int) int { return int(t.h.partition(a)) - int(t.h.partition(b)) }) {
		t.put(inspector, history.Event{Kind: history.ScanBegin, Ref: checkpoint, Tag: tag, Name: who, From: 1, To: t.seen.reach[key] + 1,
			Pos: history.Position{Partition: t.h.partition(key)}})
	}
	for _, c := range copies {
		e := t.message(history.Copy, c)
		e.Tag, e.Lane = tag, 0
		t.put(inspector, e)
	}
	t.put(inspector, history.Event{Kind: history.ScanEnd, Ref: checkpoint, Tag: tag, Status: history.OK, Count: uint64(len(copies)),
		Text: fmt.Sprintf("what %s returned", who)})
}

// apart makes two scans of copies of which some share an offset: no log holds two values there, so two readers saw two logs. The second is
// nil where none do.
func (h *History) apart(copies []copied) (first, second []copied) {
	shared := false
	for i, c := range copies {
		if i > 0 && c.offset == copies[i-1].offset && h.messages[c.msg].key == h.messages[copies[i-1].msg].key {
			shared = true
			second[len(second)-1] = c
			continue
		}
		first, second = append(first, c), append(second, c)
	}
	if !shared {
		return first, nil
	}
	return first, second
}
