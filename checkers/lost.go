package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/semantics"
)

// The parts of lost, by the earliest stage without a successor.
const (
	notAccepted = iota
	vanishedPart
	inDelivery
	inConsumer
	inEffect
	parts
)

// lossGroup is the group of all parts of lost.
const lossGroup = "lost"

var lostNames = [parts]string{
	"lost: not accepted", "lost: vanished", "lost: in delivery", "lost: in consumer", "lost: in effect store",
}

var lostStages = [parts]semantics.Stage{
	semantics.Stored, semantics.Stored, semantics.Delivered, semantics.Applied, semantics.Applied,
}

// lost: acknowledged to the producer, and absent from the effects after a proven drain. In parts, which are disjoint and sum up:
//
//   - in effect store: a consumer recorded the apply as done, or an earlier readback had it; the readback lacks it. Not the
//     broker's fault, unless the effect is an output message: then the commit of its transaction was confirmed.
//   - in consumer: acknowledged by a consumer that had not applied it. In a mode without acknowledgements: delivered, and not
//     applied, which may be the library's fault as well as the consumer's.
//   - vanished: once observed in the store, or acknowledged at a position inside a scan's range, and absent from a complete scan.
//   - not accepted: never observed in the store at all.
//   - in delivery: what remains: stored, and no delivery of it ended in an acknowledgement.
//
// Where it cannot be proven that nothing is left to deliver, absence is no loss.
type lost struct{}

func (lost) at(l *lane, cp *checkpoint) []candidate {
	if !cp.settled() || !l.traits.CanDrain() {
		return nil
	}
	rest := l.acked.AndNot(cp.read.once)
	if rest.Len() == 0 {
		return nil
	}
	part := [parts]*msgset.Set{inConsumer: {}}
	take := func(i int, from *msgset.Set) {
		part[i] = rest.And(from)
		rest = rest.AndNot(part[i])
	}
	take(inEffect, l.done.Or(&l.readEver).Or(&l.txns.committed))
	switch {
	case l.traits.Transactional: // what is acknowledged is applied in the same act
	case l.traits.Acks:
		take(inConsumer, &l.ackCalled)
	default:
		take(inConsumer, &l.delivered)
	}
	observed := l.observed()
	take(vanishedPart, observed.And(l.absentFromAny(cp)))
	take(inDelivery, observed)
	part[notAccepted] = rest

	var out []candidate
	damaged := l.damaged().Or(&l.torn)
	for i, msgs := range part {
		fresh := msgs.AndNot(&l.gone)
		l.parts[i].Union(fresh)
		l.gone.Union(fresh)
		c := candidate{anomaly: lostNames[i], group: lossGroup, stage: lostStages[i], msgs: fresh.AndNot(damaged), absence: true,
			breaks: forbidsLossFrom(lostStages[i])}
		switch {
		case i == inConsumer && !l.traits.Acks:
			c.detail = "lost between store and application: without acknowledgements broker, library and consumer cannot be told apart"
		case i == inEffect && l.traits.Transactional:
			c.detail = "a transaction with its output was committed, and no reader of committed messages sees it: here the broker itself keeps the effects"
		case i == notAccepted && len(cp.scans) == 0:
			c.detail = "the store could not be read; never seen to come out of it"
		}
		out = append(out, c)
	}
	return out
}

// damaged is the messages reported as corrupt: that they are lost as well has the same cause. So has it of torn transactions.
func (l *lane) damaged() *msgset.Set {
	out := &msgset.Set{}
	for s := range l.corrupt {
		out.Union(&l.corrupt[s])
	}
	return out
}

// absentFromAny is the acknowledged messages that at least one complete scan lacks, unless an acknowledgement removed them.
func (l *lane) absentFromAny(cp *checkpoint) *msgset.Set {
	out := &msgset.Set{}
	for _, s := range cp.scans {
		out.Union(l.expected().AndNot(&s.seen))
	}
	return out
}

// expected is the messages that every scan ought to find.
func (l *lane) expected() *msgset.Set {
	if l.traits.Consumes {
		return l.acked.AndNot(&l.ackCalled)
	}
	return &l.acked
}
