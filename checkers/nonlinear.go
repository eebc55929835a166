package checkers

import (
	"slices"

	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// nonlinear: a log that is not linearizable as far as its appends show it: a message acknowledged at a position below that of another message
// of the partition, although the other's acknowledgement had arrived before the first send of this one began. It is the order of package
// linear's log, for the appends of all producers, sessions and keys. One tick is no order.
//
// Within a session and key it is "reordered", and reported there. Where the other message has been lost or has vanished since, or either
// confirmation named a place where the message is not, that is the cause, and reported alone.
//
// A vendor who calls the log linearizable forbids it; an order promised to each producer does not. Queues whose confirmations name no
// positions have no such check: with competing consumers and redelivery the order of deliveries says nothing of the order of the queue.
type nonlinear struct{}

const nonlinearName = "nonlinear"

func (nonlinear) at(l *lane, cp *checkpoint) []candidate {
	if len(l.appends.wrong) == 0 {
		return nil
	}
	if len(cp.scans) > 0 { // else as the last checkpoint found it that was scanned
		l.appends.absent = l.expected().AndNot(l.visible)
	}
	msgs := &msgset.Set{}
	for by, late := range l.appends.wrong {
		if !l.gone.Has(by) && !l.appends.absent.Has(by) {
			msgs.Union(late)
		}
	}
	c := candidate{anomaly: nonlinearName, group: orderGroup, stage: semantics.Stored, msgs: msgs}
	linearizable := func(p semantics.Promise) bool { return p.Linearizable }
	if slices.ContainsFunc(l.promised(), linearizable) { // else it is told all the same, and breaks nothing
		c.breaks = linearizable
	}
	return []candidate{c}
}

// exact takes back what rests on a confirmation that turned out to be wrong.
func (nonlinear) exact(l *lane, x *examined) []candidate {
	wrong := &msgset.Set{}
	for _, msgs := range x.misplaced {
		wrong.Union(msgs)
	}
	if wrong.Len() == 0 {
		return nil
	}
	for by, late := range l.appends.wrong {
		if wrong.Has(by) {
			wrong.Union(late) // each message is late after one other
		}
	}
	for _, c := range l.found {
		if c.anomaly == nonlinearName {
			c.msgs = c.msgs.AndNot(wrong)
		}
	}
	return nil
}

// appends is the order of positions against real time, a partition at a time. Its memory is what is in flight: when each unacknowledged
// message was first sent, and of the greatest positions so far those which some message in flight came after.
type appends struct {
	on       bool
	begun    msgset.Flight[int64] // when each unacknowledged message was first sent
	parts    map[part]*stairs
	lastSend int64
	wrong    map[history.Msg]*msgset.Set // whose acknowledgement came first → who lies below it all the same
	absent   *msgset.Set                 // acknowledged, and on no replica at the last checkpoint at which any was scanned
}

// part is within what positions are compared.
type part struct{ incarnation, partition uint32 }

func newAppends(t semantics.Traits) appends {
	return appends{on: t.Confirms && t.Scannable, parts: map[part]*stairs{}, wrong: map[history.Msg]*msgset.Set{}}
}

// sent takes the first send of a message.
func (a *appends) sent(e *history.Event) {
	if a.on {
		a.lastSend = e.Time
		a.begun.Put(e.Msg, e.Time)
	}
}

// acked takes the first acknowledgement of a message.
func (a *appends) acked(e *history.Event) {
	if !a.on {
		return
	}
	begun, known := a.begun.Get(e.Msg)
	a.begun.Delete(e.Msg)
	if e.Pos.Offset == 0 {
		return
	}
	p := part{e.Pos.Incarnation, e.Pos.Partition}
	s := a.parts[p]
	if s == nil {
		s = &stairs{}
		a.parts[p] = s
	}
	if n := len(s.steps); n == 0 || e.Pos.Offset > s.steps[n-1].position {
		s.climb(step{e.Time, e.Pos.Offset, e.Msg}, a.lastSend)
		if len(s.steps) > 2*s.kept+stairsSlack {
			s.thin(a.ticks())
		}
		return
	}
	if !known {
		return // its send is merged later, at this very tick
	}
	if by, ok := s.before(begun); ok && by.position > e.Pos.Offset {
		if a.wrong[by.msg] == nil {
			a.wrong[by.msg] = &msgset.Set{}
		}
		a.wrong[by.msg].Add(e.Msg)
	}
}

// gaveUp forgets a message that nobody will send again.
func (a *appends) gaveUp(m history.Msg) { a.begun.Delete(m) }

// died forgets what a producer that ended had in flight.
func (a *appends) died(id history.Life) {
	var gone []history.Msg
	for m := range a.begun.All() {
		if m.Life == id {
			gone = append(gone, m)
		}
	}
	for _, m := range gone {
		a.begun.Delete(m)
	}
}

// ticks is when the messages in flight were first sent, in order.
func (a *appends) ticks() []int64 {
	out := make([]int64, 0, a.begun.Len())
	for _, at := range a.begun.All() {
		out = append(out, at)
	}
	slices.Sort(out)
	return out
}
