package page

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/look"
	"waybill/results/plot"
)

var compareTemplate = parsed("compare.html")

// ErrNothing marks a comparison of nothing.
var ErrNothing = errors.New("nothing to compare")

// Run is a test run as a comparison gets it.
type Run struct {
	Dir        string // its directory, as a person names it
	Link       string // address of its report from the page; "" when it has none
	Baseline   bool   // the others are held against it
	Verdict    semantics.Verdict
	Experiment experiment.Experiment
	Manifest   results.Manifest
	Silences   []plot.Silence // whose Target is not looked at
}

// Measured is a benchmark as a comparison gets it.
type Measured struct {
	Dir      string
	Link     string
	Baseline bool
	Summary  bench.Summary
	Manifest results.Manifest
	Compared *bench.Comparison // with the baseline; nil: there is none, or this is it
}

// Comparison is several test runs and benchmarks side by side, in any mixture.
type Comparison struct {
	Runs    []Run
	Benches []Measured
	Repeat  string // the command that draws it again
}

// WriteComparison writes the page. An error wraps ErrNothing when neither runs nor benchmarks are given.
func WriteComparison(w io.Writer, c Comparison) error {
	if len(c.Runs)+len(c.Benches) == 0 {
		return fmt.Errorf("page: %w: want run directories or bench directories", ErrNothing)
	}
	if err := compareTemplate.Execute(w, newComparePage(c)); err != nil {
		return fmt.Errorf("page: draw the comparison: %w", err)
	}
	return nil
}

// comparePage is everything the comparison shows.
type comparePage struct {
	Head     look.Head
	Class    string
	Headline string
	Said     string
	Subjects []subject
	Differs  []difference
	Same     []string // what is the same in all
	Changes  []change
	Baseline bool
	Matrices []matrix
	Silence  []silenceRow
	Goodput  goodputTable
	Against  []againstRow
	Altered  []alteration
	Doubts   []bench.Warning
	Figures  []look.Figure // new against baseline
	Silences []look.Figure
	Failed   []string
	Repeat   string
}

func newComparePage(c Comparison) comparePage {
	p := comparePage{Subjects: subjects(c), Repeat: c.Repeat}
	var names []string
	for _, s := range p.Subjects {
		names = append(names, s.Name)
		p.Baseline = p.Baseline || s.Baseline
	}
	p.Headline = strings.Join(names, " · ")
	if p.Baseline {
		var fresh, base []string
		for _, s := range p.Subjects {
			if s.Baseline {
				base = append(base, s.Name)
			} else {
				fresh = append(fresh, s.Name)
			}
		}
		p.Headline = strings.Join(fresh, " · ") + " against " + strings.Join(base, " · ")
	}
	p.Head = look.NewHead("Comparison: " + p.Headline)
	p.Differs, p.Same = differences(p.Subjects)
	p.Matrices, p.Changes = matrices(p.Subjects)
	p.Silence = newSilenceRows(p.Subjects)
	p.Goodput, p.Against = newGoodputTable(p.Subjects), newAgainstRows(p.Subjects)
	for _, a := range p.Against {
		if a.Class != "" {
			p.Changes = append(p.Changes, change{Class: a.Class, Text: a.Subject + ", " + a.Name + ", " + a.Figure + ": " + a.Says})
		}
	}
	for _, s := range p.Subjects {
		if s.Bench != nil && s.Bench.Compared != nil {
			p.Altered = append(p.Altered, alterations(s)...)
			p.Doubts = append(p.Doubts, s.Bench.Compared.Warnings...)
		}
	}
	p.Class = p.worst()
	p.Said = said(len(c.Runs), len(c.Benches), len(p.Subjects))
	if p.Baseline {
		p.Said += " " + p.answer()
	}
	p.draw()
	return p
}

func said(runs, benches, subjects int) string {
	var parts []string
	for _, x := range []struct {
		n    int
		what string
	}{{runs, "test run"}, {benches, "benchmark"}} {
		if x.n > 0 {
			parts = append(parts, look.Plural(int64(x.n), x.what))
		}
	}
	text := strings.Join(parts, " and ")
	if subjects < runs+benches {
		text += ", of " + look.Plural(int64(subjects), "setting")
	}
	return text + "."
}

// answer says in a sentence what changed against the baseline.
func (p comparePage) answer() string {
	worse, better := 0, 0
	for _, c := range p.Changes {
		switch c.Class {
		case "worse":
			worse++
		case "better":
			better++
		}
	}
	switch {
	case worse+better > 0:
		return fmt.Sprintf("Against the baseline %d worse, %d better.", worse, better)
	case slices.ContainsFunc(p.Doubts, func(w bench.Warning) bool { return w.Grave }):
		return "Against the baseline no change can be claimed: read the doubts first."
	default:
		return "Against the baseline nothing changed that can be claimed."
	}
}

// worst is the class of the header: that of the worst change where there is a baseline, else of the worst verdict. What is in grave doubt is
// never shown as kept.
func (p comparePage) worst() string {
	class := "kept"
	if slices.ContainsFunc(p.Doubts, func(w bench.Warning) bool { return w.Grave }) {
		class = "inconclusive"
	}
	if p.Baseline {
		for _, c := range p.Changes {
			if c.Class == "worse" {
				return "broken"
			}
		}
		return class
	}
	for _, s := range p.Subjects {
		if s.Bench != nil {
			of := classOf(s.Bench.Summary)
			if of == "broken" {
				return of
			}
			if of != "kept" {
				class = of
			}
		}
		for _, r := range s.Runs {
			switch {
			case r.Verdict.Result == semantics.Broken:
				return "broken"
			case r.Verdict.Result != semantics.Kept:
				class = "inconclusive"
			}
		}
	}
	return class
}

// draw adds the figures: promises against faults of each subject, unavailability, and new against baseline.
func (p *comparePage) draw() {
	add := adding(&p.Failed)
	var silences []plot.Silence
	for _, s := range p.Subjects {
		silences = append(silences, s.silences()...)
		if s.Bench == nil || s.Bench.Compared == nil {
			continue
		}
		with := s.Bench.Summary
		with.Ratios = nil
		for _, a := range s.Bench.Compared.Against {
			if a.Figure == goodput {
				with.Ratios = append(with.Ratios, a.Ratio)
			}
		}
		add(&p.Figures)(plot.Against(with))
	}
	for _, f := range plot.Silences(silences) {
		add(&p.Silences)(f, true)
	}
}
