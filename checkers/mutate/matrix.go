package mutate

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"waybill/checkers/naive"
	"waybill/harness/history"
)

// Matrix counts, by mutator and anomaly, how often a mutation changed what the oracle says, and how often the audit said the same.
// The zero Matrix is empty and ready to use; it is for one goroutine.
type Matrix struct {
	rows map[rowID]*row
}

// ledgerColumn is the column of what is counted and accuses nobody.
const ledgerColumn = "counts"

// row is one mutator's.
type row struct {
	tried, changed int // mutations; of them, how many changed anything
	cells          map[string]*cell
}

// cell is how many mutations changed an anomaly's messages, how many of those the audit found, and how often it was wrong about an anomaly
// that had not changed.
type cell struct{ changed, found, wrong int }

// rowID is what a row is told apart by.
type rowID struct{ family, name string }

// Note takes the outcome of one mutation: what the oracle says of the history before and after it, and what the audit says after it. It
// reports whether the audit agrees, and which columns changed.
func (x *Matrix) Note(m Mutator, before, after, audited naive.Report) (agrees bool, changed []string) {
	if x.rows == nil {
		x.rows = map[rowID]*row{}
	}
	id := rowID{m.Family, m.Name}
	r := x.rows[id]
	if r == nil {
		r = &row{cells: map[string]*cell{}}
		x.rows[id] = r
	}
	r.tried++
	was, is, said := columns(before), columns(after), columns(audited)
	agrees = true
	for name := range union(was, is, said) {
		c := r.cells[name]
		if c == nil {
			c = &cell{}
			r.cells[name] = c
		}
		differs, same := !maps.Equal(was[name], is[name]), maps.Equal(is[name], said[name])
		switch {
		case differs && same:
			c.changed++
			c.found++
		case differs:
			c.changed++
		case !same:
			c.wrong++
		}
		if differs {
			changed = append(changed, name)
		}
		agrees = agrees && same
	}
	if len(changed) > 0 {
		r.changed++
	}
	slices.Sort(changed)
	return agrees, changed
}

// anomalies is those that some mutation changed, or the audit was wrong about, in order.
func (x *Matrix) anomalies() []string {
	seen := map[string]bool{}
	for _, r := range x.rows {
		for name, c := range r.cells {
			if c.changed+c.wrong > 0 && name != ledgerColumn {
				seen[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// Sums is how many mutations were made, how many changed something, and in how many cells of single mutations something changed, was found,
// and was said though it had not changed.
func (x *Matrix) Sums() (tried, changed, cells, found, wrong int) {
	for _, r := range x.rows {
		tried, changed = tried+r.tried, changed+r.changed
		for _, c := range r.cells {
			cells, found, wrong = cells+c.changed, found+c.found, wrong+c.wrong
		}
	}
	return
}

// Markdown writes the matrix as a table: a row a mutator, a column an anomaly, in each cell found/changed. A dot is a cell that no mutation
// reached: such an edit does not change such an anomaly. The column "counts" is the ledger.
func (x *Matrix) Markdown(w io.Writer) error {
	names := append(x.anomalies(), ledgerColumn)
	var b strings.Builder
	fmt.Fprintf(&b, "| mutation | made | changed | %s |\n|---|---|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	order := slices.SortedFunc(maps.Keys(x.rows), func(a, b rowID) int {
		return cmp.Or(cmp.Compare(slices.Index(families, a.family), slices.Index(families, b.family)), cmp.Compare(a.name, b.name))
	})
	for _, id := range order {
		r := x.rows[id]
		fmt.Fprintf(&b, "| %s %s | %d | %d |", id.family, id.name, r.tried, r.changed)
		for _, name := range names {
			text := "·"
			if c := r.cells[name]; c != nil && (c.changed > 0 || c.wrong > 0) {
				text = fmt.Sprintf("%d/%d", c.found, c.changed)
				if c.wrong > 0 {
					text += fmt.Sprintf(" and %d wrong", c.wrong)
				}
			}
			fmt.Fprintf(&b, " %s |", text)
		}
		b.WriteString("\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

var families = []string{"drop", "add", "swap", "forge", "late", "early", "split", "move"}

// fact is one message accused, or one number of a ledger.
type fact struct {
	lane    string
	stage   fmt.Stringer
	episode int
	msg     history.Msg
	count   string
}

// columns are the facts of a report, by anomaly.
func columns(r naive.Report) map[string]map[fact]bool {
	out := map[string]map[fact]bool{}
	put := func(name string, f fact) {
		if out[name] == nil {
			out[name] = map[fact]bool{}
		}
		out[name][f] = true
	}
	for _, l := range r.Lanes {
		put(ledgerColumn, fact{lane: l.Name, count: fmt.Sprintf("%+v", l.Ledger)})
		for _, f := range l.Findings {
			name, replica, _ := strings.Cut(f.Anomaly, ": not on replica ")
			if replica != "" {
				name += " from a replica"
			}
			for _, m := range f.Msgs {
				put(name, fact{l.Name, f.Stage, f.Episode, m, replica})
			}
			if len(f.Msgs) == 0 {
				put(name, fact{lane: l.Name, stage: f.Stage, episode: f.Episode, count: fmt.Sprint(f.Count)})
			}
		}
	}
	return out
}

func union(maps ...map[string]map[fact]bool) map[string]bool {
	out := map[string]bool{}
	for _, m := range maps {
		for name := range m {
			out[name] = true
		}
	}
	return out
}
