package naive

import (
	"cmp"
	"slices"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// positions names what scans contradict, confirmations first:
//
//   - misplaced: a confirmation named a position that a checkpoint's scan read, and the scan finds the message elsewhere only.
//   - inconsistent position: nobody was told where it lies, and a scan that read the place where it was first found finds it elsewhere only,
//     in the same epoch. Or: where one lay that is lost since, another one lies, in the same epoch.
func (l *lane) positions() {
	scans := l.judged()
	tell := func(what string, ref int, m history.Msg) { l.accuse("misplaced", name{what, semantics.Stored, ref}, m) }
	for _, s := range scans {
		for id, copies := range s.copies {
			for _, o := range before(l.messages[id].outcomes, s.end) {
				if o.Status == history.Acked && o.Pos.Offset != 0 && s.covers(o.Pos) && !lies(copies, o.Pos) {
					tell("misplaced", s.ref, id)
				}
			}
		}
	}
	for _, x := range l.inconsistent(scans) {
		tell("inconsistent position", x.ref, x.msg)
	}
}

// judged is the scans that count at some checkpoint, in the order in which they ended.
func (l *lane) judged() []*scan {
	var out []*scan
	for _, cp := range l.checkpoints {
		for _, s := range cp.scans {
			if !slices.Contains(out, s) {
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b *scan) int { return cmp.Compare(a.end, b.end) })
	return out
}

func lies(copies []seen, p history.Position) bool {
	return slices.ContainsFunc(copies, func(e seen) bool { return slotOf(e.Pos) == slotOf(p) })
}

// contradiction is a message whose position is inconsistent, and the checkpoint that shows it.
type contradiction struct {
	ref int
	msg history.Msg
}

// inconsistent finds them, by checkpoint.
func (l *lane) inconsistent(scans []*scan) []contradiction {
	out := l.overwritten()
	for _, m := range l.messages {
		var first *seen
		for _, s := range scans {
			copies := s.copies[m.id]
			if len(copies) == 0 || m.placed(s.end) {
				continue
			}
			here := copies[0]
			switch {
			case first == nil:
				first = &here
			case s.covers(first.Pos) && !lies(copies, first.Pos) && first.Pos.Epoch == here.Pos.Epoch && first.Pos.Incarnation == here.Pos.Incarnation:
				out = append(out, contradiction{s.ref, m.id})
			}
		}
	}
	slices.SortFunc(out, func(a, b contradiction) int { return cmp.Compare(a.ref, b.ref) })
	return out
}

// placed reports whether a confirmation before a place in the history said where a message lies.
func (m *message) placed(cut int) bool {
	return slices.ContainsFunc(before(m.outcomes, cut), func(o seen) bool { return o.Status == history.Acked && o.Pos.Offset != 0 })
}

// absent reports whether a message was found missing from the store: lost there, or vanished.
func (l *lane) absent(m *message) bool {
	part := l.lost[m.id].anomaly
	return part == notAccepted || part == vanished || l.named["vanished"][m.id]
}

// overwritten finds messages that are absent, at whose position another one lies, in an epoch in which they were seen themselves. Of two
// absent messages that lay at one position, the first had it.
func (l *lane) overwritten() []contradiction {
	type held struct {
		by *message
		at int
	}
	holder := map[slot]held{}
	for _, m := range l.messages {
		if !l.absent(m) {
			continue
		}
		for _, e := range m.places(l.end()) {
			if h, ok := holder[slotOf(e.Pos)]; !ok || e.at < h.at {
				holder[slotOf(e.Pos)] = held{m, e.at}
			}
		}
	}
	var out []contradiction
	for _, s := range l.scans {
		for id, copies := range s.copies {
			for _, e := range copies {
				h, ok := holder[slotOf(e.Pos)]
				if !ok || h.by.id == id || h.at >= e.at {
					continue
				}
				if w := h.by.epoch(e.at); w.Epoch != 0 && w.Epoch == e.Pos.Epoch && (w.Incarnation == 0 || w.Incarnation == e.Pos.Incarnation) {
					out = append(out, contradiction{s.ref, h.by.id})
				}
			}
		}
	}
	return out
}

// places is where a message was confirmed to be, found or delivered from, in order.
func (m *message) places(cut int) []seen {
	var out []seen
	for _, list := range [][]seen{m.outcomes, m.copies, m.deliveries} {
		for _, e := range before(list, cut) {
			if e.Pos.Offset != 0 && (e.Kind != history.Outcome || e.Status == history.Acked) {
				out = append(out, e)
			}
		}
	}
	slices.SortFunc(out, func(a, b seen) int { return cmp.Compare(a.at, b.at) })
	return out
}

// epoch is the first position of a message that names its epoch.
func (m *message) epoch(cut int) history.Position {
	for _, e := range m.places(cut) {
		if e.Pos.Epoch != 0 {
			return e.Pos
		}
	}
	return history.Position{}
}
