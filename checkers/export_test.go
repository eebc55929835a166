package checkers

import "context"

// Audited lets a test choose how many pages one reading looks at.
var Audited = audited

// Unsettled is how many transactions the audit still holds when the history has been read.
func Unsettled(ctx context.Context, in Input) (int, error) {
	a := newAudit(in)
	if err := each(ctx, in.Source, a.see); err != nil {
		return 0, err
	}
	a.finish()
	n := 0
	for _, l := range a.lanes {
		n += len(l.txns.unsettled)
	}
	return n, nil
}
