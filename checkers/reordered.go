package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// reordered: where a mode promises order, a message acknowledged at a position before that of another one with the same key and
// session, although the other's acknowledgement had arrived before its own first send began. Messages that were in flight
// together have no order to keep, and neither have two stamps of one tick.
type reordered struct{}

func (reordered) at(l *lane, _ *checkpoint) []candidate {
	return []candidate{{anomaly: "reordered", group: orderGroup, stage: semantics.Stored, msgs: &l.order.wrong,
		breaks: func(p semantics.Promise) bool { return p.Ordered }}}
}

// ordering compares positions as they are acknowledged. It keeps one position for each key of each session, and one for each
// message whose send was never acknowledged.
type ordering struct {
	promised bool
	behind   map[orderKey]*mark
	waiting  msgset.Flight[floor]
	wrong    msgset.Set
}

// orderKey is within what order is promised.
type orderKey struct {
	life    history.Life
	session uint32
	key     uint32
}

// mark is the furthest position acknowledged so far, and the furthest before the tick at which that was.
type mark struct {
	partition   uint32
	at          int64
	now, before int64
}

// floor is what a message in flight, of the life that sent it, must lie beyond.
type floor struct {
	session   uint32
	key       uint32
	partition uint32
	pos       int64
}

func newOrdering(m semantics.Mode) ordering {
	o := ordering{behind: map[orderKey]*mark{}}
	for _, p := range m.Promises {
		o.promised = o.promised || p.Ordered
	}
	return o
}

func (o *ordering) send(e *history.Event) {
	if !o.promised {
		return
	}
	f := floor{session: e.Session, key: e.Key}
	if m := o.behind[orderKey{e.Msg.Life, e.Session, e.Key}]; m != nil {
		f.partition, f.pos = m.partition, m.now
		if m.at >= e.Time {
			f.pos = m.before
		}
	}
	o.waiting.Put(e.Msg, f)
}

func (o *ordering) acked(e *history.Event) {
	f, ok := o.waiting.Get(e.Msg)
	if !ok || e.Pos.Offset == 0 {
		return
	}
	o.waiting.Delete(e.Msg)
	if e.Pos.Partition == f.partition && e.Pos.Offset < f.pos {
		o.wrong.Add(e.Msg)
	}
	key := orderKey{e.Msg.Life, f.session, f.key}
	m := o.behind[key]
	if m == nil || m.partition != e.Pos.Partition { // offsets of two partitions have no order
		m = &mark{partition: e.Pos.Partition}
		o.behind[key] = m
	}
	if e.Time > m.at {
		m.at, m.before = e.Time, m.now
	}
	m.now = max(m.now, e.Pos.Offset)
}
