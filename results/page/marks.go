package page

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// markTable says what the marks of modes rest on: faults across, modes down.
type markTable struct {
	Faults []string
	Rows   []markRow
}

type markRow struct {
	Anchor, Mode string
	Runs         cell
	Cells        []cell
	Tested       int
	Evidence     []evidence
}

// cell is a result, or none.
type cell struct {
	Result semantics.Result
	None   bool
}

// evidence is what a mark rests on, and where it leads; "" when it leads nowhere.
type evidence struct{ Text, Href string }

func newMarkTable(b Bench) markTable {
	var t markTable
	faults := map[string]bool{}
	for _, l := range b.Summary.Levels {
		for f := range l.Mark.Faults {
			faults[f] = true
		}
	}
	t.Faults = slices.Sorted(maps.Keys(faults))
	for i, l := range b.Summary.Levels {
		row := markRow{Anchor: anchor("evidence", i), Mode: qualified(b.Summary.Plan, l.Arm), Runs: cell{Result: l.Mark.Runs, None: l.Mark.Runs == ""}, Tested: l.Mark.Tested}
		for _, f := range t.Faults {
			r, ok := l.Mark.Faults[f]
			row.Cells = append(row.Cells, cell{Result: r, None: !ok})
		}
		for _, e := range l.Mark.Evidence {
			row.Evidence = append(row.Evidence, evidence{e, leadTo(b.Dir, e)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// leadTo is the address of a run directory's report from a page in dir; "" when what is named is no path, or none that can be led to.
func leadTo(dir, to string) string {
	if dir == "" || filepath.IsAbs(dir) != filepath.IsAbs(to) || !strings.Contains(to, "/") || strings.ContainsAny(to, " :?#%\"'<>") || look.Visible(to) != to {
		return ""
	}
	rel, err := filepath.Rel(dir, to)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(filepath.Join(rel, "report.html"))
}
