package checkers

import (
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// illegalRedelivery: one copy delivered again although its acknowledgement had been confirmed before the receive call that
// fetched it began. Every other redelivery is legal and only counted: before an acknowledgement, after one that nobody confirmed,
// after one that was confirmed while the copy was on its way already, and of another copy of the same message.
//
// At least once permits even an illegal one: it is then a finding that breaks nothing. A promise about delivery that forbids
// duplicates is broken by it.
type illegalRedelivery struct{}

func (illegalRedelivery) exact(l *lane, x *examined) []candidate {
	c := candidate{anomaly: "illegal redelivery", group: "illegal redelivery", stage: semantics.Delivered}
	for _, p := range l.promised() {
		if forbidsDuplicatesAt(semantics.Delivered)(p) {
			c.breaks = forbidsDuplicatesAt(semantics.Delivered)
		}
	}
	return byCheckpoint(x.illegal, c)
}

func (x *examined) redelivered(e *history.Event, ref int) {
	at := x.copies[copyOf{e.Msg, e.Pos.Partition, e.Pos.Offset}]
	if at == nil {
		return
	}
	if begun, ok := x.receives[e.Life]; ok && *at < begun {
		x.note(x.illegal, ref, e.Msg)
	}
}
