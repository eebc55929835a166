package results

import (
	"cmp"
	"slices"
	"strings"

	"waybill/harness/semantics"
)

// grid is the matrix of a verdict: promises of lanes down, episodes across. Every view draws this one.
type grid struct {
	columns []column
	rows    []gridRow
}

type column struct {
	number int
	fault  string
}

type gridRow struct {
	lane, mode string
	stage      semantics.Stage
	guarantee  semantics.Guarantee
	ordered    bool
	atomic     bool
	cells      map[int]semantics.Cell // by episode
}

// promise is the row's guarantee in words.
func (r gridRow) promise() string {
	said := r.guarantee.String()
	if r.ordered {
		said += ", ordered"
	}
	if r.atomic {
		said += ", atomic"
	}
	return said
}

func newGrid(v semantics.Verdict) grid {
	faults := map[int]string{}
	for _, e := range v.Episodes {
		faults[e.Number] = e.Fault
	}
	var g grid
	type key struct {
		lane      int
		stage     semantics.Stage
		guarantee semantics.Guarantee
		ordered   bool
		atomic    bool
	}
	at := map[key]int{}
	for i, l := range v.Lanes {
		for _, c := range l.Cells {
			if _, known := faults[c.Episode]; !known {
				faults[c.Episode] = c.Fault
			}
			k := key{i, c.Stage, c.Guarantee, c.Ordered, c.Atomic}
			n, known := at[k]
			if !known {
				n = len(g.rows)
				at[k] = n
				g.rows = append(g.rows, gridRow{lane: l.Name, mode: l.Mode, stage: c.Stage, guarantee: c.Guarantee,
					ordered: c.Ordered, atomic: c.Atomic, cells: map[int]semantics.Cell{}})
			}
			// Two cells in one place would be the audit's mistake; the worse one must stay visible.
			if old, twice := g.rows[n].cells[c.Episode]; !twice || severity(c.Result) > severity(old.Result) {
				g.rows[n].cells[c.Episode] = c
			}
		}
	}
	order := map[string]int{}
	for i, l := range v.Lanes {
		order[l.Name] = i
	}
	slices.SortStableFunc(g.rows, func(a, b gridRow) int {
		return cmp.Or(cmp.Compare(order[a.lane], order[b.lane]), cmp.Compare(a.stage, b.stage))
	})
	for n, f := range faults {
		g.columns = append(g.columns, column{n, f})
	}
	slices.SortFunc(g.columns, func(a, b column) int { return cmp.Compare(a.number, b.number) })
	return g
}

// severity orders results: what must not be masked is higher.
func severity(r semantics.Result) int {
	return slices.Index([]semantics.Result{semantics.NotAffected, semantics.Observed, semantics.Kept, semantics.Inconclusive, semantics.Broken}, r)
}

// tally counts a verdict's cells by result, liveness apart.
func (g grid) tally() map[semantics.Result]int {
	t := map[semantics.Result]int{}
	for _, r := range g.rows {
		for _, c := range r.cells {
			t[c.Result]++
		}
	}
	return t
}

// lossCount is the count of a cell that is told before all others.
const lossCount = "acknowledged and lost"

// counted are a cell's counts above zero, the largest first, but losses before everything else.
func counted(c semantics.Cell) []countOf {
	var cs []countOf
	for what, n := range c.Counts {
		if n != 0 {
			cs = append(cs, countOf{what, n})
		}
	}
	slices.SortFunc(cs, func(a, b countOf) int {
		switch {
		case a.what == lossCount:
			return -1
		case b.what == lossCount:
			return 1
		}
		return cmp.Or(cmp.Compare(b.n, a.n), strings.Compare(a.what, b.what))
	})
	return cs
}

type countOf struct {
	what string
	n    int64
}

// bounded reports whether n and the bound say something about a cell: only injections without a violation bound anything.
func bounded(c semantics.Cell) bool {
	return c.N > 0 && c.Bound > 0 && c.Result == semantics.Kept
}
