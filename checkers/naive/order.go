package naive

import (
	"cmp"
	"slices"
	"sort"

	"waybill/harness/history"
	"waybill/harness/semantics"
)

// orderKey is within what sends have an order, and positions as well.
type orderKey struct {
	life         history.Life
	session, key uint32
	partition    uint32
}

// place is a message that was acknowledged at a position, by its first acknowledgement.
type place struct {
	msg        history.Msg
	sent, told int64 // when its first attempt began, when the acknowledgement arrived
	offset     int64
}

// orders: reordered is a message that was acknowledged at a position before that of another one of its key and session, whose
// acknowledgement had arrived before the first attempt of this one began.
func (l *lane) orders(cp *checkpoint) {
	if !slices.ContainsFunc(l.promises, func(p semantics.Promise) bool { return p.Ordered }) {
		return
	}
	by := map[orderKey][]place{}
	for _, m := range l.messages {
		i := slices.IndexFunc(m.outcomes, func(o seen) bool { return o.Status == history.Acked })
		if i < 0 || len(m.sends) == 0 {
			continue
		}
		sent, told := m.sends[0], m.outcomes[i]
		if told.at < cp.cut && told.at > sent.at && told.Pos.Offset != 0 {
			k := orderKey{m.id.Life, sent.Session, sent.Key, told.Pos.Partition}
			by[k] = append(by[k], place{m.id, sent.Time, told.Time, told.Pos.Offset})
		}
	}
	for _, all := range by {
		slices.SortFunc(all, func(a, b place) int { return cmp.Compare(a.told, b.told) })
		furthest := make([]int64, len(all)+1) // of the first i
		for i, n := range all {
			furthest[i+1] = max(furthest[i], n.offset)
		}
		for _, m := range all {
			before := sort.Search(len(all), func(i int) bool { return all[i].told >= m.sent })
			if m.offset < furthest[before] {
				l.accuse("reordered", name{"reordered", semantics.Stored, cp.ref}, m.msg)
			}
		}
	}
}
