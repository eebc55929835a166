package story

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Causes writes what the messages of each finding have in common.
func Causes(w io.Writer, all []Grouped, o Options) error {
	t := newText(w, o)
	said := map[string]bool{}
	for i, g := range all {
		if i > 0 {
			t.blank()
		}
		means := Definition(g.Anomaly)
		t.grouped(g, !said[means])
		said[means] = true
	}
	return t.w.Flush()
}

// grouped writes a finding; what its anomaly means is said once.
func (t *text) grouped(g Grouped, define bool) {
	code := dim
	if g.Breaks {
		code = red
	}
	t.wrapped("", "   ", code, fmt.Sprintf("#%d %s · %s ×%s · episode %d%s", g.ID, printable(g.Lane), printable(g.Anomaly), number(g.Count), g.Episode, struckBy(g)))
	if define {
		t.wrapped("   ", "   ", dim, Definition(g.Anomaly))
	}
	for _, s := range g.Sentences {
		t.wrapped("   ", "     ", "", s)
	}
	if g.LeftOut != "" {
		t.wrapped("   ", "     ", "", g.LeftOut)
	}
	if len(g.Causes) == 0 {
		t.wrapped("   ", "   ", "", "It is about the lane as a whole and names no message.")
		return
	}
	if len(g.Causes) > 1 {
		t.table(g)
	}
}

// maxRows bounds a table of causes.
const maxRows = 12

// indent is that of what is said below a finding.
const indent = "   "

// table is one row a cause, in columns as wide as their widest word. Where that is too wide, lives go without their numbers.
func (t *text) table(g Grouped) {
	rows := rowsOf(g, false)
	for _, narrower := range []func([][]string) [][]string{func([][]string) [][]string { return rowsOf(g, true) }, withoutRuns, withoutStream, partitionsAlone} {
		if len(indent)+wide(rows) > t.o.Width {
			rows = narrower(rows)
		}
	}
	width := widths(rows)
	t.blank()
	for n, r := range rows {
		var b strings.Builder
		for i, cell := range r {
			gap := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if i == 0 || rows[0][i] == "runs" {
				b.WriteString(gap + cell)
			} else {
				b.WriteString(cell + gap)
			}
			b.WriteString("  ")
		}
		code := ""
		if n == 0 {
			code = dim
		}
		t.line("   ", code, strings.TrimRight(b.String(), " "))
	}
	if more := len(g.Causes) - maxRows; more > 0 {
		t.line("   ", dim, "… and "+plural(more, "smaller group"))
	}
}

func rowsOf(g Grouped, narrow bool) [][]string {
	rows := [][]string{{"messages", "since the strike", "by", "stream", "where", "runs"}}
	for i, c := range g.Causes {
		if i == maxRows {
			break
		}
		by, stream := c.By, strings.TrimPrefix(c.Stream, "what ")
		if narrow {
			by, _, _ = strings.Cut(by, " (life ")
		}
		rows = append(rows, []string{number(c.Count), span(c), by, stream, string(c.Shape) + " " + numbers(c), number(c.Runs)})
	}
	return rows
}

// streamColumn is the column of a table that says which stream.
const streamColumn = 3

// withoutRuns leaves out the last column, and withoutStream the one that says the same in every row.
func withoutRuns(rows [][]string) [][]string {
	for i, r := range rows {
		rows[i] = r[:len(r)-1]
	}
	return rows
}

func withoutStream(rows [][]string) [][]string {
	if slices.ContainsFunc(rows[1:], func(r []string) bool { return r[streamColumn] != rows[1][streamColumn] }) {
		return rows
	}
	for i, r := range rows {
		rows[i] = slices.Delete(r, streamColumn, streamColumn+1)
	}
	return rows
}

// partitionsAlone says in the head of the column what every row of it would say.
func partitionsAlone(rows [][]string) [][]string {
	if rows[0][streamColumn] != "stream" || slices.ContainsFunc(rows[1:], func(r []string) bool { return !strings.HasPrefix(r[streamColumn], "partition ") }) {
		return rows
	}
	for _, r := range rows {
		r[streamColumn] = strings.TrimPrefix(r[streamColumn], "partition ")
	}
	rows[0][streamColumn] = "part." // the sentences above it write it out
	return rows
}

func widths(rows [][]string) []int {
	out := make([]int, len(rows[0]))
	for _, r := range rows {
		for i, cell := range r {
			out[i] = max(out[i], utf8.RuneCountInString(cell))
		}
	}
	return out
}

// wide is how wide rows are, with a gap of two between columns.
func wide(rows [][]string) int {
	n := -2
	for _, w := range widths(rows) {
		n += w + 2
	}
	return n
}

func numbers(c Cause) string {
	if c.From == c.To {
		return number(c.From)
	}
	return number(c.From) + "–" + number(c.To)
}

// span is when a cause was, since the strike.
func span(c Cause) string {
	switch {
	case c.Phase == Never:
		return "no strike"
	case c.First == c.Last:
		return Signed(c.First)
	}
	return Signed(c.First) + " to " + Signed(c.Last)
}

func struckBy(g Grouped) string {
	if g.Fault == "" {
		return ""
	}
	s := ", " + g.Fault
	if g.Strikes > 1 {
		s += fmt.Sprintf(", which struck %s", times(g.Strikes))
	}
	return s
}
