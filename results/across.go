package results

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// Across is what each fault did to each guarantee in several runs together, such as those of several seeds. Nothing is averaged, and a run
// in which a fault did not occur is not counted in its column. What is promised of deliveries alone is left out where the mode promises
// something of what is applied.
type Across struct {
	Faults []string
	Rows   []AcrossRow
}

// AcrossRow is one promise of a mode.
type AcrossRow struct {
	Mode    string
	Stage   semantics.Stage
	Promise string
	Cells   []AcrossCell // of each fault
}

// AcrossCell is one promise under one fault, in all runs. Results is empty where no run had the fault.
type AcrossCell struct {
	Results []AcrossResult // the worst first
	Counts  []string       // what was counted in one run, losses first: the smallest and the largest number, where they differ
}

// AcrossResult is how often a promise came out how.
type AcrossResult struct {
	Result semantics.Result
	Runs   int
}

// NewAcross brings several verdicts together.
func NewAcross(vs []semantics.Verdict) Across {
	t := newAcross(vs)
	a := Across{Faults: t.faults}
	for _, r := range t.rows {
		row := AcrossRow{Mode: r.mode, Stage: r.stage, Promise: r.promise}
		for _, f := range t.faults {
			row.Cells = append(row.Cells, t.cells[acrossKey{r, f}].shown())
		}
		a.Rows = append(a.Rows, row)
	}
	return a
}

// WriteAcross writes what NewAcross brings together as a table in Markdown: modes and promises down, faults across.
func WriteAcross(w io.Writer, vs []semantics.Verdict) error {
	t := NewAcross(vs)
	var b strings.Builder
	b.WriteString("| mode | promise |")
	for _, f := range t.Faults {
		fmt.Fprintf(&b, " `%s` |", look.Visible(f))
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(t.Faults)) + "\n")
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "| `%s` | %s %s |", look.Visible(r.Mode), r.Stage, r.Promise)
		for _, c := range r.Cells {
			fmt.Fprintf(&b, " %s |", c)
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// String is the cell in Markdown.
func (c AcrossCell) String() string {
	var parts []string
	for _, r := range c.Results {
		said := string(r.Result)
		if r.Result == semantics.Broken {
			said = "**BROKEN**"
		}
		if r.Runs > 1 || len(c.Results) > 1 {
			said += fmt.Sprintf(" ×%d", r.Runs)
		}
		parts = append(parts, said)
	}
	return strings.Join(append(parts, c.Counts...), "<br>")
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

func (c *acrossCell) shown() (out AcrossCell) {
	if c == nil {
		return out
	}
	for _, r := range slices.SortedFunc(maps.Keys(c.results), func(a, b semantics.Result) int { return cmp.Compare(severity(b), severity(a)) }) {
		out.Results = append(out.Results, AcrossResult{r, c.results[r]})
	}
	all := map[string]int64{}
	for _, one := range c.counts {
		for what, n := range one {
			all[what] += n
		}
	}
	for _, x := range counted(semantics.Cell{Counts: all}) {
		out.Counts = append(out.Counts, c.spread(x.what)+" "+plainWords(x.what))
	}
	return out
}

// spread is how much of something was counted in one run: the smallest and the largest number.
func (c *acrossCell) spread(what string) string {
	least, most := c.counts[0][what], c.counts[0][what]
	for _, one := range c.counts[1:] {
		least, most = min(least, one[what]), max(most, one[what])
	}
	if least == most {
		return look.Count(most)
	}
	return look.Count(least) + "–" + look.Count(most)
}

// plainWords shortens what is counted, for a table.
func plainWords(what string) string {
	return strings.NewReplacer("duplicates in store", "stored twice", "duplicate effects", "applied twice", "acknowledged and lost", "acknowledged, lost",
		"redeliveries", "redelivered").Replace(look.Visible(what))
}
