package results

import (
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"

	"waybill/harness/semantics"
)

// JUnit writes a verdict for machines that collect test results: a suite for the run and one a lane, a case a cell.
// Broken is a failure, inconclusive an error, n/a and observed are skipped: nothing that was not judged looks passed. Of a finding it
// says how to have it explained from dir, the run directory.
func JUnit(w io.Writer, v semantics.Verdict, dir string) error {
	all := junitSuites{Name: "waybill " + visible(v.Target)}
	all.add(runSuite(v))
	g := newGrid(v)
	for _, l := range v.Lanes {
		all.add(laneSuite(v, g, l, dir))
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("results: write JUnit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("results: write JUnit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Errors   int          `xml:"errors,attr"`
	Skipped  int          `xml:"skipped,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

func (a *junitSuites) add(s junitSuite) {
	a.Suites = append(a.Suites, s)
	a.Tests += s.Tests
	a.Failures += s.Failures
	a.Errors += s.Errors
	a.Skipped += s.Skipped
}

type junitSuite struct {
	Name       string           `xml:"name,attr"`
	Tests      int              `xml:"tests,attr"`
	Failures   int              `xml:"failures,attr"`
	Errors     int              `xml:"errors,attr"`
	Skipped    int              `xml:"skipped,attr"`
	Time       string           `xml:"time,attr"`
	Properties *junitProperties `xml:"properties"`
	Cases      []junitCase      `xml:"testcase"`
}

func (s *junitSuite) add(c junitCase) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

type junitProperties struct {
	All []junitProperty `xml:"property"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class   string        `xml:"classname,attr"`
	Name    string        `xml:"name,attr"`
	Time    string        `xml:"time,attr"`
	Failure *junitMessage `xml:"failure"`
	Error   *junitMessage `xml:"error"`
	Skipped *junitMessage `xml:"skipped"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitMessage struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// judged puts a result where collectors look for it.
func (c junitCase) judged(r semantics.Result, why, text string) junitCase {
	m := &junitMessage{Message: why, Type: visible(string(r)), Text: text}
	switch r {
	case semantics.Kept:
		c.Out = text
	case semantics.Broken:
		c.Failure = m
	case semantics.NotAffected, semantics.Observed:
		m.Message, m.Type = strings.TrimSuffix(visible(string(r))+": "+why, ": "), ""
		c.Skipped = m
	default: // inconclusive, and any word this version does not know
		c.Error = m
	}
	return c
}

// runSuite carries the verdict itself, so that a run without any cell still does not look green.
func runSuite(v semantics.Verdict) junitSuite {
	class := junitClass(v, "run")
	s := junitSuite{Name: class, Time: seconds(span(v)), Properties: &junitProperties{[]junitProperty{
		{"seed", fmt.Sprint(v.Seed)}, {"exitCode", fmt.Sprint(v.ExitCode)}, {"run", visible(v.Run)},
		{"profile", visible(v.Profile)}, {"segments", fmt.Sprint(v.Segments)}, {"events", fmt.Sprint(v.Events)},
	}}}
	why := headline(v)
	if v.CutShort != "" {
		why += "; cut short: " + visible(v.CutShort)
	}
	s.add(junitCase{Class: class, Name: "verdict", Time: seconds(span(v))}.judged(v.Result, why, summary(v)))
	for _, a := range v.Assumptions {
		r := semantics.Kept
		if !a.Held {
			r = semantics.Inconclusive
		}
		s.add(junitCase{Class: class, Name: "assumption: " + visible(a.Name), Time: "0"}.judged(r, visible(a.Why), visible(a.Why)))
	}
	for _, c := range v.Cuts {
		s.add(junitCase{Class: class, Name: "history whole: " + visible(c), Time: "0"}.judged(semantics.Inconclusive, "the segment ends early", ""))
	}
	return s
}

func laneSuite(v semantics.Verdict, g grid, l semantics.Lane, dir string) junitSuite {
	class := junitClass(v, visible(l.Name))
	s := junitSuite{Name: class, Time: seconds(span(v))}
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
			s.add(junitCase{Class: class, Time: seconds(lasted[col.number]),
				Name: fmt.Sprintf("%s %s under %d %s", r.stage, r.promise(), col.number, visible(col.fault)),
			}.judged(cell.Result, whyOf(v, cell), cellText(v, cell, dir)))
		}
		for _, e := range v.Episodes {
			if r, ok := e.Liveness[l.Name]; ok && e.Number == col.number {
				s.add(junitCase{Class: class, Time: seconds(e.End - e.Begin),
					Name: fmt.Sprintf("liveness after %d %s", e.Number, visible(e.Fault)),
				}.judged(r, visible(e.LiveWhy[l.Name]), livenessText(v, e, l.Name, dir)))
			}
		}
	}
	return s
}

func junitClass(v semantics.Verdict, last string) string {
	return strings.Join(append([]string{"waybill"}, nonEmpty(visible(v.Target), visible(v.Profile), last)...), ".")
}

// cellText is everything known of a cell, a line each.
func cellText(v semantics.Verdict, c semantics.Cell, dir string) string {
	var lines []string
	if c.N > 0 {
		lines = append(lines, firstLine(c))
	}
	for _, e := range c.Exposure {
		lines = append(lines, fmt.Sprintf("exposure: %s: %s seen, %s needed", visible(e.What), count(e.Seen), count(e.Need)))
	}
	for _, n := range counted(c) {
		lines = append(lines, fmt.Sprintf("%s: %s", visible(n.what), count(n.n)))
	}
	for _, f := range findingsOf(v, c) {
		lines = append(lines, findingLines(f, dir)...)
	}
	return strings.Join(lines, "\n")
}

// findingLines is a finding, its messages, and how to have it explained.
func findingLines(f semantics.Finding, dir string) []string {
	lines := []string{fmt.Sprintf("finding #%d: %s ×%s %s", f.ID, visible(f.Anomaly), count(f.Count), visible(f.Detail))}
	for _, tok := range f.Tokens {
		lines = append(lines, "  "+visible(tok))
	}
	return append(lines, "  explain: "+visible(ExplainCommand(dir, f.ID)))
}

// livenessText is why a lane's liveness is as it is, and the finding that broke it: one that is in no cell.
func livenessText(v semantics.Verdict, e semantics.Episode, lane, dir string) string {
	lines := []string{visible(e.LiveWhy[lane])}
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
