package checkers

import (
	"context"
	"iter"

	"waybill/checkers/msgset"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// Named is every message of every finding of a verdict, of which the verdict itself names the first few: about a bit a message. It
// is for one goroutine.
type Named struct {
	by map[int]*msgset.Set // finding → its messages; findings about a lane, and of tokens of other runs, have none
}

// AuditNamed is Audit, and says as well which messages each finding is about.
func AuditNamed(ctx context.Context, in Input) (semantics.Verdict, Named, error) {
	return auditedNamed(ctx, in, examinedPages)
}

func auditedNamed(ctx context.Context, in Input, pages int) (semantics.Verdict, Named, error) {
	a := newAudit(in)
	if err := each(ctx, in.Source, a.see); err != nil {
		return semantics.Verdict{}, Named{}, err
	}
	a.finish()
	if err := a.examine(ctx, pages); err != nil {
		return semantics.Verdict{}, Named{}, err
	}
	for _, l := range a.lanes {
		l.recall()
	}
	v := a.verdict()
	return v, Named{a.named}, nil
}

// Of yields the messages of the finding with that id, by producer life and sequence.
func (n Named) Of(finding int) iter.Seq[history.Msg] { return n.by[finding].All() }

// Findings are the ids of those that name a message, in the verdict's order.
func (n Named) Findings(v semantics.Verdict, m history.Msg) []int {
	var out []int
	for _, f := range v.Findings {
		if set := n.by[f.ID]; set.Has(m) {
			out = append(out, f.ID)
		}
	}
	return out
}
