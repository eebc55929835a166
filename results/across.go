package results

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"waybill/harness/semantics"
)

// WriteAcross writes, as a table in Markdown, what each fault did to each guarantee in several runs together, such as those of several
// seeds: modes and promises down, faults across. A cell says how often the promise came out how, and what was counted in one run: the
// smallest and the largest number, where they differ. Nothing is averaged, and a run in which a fault did not occur is not counted in its
// column. What is promised of deliveries alone is left out where the mode promises something of what is applied.
func WriteAcross(w io.Writer, vs []semantics.Verdict) error {
	t := newAcross(vs)
	var b strings.Builder
	b.WriteString("| mode | promise |")
	for _, f := range t.faults {
		fmt.Fprintf(&b, " `%s` |", visible(f))
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(t.faults)) + "\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| `%s` | %s %s |", visible(r.mode), r.stage, r.promise)
		for _, f := range t.faults {
			fmt.Fprintf(&b, " %s |", t.cells[acrossKey{r, f}])
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

type across struct {
	faults []string
	rows   []acrossRow
	cells  map[acrossKey]*acrossCell
}

type acrossRow struct {
	mode    string
	stage   semantics.Stage
	promise string
}

type acrossKey struct {
	row   acrossRow
	fault string
}

// acrossCell is one promise under one fault, in all runs.
type acrossCell struct {
	results map[semantics.Result]int
	counts  []map[string]int64 // of each run in which the fault could touch the mode
}

func newAcross(vs []semantics.Verdict) across {
	t := across{cells: map[acrossKey]*acrossCell{}}
	faults := map[string]bool{}
	for _, v := range vs {
		for _, r := range newGrid(v).rows {
			if r.stage == semantics.Delivered && judgesApplied(v, r.lane) {
				continue
			}
			row := acrossRow{r.mode, r.stage, r.promise()}
			if !slices.Contains(t.rows, row) {
				t.rows = append(t.rows, row)
			}
			for _, c := range r.cells {
				if faultless(c.Fault) {
					continue
				}
				faults[c.Fault] = true
				k := acrossKey{row, c.Fault}
				if t.cells[k] == nil {
					t.cells[k] = &acrossCell{results: map[semantics.Result]int{}}
				}
				t.cells[k].results[c.Result]++
				if c.Result != semantics.NotAffected {
					t.cells[k].counts = append(t.cells[k].counts, c.Counts)
				}
			}
		}
	}
	t.faults = slices.Sorted(maps.Keys(faults))
	return t
}

// judgesApplied reports whether a lane has cells about what is applied.
func judgesApplied(v semantics.Verdict, lane string) bool {
	for _, l := range v.Lanes {
		if l.Name == lane {
			return slices.ContainsFunc(l.Cells, func(c semantics.Cell) bool { return c.Stage == semantics.Applied })
		}
	}
	return false
}

// String is the cell in Markdown: results, the worst first, then counts, losses first.
func (c *acrossCell) String() string {
	if c == nil {
		return ""
	}
	var parts []string
	for _, r := range slices.SortedFunc(maps.Keys(c.results), func(a, b semantics.Result) int { return cmp.Compare(severity(b), severity(a)) }) {
		said := string(r)
		if r == semantics.Broken {
			said = "**BROKEN**"
		}
		if n := c.results[r]; n > 1 || len(c.results) > 1 {
			said += fmt.Sprintf(" ×%d", n)
		}
		parts = append(parts, said)
	}
	all := map[string]int64{}
	for _, one := range c.counts {
		for what, n := range one {
			all[what] += n
		}
	}
	for _, x := range counted(semantics.Cell{Counts: all}) {
		parts = append(parts, c.spread(x.what)+" "+plainWords(x.what))
	}
	return strings.Join(parts, "<br>")
}

// spread is how much of something was counted in one run: the smallest and the largest number.
func (c *acrossCell) spread(what string) string {
	least, most := c.counts[0][what], c.counts[0][what]
	for _, one := range c.counts[1:] {
		least, most = min(least, one[what]), max(most, one[what])
	}
	if least == most {
		return count(most)
	}
	return count(least) + "–" + count(most)
}

// plainWords shortens what is counted, for a table.
func plainWords(what string) string {
	return strings.NewReplacer("duplicates in store", "stored twice", "duplicate effects", "applied twice", "acknowledged and lost", "acknowledged, lost",
		"redeliveries", "redelivered").Replace(visible(what))
}
