package checkers

import "waybill/harness/semantics"

// nonmonotonic: within one exclusive assignment a consumer was given a position that does not lie beyond the one before: a step back, or
// the same one again, without an assignment, seek or reset in between. It names the message that came with the step; those that follow
// it in order are its consequence.
//
// It is none where the log itself went back: the queue is another incarnation, or the copy's epoch is later than that of the delivery
// before, which proves that the log was cut back and written anew. Nor before the first delivery of an assignment, which may begin
// beyond the end of a log that lost its tail. A transaction that did not commit takes its consumer's positions back.
//
// Source: "nonmonotonic-poll" of Jepsen's kafka workload, there for each pair of polls of one client on one key, with the same exceptions
// for assign, subscribe and seek.
type nonmonotonic struct{}

func (nonmonotonic) at(l *lane, _ *checkpoint) []candidate {
	if l.assignments == nil {
		return nil
	}
	return []candidate{{anomaly: nonmonotonicName, group: orderGroup, stage: semantics.Delivered, msgs: &l.assignments.stepped,
		breaks: l.orderOfDeliveries()}}
}

// exact takes back what is an illegal redelivery: the step back is how the copy came again.
func (nonmonotonic) exact(l *lane, x *examined) []candidate {
	for _, c := range l.found {
		if c.anomaly == nonmonotonicName {
			c.msgs = c.msgs.AndNot(illegal(x))
		}
	}
	return nil
}

const nonmonotonicName = "nonmonotonic"

// orderGroup is the group of what contradicts an order: a message stored, or delivered, out of order is named once.
const orderGroup = "reordered"
