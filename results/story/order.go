package story

import "waybill/harness/history"

// order finds, for a message that must lie behind all that were acknowledged before its send, the one that lies behind it instead. It
// follows the producers of the messages asked for, and keeps one position for each key of each session, as the check does.
type order struct {
	lives   map[history.Life]bool
	waiting map[history.Msg]orderKey
	last    map[orderKey]*elder
}

// orderKey is within what order may be promised.
type orderKey struct {
	life         history.Life
	session, key uint32
}

// elder is the furthest acknowledged message so far, and the furthest before the tick at which that was.
type elder struct {
	msg    history.Msg
	pos    history.Position
	at     int64
	before *elder
}

func newOrder() order {
	return order{lives: map[history.Life]bool{}, waiting: map[history.Msg]orderKey{}, last: map[orderKey]*elder{}}
}

func (o *order) see(e *history.Event, t *tale) {
	if !o.lives[e.Msg.Life] {
		return
	}
	switch {
	case e.Kind == history.Send && e.Attempt <= 1:
		k := orderKey{e.Msg.Life, e.Session, e.Key}
		o.waiting[e.Msg] = k
		if t == nil {
			return
		}
		if t.floor = o.last[k]; t.floor != nil && t.floor.at >= e.Time {
			t.floor = t.floor.before
		}
	case e.Kind == history.Outcome && e.Status == history.Acked && e.Pos.Offset != 0:
		k, ok := o.waiting[e.Msg]
		if !ok {
			return
		}
		delete(o.waiting, e.Msg)
		before := o.last[k]
		if before == nil || before.pos.Partition != e.Pos.Partition || before.pos.Offset < e.Pos.Offset {
			next := &elder{msg: e.Msg, pos: e.Pos, at: e.Time, before: before}
			if before != nil {
				if before.at == e.Time {
					next.before = before.before
				}
				cut := *before
				cut.before = nil
				if next.before == before {
					next.before = &cut
				}
			}
			o.last[k] = next
		}
	}
}
