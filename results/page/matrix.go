package page

import (
	"fmt"
	"slices"

	"waybill/harness/semantics"
	"waybill/results"
)

// matrix is what faults did to promises in all runs of one product: modes and promises down, and below each its subjects.
type matrix struct {
	Target string
	Faults []string
	Rows   []matrixRow
}

type matrixRow struct {
	Mode, Promise string
	First         bool // of its mode and promise
	Span          int  // rows of it
	Subject       string
	Baseline      bool
	Cells         []matrixCell
}

type matrixCell struct {
	results.AcrossCell
	Was string // class of the change against the baseline: "worse", "better" or none
	Old semantics.Result
}

// Worst is the result that counts.
func (c matrixCell) Worst() semantics.Result {
	if len(c.Results) == 0 {
		return ""
	}
	return c.Results[0].Result
}

// change is something that is not as in the baseline.
type change struct {
	Class string // "worse", "better" or "other"
	Text  string
}

// matrices are those of all products, in the order of the subjects, with what changed against the baseline.
func matrices(all []subject) (ms []matrix, changes []change) {
	var targets []string
	for _, s := range all {
		if len(s.Runs) > 0 && !slices.Contains(targets, s.Runs[0].Verdict.Target) {
			targets = append(targets, s.Runs[0].Verdict.Target)
		}
	}
	for _, t := range targets {
		m, cs := newMatrix(t, all)
		ms, changes = append(ms, m), append(changes, cs...)
	}
	return ms, changes
}

// promiseKey is what a row of a matrix is about.
type promiseKey struct {
	mode, promise string
	stage         semantics.Stage
}

func newMatrix(target string, all []subject) (m matrix, changes []change) {
	m.Target = target
	var of []subject
	var across []results.Across
	var keys []promiseKey
	for _, s := range all {
		if len(s.Runs) == 0 || s.Runs[0].Verdict.Target != target {
			continue
		}
		var vs []semantics.Verdict
		for _, r := range s.Runs {
			vs = append(vs, r.Verdict)
		}
		a := results.NewAcross(vs)
		of, across = append(of, s), append(across, a)
		for _, f := range a.Faults {
			if !slices.Contains(m.Faults, f) {
				m.Faults = append(m.Faults, f)
			}
		}
		for _, r := range a.Rows {
			if k := (promiseKey{r.Mode, r.Promise, r.Stage}); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	slices.Sort(m.Faults)
	for _, k := range keys {
		var rows []matrixRow
		var base []matrixCell
		for i, s := range of {
			cells, ok := cellsOf(across[i], k, m.Faults)
			if !ok {
				continue
			}
			rows = append(rows, matrixRow{Mode: k.mode, Promise: fmt.Sprintf("%s %s", k.stage, k.promise), Subject: s.Name, Baseline: s.Baseline, Cells: cells})
			if s.Baseline && base == nil {
				base = cells
			}
		}
		for i := range rows {
			rows[i].First, rows[i].Span = i == 0, len(rows)
			if base != nil && !rows[i].Baseline {
				changes = append(changes, rows[i].against(base, m.Faults)...)
			}
		}
		m.Rows = append(m.Rows, rows...)
	}
	return m, changes
}

// cellsOf are the cells of one promise, in the order of the faults.
func cellsOf(a results.Across, k promiseKey, faults []string) (cells []matrixCell, ok bool) {
	for _, r := range a.Rows {
		if (promiseKey{r.Mode, r.Promise, r.Stage}) != k {
			continue
		}
		for _, f := range faults {
			var c matrixCell
			if at := slices.Index(a.Faults, f); at >= 0 {
				c.AcrossCell = r.Cells[at]
			}
			cells = append(cells, c)
		}
		return cells, true
	}
	return nil, false
}

// against marks the cells that did not come out as in the baseline.
func (r matrixRow) against(base []matrixCell, faults []string) (changes []change) {
	for i := range r.Cells {
		c := &r.Cells[i]
		was, is := base[i].Worst(), c.Worst()
		if was == is || was == "" || is == "" {
			continue
		}
		c.Old, c.Was = was, "other"
		switch {
		case is == semantics.Broken:
			c.Was = "worse"
		case was == semantics.Broken && is == semantics.Kept:
			c.Was = "better"
		}
		changes = append(changes, change{Class: c.Was, Text: fmt.Sprintf("%s, %s, %s under %s: was %s in %s, is %s in %s", r.Subject, r.Mode, r.Promise, faults[i],
			was, runs(base[i].AcrossCell), is, runs(c.AcrossCell))})
	}
	return changes
}

// runs says in how many runs the worst result came out, of how many.
func runs(c results.AcrossCell) string {
	all := 0
	for _, r := range c.Results {
		all += r.Runs
	}
	return fmt.Sprintf("%d of %d", c.Results[0].Runs, all)
}
