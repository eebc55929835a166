package checkers

import (
	"fmt"

	"waybill/harness/semantics"
)

// duplicateEffect: applied more than once, as read back from where the effects live. It breaks the promise about effects whatever the
// cause; where the message was stored more than once, which is the cause, the finding says so.
type duplicateEffect struct{}

func (duplicateEffect) at(l *lane, cp *checkpoint) []candidate {
	c := candidate{anomaly: "duplicate effect", group: "duplicate effect", stage: semantics.Applied, msgs: l.effects.twice,
		breaks: forbidsDuplicatesAt(semantics.Applied)}
	if n := l.effects.twice.And(&l.storedTwice).Len(); n > 0 {
		c.detail = fmt.Sprintf("%d of them were stored more than once", n)
	}
	return []candidate{c}
}
