package results

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// shownCounts is how many counts a cell of the terminal holds; the report has them all.
const shownCounts = 2

// widest is the most that a column takes, gap included, when there is room.
const widest = 24

// matrix writes the grid and the liveness rows, in as many blocks of columns as the width asks for.
func (t *term) matrix(v semantics.Verdict) {
	g := newGrid(v)
	t.line(t.paint("1", strings.Join(nonEmpty(look.Visible(v.Target), look.Visible(v.Profile), look.Visible(v.Run)), " · ")))
	if len(g.columns) == 0 || len(g.rows) == 0 {
		t.line("")
		t.line("no promise was judged: the run has no episode with a checkpoint")
		return
	}
	width := 1 + t.cellWidth(g, v)
	per := max(1, (t.opt.Width-labelWidth+1)/width)
	blocks := (len(g.columns) + per - 1) / per
	per = (len(g.columns) + blocks - 1) / blocks
	width = max(width, min(widest, (t.opt.Width-labelWidth+1)/per)) // room that would stay empty lets counts be read whole
	for from := 0; from < len(g.columns); from += per {
		t.block(g, v, g.columns[from:min(from+per, len(g.columns))], width)
	}
}

func nonEmpty(ss ...string) []string {
	var out []string
	for _, s := range ss {
		if s != "" {
			out = append(out, s)
		}
	}
	return out
}

// cellWidth is the room that the first lines of all cells need, so that no result is ever cut.
func (t *term) cellWidth(g grid, v semantics.Verdict) int {
	w := len("inconclusive")
	for _, r := range g.rows {
		for _, c := range r.cells {
			w = max(w, utf8.RuneCountInString(firstLine(c)))
		}
	}
	return min(w, t.opt.Width-labelWidth)
}

func (t *term) block(g grid, v semantics.Verdict, cols []column, width int) {
	t.line("")
	heads := make([][]string, len(cols))
	for i, c := range cols {
		heads[i] = breakName(fmt.Sprintf("%d %s", c.number, look.Visible(c.fault)), width-1)
	}
	t.table("1", []string{"promise"}, heads, width, nil)
	for i, r := range g.rows {
		if i == 0 || r.lane != g.rows[i-1].lane {
			title := look.Visible(r.lane)
			if r.mode != r.lane {
				title += " (mode " + look.Visible(r.mode) + ")"
			}
			t.line(t.paint("1", title))
		}
		t.row(r, cols, width)
		if i == len(g.rows)-1 || r.lane != g.rows[i+1].lane {
			t.liveness(v, r.lane, cols, width)
		}
	}
}

func (t *term) row(r gridRow, cols []column, width int) {
	cells := make([][]string, len(cols))
	colors := make([]string, len(cols))
	for i, c := range cols {
		cell, ok := r.cells[c.number]
		if !ok {
			cells[i] = []string{"·"}
			continue
		}
		cells[i] = cellLines(cell, width-1)
		colors[i] = colorOf(cell.Result)
	}
	label := []string{"  " + r.stage.String(), "  " + r.guarantee.String()}
	if r.ordered {
		label = append(label, "  ordered")
	}
	if r.atomic {
		label = append(label, "  atomic")
	}
	t.table("", label, cells, width, colors)
}

// liveness is a row of its own below a lane's promises: it is judged by Waybill's limits and not by the vendor's words.
func (t *term) liveness(v semantics.Verdict, lane string, cols []column, width int) {
	cells := make([][]string, len(cols))
	colors := make([]string, len(cols))
	for i, c := range cols {
		cells[i] = []string{"·"}
		for _, e := range v.Episodes {
			if r, ok := e.Liveness[lane]; ok && e.Number == c.number {
				cells[i], colors[i] = []string{word(r)}, colorOf(r)
			}
		}
	}
	t.table("", []string{"  liveness"}, cells, width, colors)
}

// table writes one row of cells of several lines. Only a cell's first line is coloured.
func (t *term) table(labelColor string, label []string, cells [][]string, width int, colors []string) {
	height := len(label)
	for _, c := range cells {
		height = max(height, len(c))
	}
	for y := range height {
		var b strings.Builder
		b.WriteString(t.paint(labelColor, pad(at(label, y), labelWidth)))
		for i, c := range cells {
			s := pad(at(c, y), width)
			if i == len(cells)-1 {
				s = strings.TrimRight(s, " ")
			}
			switch {
			case labelColor != "":
				s = t.paint(labelColor, s)
			case y == 0:
				s = t.paint(colors[i], s)
			}
			b.WriteString(s)
		}
		t.line(b.String())
	}
}

func at(lines []string, y int) string {
	if y < len(lines) {
		return lines[y]
	}
	return ""
}

// firstLine is the result with n and, where nothing was violated, the bound that n gives.
func firstLine(c semantics.Cell) string {
	switch {
	case bounded(c):
		return fmt.Sprintf("%s n=%d ≤%s", word(c.Result), c.N, look.Percent(c.Bound))
	case c.N > 0:
		return fmt.Sprintf("%s n=%d", word(c.Result), c.N)
	default:
		return word(c.Result)
	}
}

func cellLines(c semantics.Cell, width int) []string {
	lines := []string{firstLine(c)}
	if len(c.Findings) > 0 {
		lines = append(lines, pad("see "+ids(c.Findings), width))
	}
	cs := counted(c)
	for i, n := range cs {
		if i == shownCounts && len(cs) > shownCounts+1 {
			lines = append(lines, fmt.Sprintf("+%d more", len(cs)-i))
			break
		}
		lines = append(lines, pad(short(n), width))
	}
	return lines
}

func ids(findings []int) string {
	var b strings.Builder
	for i, id := range findings {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "#%d", id)
	}
	return b.String()
}

// shortWords are the counts' names where thirteen columns are all there is.
var shortWords = strings.NewReplacer("dedup hits in store", "dedup", "dedup hits in effects", "dedup", "dedup hits", "dedup",
	"duplicate effects", "applied 2×", "applied twice", "applied 2×", "stored twice", "stored 2×", "duplicates in store", "stored 2×",
	"redeliveries", "redeliv", "duplicates", "dup", "duplicate", "dup", "deliveries", "deliv", lossCount, "lost", "applied, and vanished from the store", "vanished", "delivered, never applied", "unapplied", "messages", "msgs", "acknowledged", "acked")

func short(c countOf) string {
	n := look.Count(c.n)
	if c.n >= 100_000 {
		n = fmt.Sprintf("%dk", c.n/1000)
	}
	return n + " " + shortWords.Replace(look.Visible(c.what))
}

// breakName breaks a fault's name over lines, behind its hyphens, colons and commas.
func breakName(s string, width int) []string {
	var lines []string
	line := ""
	for _, part := range strings.FieldsFunc(strings.NewReplacer("-", "-\x00", ":", ":\x00", ",", ",\x00", "+", "+\x00", " ", " \x00").Replace(s),
		func(r rune) bool { return r == 0 }) {
		if utf8.RuneCountInString(line+strings.TrimRight(part, " ")) > width && line != "" {
			lines = append(lines, strings.TrimRight(line, " "))
			line = ""
		}
		line += part
	}
	return append(lines, strings.TrimRight(line, " "))
}
