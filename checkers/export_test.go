package checkers

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

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

// CheckNames are the checks, by their types' names.
func CheckNames() []string {
	var out []string
	for _, c := range checks {
		out = append(out, checkName(c))
	}
	for _, c := range exactChecks {
		out = append(out, checkName(c))
	}
	return out
}

func checkName(c any) string { return strings.TrimPrefix(fmt.Sprintf("%T", c), "checkers.") }

// WithoutCheck takes a check out until the function that it returns is called.
func WithoutCheck(name string) func() {
	all, exact := checks, exactChecks
	checks = slices.DeleteFunc(slices.Clone(checks), func(c check) bool { return checkName(c) == name })
	exactChecks = slices.DeleteFunc(slices.Clone(exactChecks), func(c exactly) bool { return checkName(c) == name })
	return func() { checks, exactChecks = all, exact }
}
