package jepsen

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// surveyed is what must be known of a whole history before its first event can be made.
type surveyed struct {
	acked   map[int]int64    // message → its offset; -1: acknowledged without one
	polled  map[int]bool     // messages
	copies  []copied         // all that was polled at an offset, in order of key and offset, each once
	reach   map[int]int64    // key → the furthest offset polled
	readers map[int][]copied // processes that read everything once more at the end → what they read, likewise in order
	drained bool             // a :drain that began after the last :enqueue succeeded
}

// survey reads the operations once.
func survey(h *History) surveyed {
	s := surveyed{acked: map[int]int64{}, polled: map[int]bool{}, reach: map[int]int64{}}
	lastSend, drain := -1, -1
	drains := map[int]int{} // process → where its :drain began
	for i, o := range h.ops {
		if len(o.sends) > 0 {
			lastSend = i
		}
		for _, c := range o.sends {
			if o.kind == okay {
				s.acked[c.msg] = c.offset
			}
		}
		for _, c := range o.reads {
			s.polled[c.msg] = true
			if c.offset >= 0 {
				s.copies = append(s.copies, c)
				key := h.messages[c.msg].key
				if r, known := s.reach[key]; !known || c.offset > r {
					s.reach[key] = c.offset
				}
			}
		}
		switch {
		case o.f == "drain" && o.kind == invoke:
			drains[o.process] = i
		case o.f == "drain" && o.kind == okay:
			drain = max(drain, drains[o.process])
		}
	}
	s.drained = drain > lastSend
	s.copies = h.ordered(s.copies)
	s.readers = s.finals(h, lastSend)
	return s
}

// ordered sorts copies as a scan finds them, each once.
func (h *History) ordered(list []copied) []copied {
	slices.SortFunc(list, func(a, b copied) int {
		return cmp.Or(cmp.Compare(h.partition(h.messages[a.msg].key), h.partition(h.messages[b.msg].key)), cmp.Compare(a.offset, b.offset), cmp.Compare(a.msg, b.msg))
	})
	return slices.Compact(list)
}

// finals finds the processes that read every key from its beginning to where anybody got, after the last send had ended.
func (s *surveyed) finals(h *History, lastSend int) map[int][]copied {
	reading := map[int][]copied{}
	for i, o := range h.ops {
		switch {
		case i <= lastSend || o.process < 0 || o.kind == invoke:
		case o.f == "assign" && o.kind == okay && o.seeks:
			reading[o.process] = []copied{}
		case o.f == "assign", o.f == "subscribe", o.kind != okay:
			delete(reading, o.process)
		case reading[o.process] != nil:
			reading[o.process] = append(reading[o.process], o.reads...)
		}
	}
	for p, list := range reading {
		got := map[int]int64{}
		for _, c := range list {
			got[h.messages[c.msg].key] = max(got[h.messages[c.msg].key], c.offset)
		}
		if !maps.Equal(got, s.reach) {
			delete(reading, p)
			continue
		}
		reading[p] = h.ordered(list)
	}
	return reading
}

// unread is the acknowledged messages that were never polled, and of which nothing shows that they should have been.
func (s *surveyed) unread(h *History, drained bool) map[int]bool {
	out := map[int]bool{}
	if drained || s.drained {
		return out
	}
	for m, offset := range s.acked {
		reach, read := s.reach[h.messages[m].key]
		if !s.polled[m] && (offset < 0 || !read || offset > reach) {
			out[m] = true
		}
	}
	return out
}

// undrained says which keys were not read to their end.
func (t *translation) undrained() string {
	n, last := map[int]int{}, map[int]int64{}
	for m := range t.unread {
		key := t.h.messages[m].key
		n[key]++
		last[key] = max(last[key], t.seen.acked[m])
	}
	if t.h.Queue() {
		return fmt.Sprintf("%d acknowledged messages never came out, and no :drain that began after the last :enqueue succeeded", len(t.unread))
	}
	var said []string
	for _, key := range slices.Sorted(maps.Keys(n)) {
		if len(said) == 3 {
			said = append(said, fmt.Sprintf("and %d keys more", len(n)-3))
			break
		}
		upTo := "never"
		if r, read := t.seen.reach[key]; read {
			upTo = fmt.Sprintf("up to offset %d", r)
		}
		said = append(said, fmt.Sprintf("key %s was polled %s, and %d acknowledged beyond that or without an offset, the last at %d", t.h.keys[key], upTo, n[key], last[key]))
	}
	return strings.Join(said, "; ")
}
