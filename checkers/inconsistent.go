package checkers

import "waybill/harness/semantics"

// inconsistent: of a message that was never acknowledged at a position, one scan found a copy at a position at which another scan,
// whose range covers it and which finds the message elsewhere, does not. A log entry that readers saw must not move within an epoch.
// Or: a position at which a message lay, which is lost since, holds another one of the same epoch. (Of another epoch, the log was cut back:
// the loss says so. See reused.)
type inconsistent struct{}

func (inconsistent) exact(l *lane, x *examined) []candidate {
	return byCheckpoint(x.inconsistent, candidate{anomaly: "inconsistent position", group: "misplaced", stage: semantics.Stored,
		breaks: alwaysForbidden(l, semantics.Stored)})
}
