package page

import (
	"fmt"

	"waybill/harness/semantics"
	"waybill/results/bench"
)

// orderTable says when each arm ran: arms down, blocks across, in each cell its place.
type orderTable struct {
	Blocks []int
	Rows   []orderRow
}

type orderRow struct {
	Arm   string
	Cells []orderCell
}

type orderCell struct {
	Place  int // 0: it did not run
	Broken bool
	Says   string
}

func newOrderTable(p bench.Plan, rs []bench.Replicate) orderTable {
	var t orderTable
	type at struct {
		arm   string
		block int
	}
	ran := map[at]bench.Replicate{}
	for _, r := range rs {
		ran[at{r.Arm, r.Block}] = r
	}
	for b := range p.Blocks {
		t.Blocks = append(t.Blocks, b+1)
	}
	for _, a := range p.Arms {
		row := orderRow{Arm: a.Name}
		for _, b := range t.Blocks {
			r, ok := ran[at{a.Name, b}]
			if !ok {
				row.Cells = append(row.Cells, orderCell{Says: "did not run"})
				continue
			}
			row.Cells = append(row.Cells, orderCell{Place: r.Place, Broken: r.Verdict.Result == semantics.Broken,
				Says: fmt.Sprintf("run %s, %s", r.Run, r.Started.UTC().Format("15:04:05"))})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// troubleRow is what one replicate asks its reader to know.
type troubleRow struct {
	Arm     string
	Block   int
	Run     string
	Trouble []string
}

func newTroubleRows(rs []bench.Replicate) (rows []troubleRow) {
	for _, r := range rs {
		said := append([]string(nil), r.Trouble...)
		if r.Verdict.Result == semantics.Broken || r.Verdict.Result == semantics.Inconclusive {
			said = append(append(said, string(r.Verdict.Result)+": "+r.Verdict.Why), r.Verdict.Findings...)
		}
		if len(said) > 0 {
			rows = append(rows, troubleRow{r.Arm, r.Block, r.Run, said})
		}
	}
	return rows
}
