package checkers_test

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"waybill/checkers/checkertest"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// remerge orders a history by time again, with the ties between segments broken by another preference. The order within a
// segment stays, as it does in any merge.
func remerge(h history.Memory, prefer map[int]int) history.Memory {
	out := slices.Clone(h)
	slices.SortStableFunc(out, func(a, b history.Event) int {
		if a.Segment == b.Segment {
			return cmp.Compare(a.Time, b.Time)
		}
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(prefer[a.Segment], prefer[b.Segment]))
	})
	return out
}

func TestTheOrderOfTiesCreatesNoFinding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyFamily(t, "lose-confirms")
		last := 0
		for _, e := range h.Events {
			last = max(last, e.Segment)
		}
		prefer := map[int]int{}
		for i, p := range rapid.Permutation(seq(last+1)).Draw(t, "prefer") {
			prefer[i] = p
		}
		prefer[1] = -1 // the controller starts a life before the life does anything
		h.Events = remerge(h.Events, prefer)
		v, err := auditOnly(h)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, v)
	})
}

func TestUnknownOutcomesCreateNoFinding(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyFamily(t, "lose-confirms")
		share := rapid.IntRange(1, 4).Draw(t, "every")
		n := 0
		for i := range h.Events {
			if e := &h.Events[i]; e.Kind == history.Outcome {
				if n++; n%share == 0 {
					e.Status, e.Reason, e.Pos, e.Flags = history.Unknown, history.Timeout, history.Position{}, 0
				}
			}
		}
		v, err := auditOnly(h)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, v)
	})
}

func TestAHistoryThatEndsAnywhereBreaksNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := anyFamily(t)
		h.Events = h.Events[:rapid.IntRange(0, len(h.Events)-1).Draw(t, "end")]
		v, err := auditOnly(h)
		if err != nil {
			t.Fatal(err)
		}
		clean(t, v)
		for _, l := range v.Lanes {
			g := l.Ledger
			loses := l.Name == checkertest.Unroutable || l.Name == "autocommit-early"
			if g.Acked-g.AckedApplied != g.Lost.Sum()+g.Undecided || g.Lost.Sum() != 0 && !loses {
				t.Fatalf("%+v", g)
			}
		}
	})
}

// anyFamily is a history of any kind of product.
func anyFamily(t *rapid.T, faults ...string) checkertest.History {
	o := families()[rapid.IntRange(0, 2).Draw(t, "family")]
	if len(faults) > 0 {
		o.Faults = faults
	}
	return checkertest.Generate(rapid.Uint64Range(0, 1000).Draw(t, "seed"), o)
}

func clean(t *rapid.T, v semantics.Verdict) {
	for _, f := range v.Findings {
		if !fine(f) {
			t.Fatalf("found %+v", f)
		}
	}
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}
