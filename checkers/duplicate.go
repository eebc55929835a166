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
