package checkers

import "waybill/harness/semantics"

// duplicateDelivery: delivered more than once in a mode without acknowledgements, so that nothing asked for it. Where consumers
// acknowledge, a second delivery is a redelivery: see illegalRedelivery.
type duplicateDelivery struct{}

func (duplicateDelivery) at(l *lane, cp *checkpoint) []candidate {
	if l.traits.Acks || l.traits.Transactional {
		return nil
	}
	return []candidate{{anomaly: "duplicate delivery", group: "duplicate delivery", stage: semantics.Delivered, msgs: &l.deliveredTwice,
		breaks: forbidsDuplicatesAt(semantics.Delivered)}}
}
