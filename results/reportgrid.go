package results

import (
	"slices"
	"strings"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

// pageGrid is the grid, or some columns of it, with every row filled to the columns.
type pageGrid struct {
	Columns []pageColumn
	Lanes   []pageLane
}

// MaxWidth keeps the cells of a short schedule from growing as wide as the page, in CSS pixels.
func (g pageGrid) MaxWidth() int { return 160 + 220*len(g.Columns) }

// Span is the number of columns of the table, the row heads included.
func (g pageGrid) Span() int { return len(g.Columns) + 1 }

type pageColumn struct {
	Number int
	Fault  string
}

type pageLane struct {
	Lane, Mode, Summary string
	Rows                []pageRow
	Liveness            []liveCell
}

type pageRow struct {
	Lane, Stage, Promise string
	Cells                []pageCell
}

type pageCell struct {
	semantics.Cell
	None  bool // no such cell
	Right bool // in the right half: what opens, opens leftwards
	First string
	Found []semantics.Finding
}

type liveCell struct {
	Number int
	Fault  string
	None   bool
	Result semantics.Result
	Why    string
}

// widestGrid is how many columns fit a page with all their words.
const widestGrid = 8

// newPageGrids is the matrix in as many tables as its columns need, about equally wide; none when nothing was judged.
func newPageGrids(v semantics.Verdict, exp experiment.Experiment) []pageGrid {
	g := newGrid(v)
	if len(g.rows) == 0 || len(g.columns) == 0 {
		return nil
	}
	tables := (len(g.columns) + widestGrid - 1) / widestGrid
	var out []pageGrid
	for columns := range slices.Chunk(g.columns, (len(g.columns)+tables-1)/tables) {
		part := g
		part.columns = columns
		out = append(out, newPageGrid(part, v, exp))
	}
	return out
}

func newPageGrid(g grid, v semantics.Verdict, exp experiment.Experiment) pageGrid {
	var pg pageGrid
	for _, c := range g.columns {
		pg.Columns = append(pg.Columns, pageColumn{c.number, c.fault})
	}
	for i, r := range g.rows {
		if i == 0 || g.rows[i-1].lane != r.lane {
			l := pageLane{Lane: r.lane, Mode: r.mode}
			for _, el := range exp.Lanes {
				if el.Name == r.lane {
					l.Summary = el.Mode.Summary
				}
			}
			for _, c := range g.columns {
				l.Liveness = append(l.Liveness, liveOf(v, c.number, r.lane))
			}
			pg.Lanes = append(pg.Lanes, l)
		}
		row := pageRow{Lane: r.lane, Stage: r.stage.String(), Promise: r.promise()}
		for k, c := range g.columns {
			cell, ok := r.cells[c.number]
			row.Cells = append(row.Cells, pageCell{Cell: cell, None: !ok, Right: 2*k >= len(g.columns), First: cellNote(cell), Found: findingsOf(v, cell)})
		}
		last := &pg.Lanes[len(pg.Lanes)-1]
		last.Rows = append(last.Rows, row)
	}
	return pg
}

// cellNote is what a closed cell says beside its result.
func cellNote(c semantics.Cell) string {
	_, note, _ := strings.Cut(firstLine(c), " ")
	return note
}

func liveOf(v semantics.Verdict, episode int, lane string) liveCell {
	for _, e := range v.Episodes {
		if e.Number == episode {
			r, ok := e.Liveness[lane]
			return liveCell{Number: e.Number, Fault: e.Fault, None: !ok, Result: r, Why: e.LiveWhy[lane]}
		}
	}
	return liveCell{Number: episode, None: true}
}
