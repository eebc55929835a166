package plot

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"waybill/harness/semantics"
)

// Faults draws promises against faults as a heat map, over all verdicts together: how each promise came out, what was lost and what came
// twice, and how many independent injections a promise that was kept rests on, with the bound that follows. Of several verdicts about one
// cell the worst is drawn, and the injections of different seeds add up.
func Faults(vs []semantics.Verdict) (Figure, bool) {
	m := matrixOf(vs)
	if len(m.rows) == 0 || len(m.faults) == 0 {
		return Figure{}, false
	}
	return Figure{
		Name: "faults", Title: "Promises and faults",
		Caption: "How each promise came out under each fault. n counts independent injections with full exposure, never messages; the bound beside it holds where no violation was seen.",
		Alt:     m.alt(), plan: m.plan,
	}, true
}

type matrix struct {
	faults []string
	rows   []matrixRow
}

type matrixRow struct {
	target, mode, promise string
	first                 bool // of its mode
	cells                 map[string]*matrixCell
}

type matrixCell struct {
	result      semantics.Result
	lost, twice int64
	n           map[string]int // by target and seed: repeats of a seed are one
}

func (c matrixCell) injections() int {
	total := 0
	for _, n := range c.n {
		total += n
	}
	return total
}

// severity orders results: what must not be masked is higher.
func severity(r semantics.Result) int {
	return slices.Index([]semantics.Result{semantics.NotAffected, semantics.Observed, semantics.Kept, semantics.Inconclusive, semantics.Broken}, r)
}

// Names of counts in a cell, as the audit writes them.
var (
	countsLost  = []string{"acknowledged and lost"}
	countsTwice = []string{"duplicates in store", "duplicate effects"}
)

// damage is what was lost in a cell and what came twice: counted, or found.
func damage(v semantics.Verdict, c semantics.Cell) (lost, twice int64) {
	var found [2]int64
	for _, f := range v.Findings {
		if !slices.Contains(c.Findings, f.ID) {
			continue
		}
		switch {
		case strings.HasPrefix(f.Anomaly, "lost"):
			found[0] += f.Count
		case strings.HasPrefix(f.Anomaly, "duplicate"):
			found[1] += f.Count
		}
	}
	for _, name := range countsLost {
		lost += c.Counts[name]
	}
	for _, name := range countsTwice {
		twice += c.Counts[name]
	}
	return max(lost, found[0]), max(twice, found[1])
}

func matrixOf(vs []semantics.Verdict) matrix {
	var m matrix
	for _, v := range vs {
		for _, l := range v.Lanes {
			applied := slices.ContainsFunc(l.Cells, func(c semantics.Cell) bool { return c.Stage == semantics.Applied })
			for _, c := range l.Cells {
				if slices.Contains([]string{"", "none", "calm", "final"}, c.Fault) || c.Stage == semantics.Delivered && applied {
					continue
				}
				m.add(v, l, c)
			}
		}
	}
	for i := range m.rows {
		m.rows[i].first = i == 0 || m.rows[i-1].mode != m.rows[i].mode || m.rows[i-1].target != m.rows[i].target
	}
	return m
}

func (m *matrix) add(v semantics.Verdict, l semantics.Lane, c semantics.Cell) {
	if !slices.Contains(m.faults, c.Fault) {
		m.faults = append(m.faults, c.Fault)
	}
	promise := c.Stage.String() + " " + c.Guarantee.String()
	if c.Guarantee == semantics.None {
		promise = c.Stage.String() + ": no promise"
	}
	if c.Ordered {
		promise += ", ordered"
	}
	if c.Atomic {
		promise += ", atomic"
	}
	i := slices.IndexFunc(m.rows, func(r matrixRow) bool { return r.target == v.Target && r.mode == l.Mode && r.promise == promise })
	if i < 0 {
		i = len(m.rows)
		for k, r := range m.rows { // rows of a mode stay together
			if r.target == v.Target && r.mode == l.Mode {
				i = k + 1
			}
		}
		m.rows = slices.Insert(m.rows, i, matrixRow{target: v.Target, mode: l.Mode, promise: promise, cells: map[string]*matrixCell{}})
	}
	cell := m.rows[i].cells[c.Fault]
	if cell == nil {
		cell = &matrixCell{result: c.Result, n: map[string]int{}}
		m.rows[i].cells[c.Fault] = cell
	}
	if severity(c.Result) > severity(cell.result) {
		cell.result = c.Result
	}
	lost, twice := damage(v, c)
	cell.lost, cell.twice = cell.lost+lost, cell.twice+twice
	seed := fmt.Sprintf("%s %d", v.Target, v.Seed)
	cell.n[seed] = max(cell.n[seed], c.N)
}

func (m matrix) alt() string {
	count := map[semantics.Result]int{}
	var broken []string
	for _, r := range m.rows {
		for _, f := range slices.Sorted(maps.Keys(r.cells)) {
			count[r.cells[f].result]++
			if r.cells[f].result == semantics.Broken {
				broken = append(broken, fmt.Sprintf("%s %s, %s under %s: %d lost, %d twice", r.target, r.mode, r.promise, f, r.cells[f].lost, r.cells[f].twice))
			}
		}
	}
	var parts []string
	for _, r := range slices.SortedFunc(maps.Keys(count), func(a, b semantics.Result) int { return cmp.Compare(severity(b), severity(a)) }) {
		parts = append(parts, fmt.Sprintf("%d cells %s", count[r], r))
	}
	return strings.Join(append(parts, broken...), "; ")
}

// ground and ink of a cell, and the edge that carries its result in grey print as well.
func looks(r semantics.Result) (ground, ink, edge Role) {
	switch r {
	case semantics.Kept:
		return KeptGround, Kept, KeptEdge
	case semantics.Broken:
		return BrokenGround, Broken, BrokenEdge
	case semantics.Inconclusive:
		return InconclusiveGround, Inconclusive, InconclusiveEdge
	case semantics.Observed:
		return ObservedGround, Observed, ObservedEdge
	default:
		return AbsentGround, Absent, AbsentEdge
	}
}

const cellGap = 2.0

// cellStyle is how a cell of some width is written.
func cellStyle(width float64) style {
	if width >= 84 {
		return style{size: 11, ink: Ink}
	}
	return style{size: 10, ink: Ink}
}

func (m matrix) plan(width float64) sketch {
	narrow := width < 600
	names, row := min(0.26*width, 230), 47.0
	if narrow {
		names, row = 0, 65
	}
	least := 54.0
	if narrow {
		least = 42
	}
	most := max(1, int((width-names)/least))
	blocks := (len(m.faults) + most - 1) / most
	per := (len(m.faults) + blocks - 1) / blocks
	each := min(120, (width-names)/float64(per))
	heads, head := each >= 54, cellStyle(each)
	lines := 1
	if heads {
		for _, f := range m.faults {
			lines = max(lines, len(wrap(f, head, each-4, 4)))
		}
	}
	targets := 0
	for i, r := range m.rows {
		if i == 0 || m.rows[i-1].target != r.target {
			targets++
		}
	}
	high := float64(lines)*12.5 + 8
	const target = 26.0
	block := high + row*float64(len(m.rows)) + target*float64(targets) + 14
	k := m.key(width)
	numbers := key{width: width}
	if !heads {
		for i, f := range m.faults {
			n := fmt.Sprint(i + 1)
			numbers.entries = append(numbers.entries, keyed{f, 16, func(s *sheet, p point) { s.text(noteStyle.as(Ink).anchored(atMiddle), p.x, p.y+4, n) }})
		}
	}
	return sketch{height: block*float64(blocks) + numbers.height() + k.height(), draw: func(s *sheet) {
		for b := range blocks {
			part := m.faults[b*per : min((b+1)*per, len(m.faults))]
			y := block * float64(b)
			for i, f := range part {
				x := names + (float64(i)+0.5)*each
				if !heads {
					s.text(noteStyle.as(Ink).anchored(atMiddle), x, y+high-6, fmt.Sprint(b*per+i+1))
					continue
				}
				ls := wrap(f, head, each-4, 4)
				for j, l := range ls {
					s.text(head.anchored(atMiddle), x, y+high-6-12.5*float64(len(ls)-1-j), l)
				}
			}
			y += high
			for i, r := range m.rows {
				if i == 0 || m.rows[i-1].target != r.target {
					s.text(nameStyle, 0, y+17, fit(r.target, nameStyle, width))
					y += target
				}
				m.row(s, r, part, y, names, each, row, narrow, width)
				y += row
			}
		}
		at := block * float64(blocks)
		numbers.draw(s, 0, at)
		k.draw(s, 0, at+numbers.height())
	}}
}

func (m matrix) row(s *sheet, r matrixRow, faults []string, y, names, each, row float64, narrow bool, width float64) {
	top := y
	bold := bodyStyle
	bold.bold = true
	if narrow {
		top = y + 18
		w := bold.width(r.mode) + 8
		s.text(bold, 0, y+13, fit(r.mode, bold, width))
		s.text(noteStyle, w, y+13, fit(r.promise, noteStyle, width-w))
	} else {
		if r.first {
			s.text(bold, 0, y+16, fit(r.mode, bold, names-8))
		}
		for i, l := range wrap(r.promise, noteStyle, names-8, 2) {
			base := y + 30 + 12*float64(i)
			if !r.first {
				base -= 12
			}
			s.text(noteStyle, 0, base, l)
		}
	}
	for i, f := range faults {
		if c := r.cells[f]; c != nil {
			c.draw(s, names+float64(i)*each, top, each-cellGap, y+row-top-cellGap)
		}
	}
}

func (c matrixCell) draw(s *sheet, x, y, w, h float64) {
	ground, ink, edge := looks(c.result)
	s.area(ground, x, y, w, h)
	if c.result == semantics.Broken {
		s.box(edge, 2, x, y, w, h)
	} else {
		s.area(edge, x, y, 3, h)
	}
	s.glyph(c.result, ink, point{x + w/2, y + 11})
	t := cellStyle(w).as(ink).anchored(atMiddle)
	var lines []string
	if said := c.counts(); said != "" {
		lines = append(lines, said)
	}
	if n := c.injections(); n > 0 && c.result == semantics.Kept {
		full := fmt.Sprintf("n=%d ≤%s", n, shareBound(n))
		if t.width(full) > w-6 {
			full = "≤" + shareBound(n)
		}
		lines = append(lines, full)
	}
	for i, l := range lines {
		s.text(t, x+w/2+1, y+27.5+11.5*float64(i), fit(l, t, w-5))
	}
}

// counts is what was lost and what came twice.
func (c matrixCell) counts() string {
	var parts []string
	if c.lost > 0 {
		parts = append(parts, "−"+shortCount(c.lost))
	}
	if c.twice > 0 {
		parts = append(parts, "+"+shortCount(c.twice))
	}
	return strings.Join(parts, " ")
}

func shortCount(n int64) string {
	if n < 10_000 {
		return fmt.Sprint(n)
	}
	return rateText(float64(n))
}

// shareBound is the bound that n injections without a violation give.
func shareBound(n int) string { return digits(round2(semantics.Bound(n)*100)) + "%" }

// round2 keeps two significant digits.
func round2(v float64) float64 {
	var out float64
	_, _ = fmt.Sscan(fmt.Sprintf("%.2g", v), &out) // what Sprintf writes, Sscan reads
	return out
}

// glyph tells results apart without colour.
func (s *sheet) glyph(r semantics.Result, ink Role, p point) {
	switch r {
	case semantics.Kept:
		s.tick(ink, p, 4.5)
	case semantics.Broken:
		s.cross(ink, p, 4.5, 2.4)
	case semantics.Inconclusive:
		t := style{size: 13, bold: true, ink: ink, anchor: atMiddle}
		s.text(t, p.x, p.y+4.5, "?")
	case semantics.Observed:
		s.disc(ink, p, 4.5)
		s.disc(ObservedGround, p, 2.9)
	default:
		s.miss(ink, p, 5)
	}
}
