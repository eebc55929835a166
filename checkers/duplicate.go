package checkers

import (
	"waybill/checkers/msgset"
	"waybill/harness/semantics"
)

// duplicateInStore: more than one visible copy of a message, at positions apart, in one scan of one replica. A producer's
// retries all lie within its session, so every copy is within one dedup scope.
type duplicateInStore struct{}

func (duplicateInStore) at(l *lane, cp *checkpoint) []candidate {
	twice := &msgset.Set{}
	for _, s := range l.scans {
		twice.Union(&s.twice)
	}
	return []candidate{{anomaly: "duplicate in store", group: "duplicate in store", stage: semantics.Stored, msgs: twice,
		breaks: forbidsDuplicatesAt(semantics.Stored)}}
}

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

// duplicateEffect: applied more than once, as read back from where the effects live.
type duplicateEffect struct{}

func (duplicateEffect) at(l *lane, cp *checkpoint) []candidate {
	return []candidate{{anomaly: "duplicate effect", group: "duplicate effect", stage: semantics.Applied, msgs: l.effects.twice,
		breaks: forbidsDuplicatesAt(semantics.Applied)}}
}
