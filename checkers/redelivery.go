package checkers

import (
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// illegalRedelivery: one copy delivered again although its acknowledgement had been confirmed before the receive call that
// fetched it began. Every other redelivery is legal and only counted: before an acknowledgement, after one that nobody confirmed,
// after one that was confirmed while the copy was on its way already, and of another copy of the same message.
//
// One that was confirmed while the call was under way already, or at its very tick, or where nobody recorded the call, may have been on
// its way before: its cause is ambiguous, and it is counted as that.
//
// Where a partition belongs to one consumer at a time, it is the assignment that must be younger than the confirmation as well: a consumer
// that stood still while the group gave its partitions away goes on with what it has fetched, until it is told. A copy that comes again
// within one assignment is nonmonotonic.
//
// At least once permits even an illegal one: it is then a finding that breaks nothing. A promise about delivery that forbids
// duplicates is broken by it.
type illegalRedelivery struct{}

func (illegalRedelivery) exact(l *lane, x *examined) []candidate {
	c := candidate{anomaly: "illegal redelivery", group: redeliveryGroup, stage: semantics.Delivered}
	for _, p := range l.promised() {
		if forbidsDuplicatesAt(semantics.Delivered)(p) {
			c.breaks = forbidsDuplicatesAt(semantics.Delivered)
		}
	}
	return byCheckpoint(x.illegal, c)
}

// redeliveryGroup is the group of redeliveries that have no excuse: each is named once.
const redeliveryGroup = "illegal redelivery"

func (x *examined) redelivered(e *history.Event, l *lane, ref int) {
	at := x.copies[copyOf{e.Msg, e.Pos.Partition, e.Pos.Offset}]
	if at == nil {
		return
	}
	begun, ok := x.receives[e.Life]
	late := ok && *at < begun
	if l.traits.Exclusive {
		given, ok := x.assigned[place{e.Life, e.Pos.Partition}]
		late = late && ok && *at < given
	}
	if late {
		note(x.illegal, ref, e.Msg)
	} else {
		note(x.ambiguous, ref, e.Msg)
	}
}
