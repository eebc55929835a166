package results

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/junit"
	"waybill/results/look"
)

// JUnit writes a verdict for machines that collect test results: a suite for the run and one a lane, a case a cell.
// Broken is a failure, inconclusive an error, n/a and observed are skipped: nothing that was not judged looks passed. Of a finding it
// says how to have it explained from dir, the run directory.
func JUnit(w io.Writer, v semantics.Verdict, dir string) error {
	all := junit.Suites{Name: "waybill " + look.Visible(v.Target)}
	all.Add(runSuite(v))
	g := newGrid(v)
	for _, l := range v.Lanes {
		all.Add(laneSuite(v, g, l, dir))
	}
	return all.Write(w)
}

// runSuite carries the verdict itself, so that a run without any cell still does not look green.
func runSuite(v semantics.Verdict) junit.Suite {
	class := junitClass(v, "run")
	s := junit.Suite{Name: class, Time: seconds(span(v)), Properties: junit.Pairs(
		"seed", fmt.Sprint(v.Seed), "exitCode", fmt.Sprint(v.ExitCode), "run", look.Visible(v.Run),
		"profile", look.Visible(v.Profile), "segments", fmt.Sprint(v.Segments), "events", fmt.Sprint(v.Events),
	)}
	why := headline(v)
	if v.CutShort != "" {
		why += "; cut short: " + look.Visible(v.CutShort)
	}
	s.Add(junit.Case{Class: class, Name: "verdict", Time: seconds(span(v))}.Judged(v.Result, why, summary(v)))
	for _, a := range v.Assumptions {
		r := semantics.Kept
		if !a.Held {
			r = semantics.Inconclusive
		}
		s.Add(junit.Case{Class: class, Name: "assumption: " + look.Visible(a.Name), Time: "0"}.Judged(r, look.Visible(a.Why), look.Visible(a.Why)))
	}
	for _, c := range v.Cuts {
		s.Add(junit.Case{Class: class, Name: "history whole: " + look.Visible(c), Time: "0"}.Judged(semantics.Inconclusive, "the segment ends early", ""))
	}
	return s
}

func laneSuite(v semantics.Verdict, g grid, l semantics.Lane, dir string) junit.Suite {
	class := junitClass(v, look.Visible(l.Name))
	s := junit.Suite{Name: class, Time: seconds(span(v))}
	lasted := map[int]int64{}
	for _, e := range v.Episodes {
		lasted[e.Number] = e.End - e.Begin
	}
	for _, col := range g.columns {
		for _, r := range g.rows {
			cell, ok := r.cells[col.number]
			if !ok || r.lane != l.Name {
				continue
			}
			s.Add(junit.Case{Class: class, Time: seconds(lasted[col.number]),
				Name: fmt.Sprintf("%s %s under %d %s", r.stage, r.promise(), col.number, look.Visible(col.fault)),
			}.Judged(cell.Result, whyOf(v, cell), cellText(v, cell, dir)))
		}
		for _, e := range v.Episodes {
			if r, ok := e.Liveness[l.Name]; ok && e.Number == col.number {
				s.Add(junit.Case{Class: class, Time: seconds(e.End - e.Begin),
					Name: fmt.Sprintf("liveness after %d %s", e.Number, look.Visible(e.Fault)),
				}.Judged(r, look.Visible(e.LiveWhy[l.Name]), livenessText(v, e, l.Name, dir)))
			}
		}
	}
	return s
}

func junitClass(v semantics.Verdict, last string) string {
	return strings.Join(append([]string{"waybill"}, nonEmpty(look.Visible(v.Target), look.Visible(v.Profile), last)...), ".")
}

// cellText is everything known of a cell, a line each.
func cellText(v semantics.Verdict, c semantics.Cell, dir string) string {
	var lines []string
	if c.N > 0 {
		lines = append(lines, firstLine(c))
	}
	for _, e := range c.Exposure {
		lines = append(lines, fmt.Sprintf("exposure: %s: %s seen, %s needed", look.Visible(e.What), look.Count(e.Seen), look.Count(e.Need)))
	}
	for _, n := range counted(c) {
		lines = append(lines, fmt.Sprintf("%s: %s", look.Visible(n.what), look.Count(n.n)))
	}
	for _, f := range findingsOf(v, c) {
		lines = append(lines, findingLines(f, dir)...)
	}
	return strings.Join(lines, "\n")
}

// findingLines is a finding, its messages, and how to have it explained.
func findingLines(f semantics.Finding, dir string) []string {
	lines := []string{fmt.Sprintf("finding #%d: %s ×%s %s", f.ID, look.Visible(f.Anomaly), look.Count(f.Count), look.Visible(f.Detail))}
	for _, tok := range f.Tokens {
		lines = append(lines, "  "+look.Visible(tok))
	}
	return append(lines, "  explain: "+look.Visible(ExplainCommand(dir, f.ID)))
}

// livenessText is why a lane's liveness is as it is, and the finding that broke it: one that is in no cell.
func livenessText(v semantics.Verdict, e semantics.Episode, lane, dir string) string {
	lines := []string{look.Visible(e.LiveWhy[lane])}
	for _, f := range v.Findings {
		inCell := slices.ContainsFunc(v.Lanes, func(l semantics.Lane) bool {
			return slices.ContainsFunc(l.Cells, func(c semantics.Cell) bool { return slices.Contains(c.Findings, f.ID) })
		})
		if f.Breaks && f.Lane == lane && f.Episode == e.Number && !inCell {
			lines = append(lines, findingLines(f, dir)...)
		}
	}
	return strings.Join(lines, "\n")
}

// span is how long the episodes took together, in ticks.
func span(v semantics.Verdict) int64 {
	if len(v.Episodes) == 0 {
		return 0
	}
	return max(0, v.Episodes[len(v.Episodes)-1].End-v.Episodes[0].Begin)
}

func seconds(ticks int64) string { return fmt.Sprintf("%.3f", float64(max(0, ticks))/1e6) }
