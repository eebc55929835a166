package page

import (
	"fmt"
	"slices"

	"waybill/results/bench"
	"waybill/results/look"
)

// goodputTable holds the saturations of several benchmarks side by side.
type goodputTable struct {
	Subjects []string
	Rows     []goodputRow
}

type goodputRow struct {
	Mode, Guarantee string
	Cells           []goodputCell
}

type goodputCell struct {
	Goodput value
	Ratio   value // to the weakest of its target, within its benchmark
	Mark    mark
}

func newGoodputTable(all []subject) (t goodputTable) {
	var names []string
	for _, s := range all {
		if s.Bench == nil {
			continue
		}
		t.Subjects = append(t.Subjects, s.Name)
		for _, l := range s.Bench.Summary.Levels {
			if name := l.Arm.Target + "/" + l.Arm.Mode; !slices.Contains(names, name) {
				names = append(names, name)
				t.Rows = append(t.Rows, goodputRow{Mode: name, Guarantee: l.Place.Guarantee})
			}
		}
	}
	for i := range t.Rows {
		for _, s := range all {
			if s.Bench == nil {
				continue
			}
			t.Rows[i].Cells = append(t.Rows[i].Cells, newGoodputCell(*s.Bench, names[i]))
		}
	}
	return t
}

func newGoodputCell(m Measured, name string) (c goodputCell) {
	for _, l := range m.Summary.Levels {
		if l.Arm.Target+"/"+l.Arm.Mode != name {
			continue
		}
		why := ""
		if l.Struck {
			why = "a run of it broke a promise"
		}
		c.Goodput, c.Mark = newValue(l.Goodput, look.Rate).struck(why), newMark(l.Mark, "")
		for _, r := range m.Summary.Ratios {
			if r.About == bench.OfModes && r.Over == l.Arm.Name {
				if c.Ratio = newValue(r.Ratio, ratio); r.Struck {
					c.Ratio = c.Ratio.struck("one of the two broke a promise")
				}
			}
		}
	}
	return c
}

// goodput is the figure of a comparison of which more is better; of all others less is.
const goodput = "goodput"

// againstRow is a figure of an arm against the same of the baseline.
type againstRow struct {
	Subject, Name, Figure string
	Was, Is, Ratio        value
	Holm                  string
	Class                 string // "worse", "better"; "": nothing is claimed
	Says                  string
}

func newAgainstRows(all []subject) (rows []againstRow) {
	for _, s := range all {
		if s.Bench == nil || s.Bench.Compared == nil {
			continue
		}
		for _, x := range s.Bench.Compared.Against {
			rows = append(rows, newAgainstRow(s.Name, x))
		}
	}
	return rows
}

func newAgainstRow(subject string, x bench.Against) againstRow {
	write := micros
	if x.Figure == goodput {
		write = look.Rate
	}
	row := newRatioRow(x.Ratio)
	a := againstRow{Subject: subject, Name: x.Over, Figure: x.Figure, Was: newValue(x.Baseline, write), Is: newValue(x.New, write), Ratio: row.Ratio, Holm: row.Holm}
	i := x.Ratio.Ratio
	by := fmt.Sprintf("%s %s, n=%d", percentChange(i.Estimate), percentRange(i), i.N)
	more := i.Estimate > 1
	switch {
	case x.Unlike != "":
		a.Says = "not compared: " + x.Unlike
	case x.Struck:
		a.Says = "not compared: a run broke its promise"
	case !x.Claims:
		a.Says = "no difference claimed, " + by
	case more == (x.Figure == goodput):
		a.Class, a.Says = "better", by
	default:
		a.Class, a.Says = "worse", by
	}
	return a
}

func percentRange(i bench.Interval) string {
	if !i.Enough {
		return "(" + percentChange(i.Low) + " to " + percentChange(i.High) + ", too few for an interval)"
	}
	return "[" + percentChange(i.Low) + ", " + percentChange(i.High) + "]"
}

// alteration is something that is not the same in a benchmark and its baseline, and may or may not move figures.
type alteration struct {
	Subject string
	bench.Change
}

func alterations(s subject) (as []alteration) {
	for _, c := range s.Bench.Compared.Changes {
		as = append(as, alteration{s.Name, c})
	}
	return as
}
