package page

import (
	"embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"

	"waybill/results"
	"waybill/results/bench"
	"waybill/results/look"
)

//go:embed html/*.html
var files embed.FS

func parsed(name string) *template.Template {
	return template.Must(look.New(name).ParseFS(files, "html/*.html")).Lookup(name)
}

var benchTemplate = parsed("bench.html")

// Bench is what the page of a benchmark is drawn from.
type Bench struct {
	Dir        string // its directory, as a person names it; links to tests lead from there
	Summary    bench.Summary
	Replicates []bench.Replicate
	Manifest   results.Manifest
	Beside     []string // files beside the page that it links, by their paths from there
}

// WriteBench writes report.html of a benchmark. A figure that cannot be drawn is left out, and the page says so.
func WriteBench(w io.Writer, b Bench) error {
	p, err := newBenchPage(b)
	if err != nil {
		return err
	}
	if err := benchTemplate.Execute(w, p); err != nil {
		return fmt.Errorf("page: draw the report of a benchmark: %w", err)
	}
	return nil
}

// benchPage is everything the report of a benchmark shows.
type benchPage struct {
	Head     look.Head
	Class    string // of the header
	Headline string
	Said     string // what was measured, in a sentence
	Plan     bench.Plan
	M        results.Manifest
	Took     string
	Grave    []string
	Doubts   []string
	Limits   []string
	Levels   levelTable
	Loads    []loadRow
	Points   []pointRow
	Harness  []ratioRow
	Itself   []ratioRow
	Noise    []bench.Noise
	Ceiling  []ceilingRow
	Marks    markTable
	Warm     []warmGroup
	Order    orderTable
	Trouble  []troubleRow
	Figures  figures
	Repeat   string // measures it again
	Redraw   string // draws it again
	Data     template.URL
	Beside   []string
}

func newBenchPage(b Bench) (benchPage, error) {
	s := b.Summary
	data, err := download(s)
	if err != nil {
		return benchPage{}, err
	}
	p := benchPage{
		Plan: s.Plan, M: b.Manifest, Headline: "What a guarantee costs: " + strings.Join(titles(s.Plan), ", "), Said: sentence(s.Plan, b.Manifest),
		Limits: limits(s.Plan, b.Manifest), Levels: newLevelTable(b), Loads: newLoadRows(s), Points: newPointRows(s),
		Noise: s.Smallest, Ceiling: newCeilingRows(s.Ceiling), Marks: newMarkTable(b), Warm: newWarmGroups(s.Plan, b.Replicates),
		Order: newOrderTable(s.Plan, b.Replicates), Trouble: newTroubleRows(b.Replicates), Figures: newFigures(b),
		Repeat: b.Manifest.Repeat(), Redraw: results.Command("waybill", "report", b.Dir), Data: data, Beside: b.Beside,
	}
	p.Head = look.NewHead(p.Headline)
	for _, w := range s.Warnings {
		if w.Grave {
			p.Grave = append(p.Grave, w.Text)
		} else {
			p.Doubts = append(p.Doubts, w.Text)
		}
	}
	p.Doubts = append(p.Doubts, p.Figures.failed...)
	for _, r := range s.Ratios {
		switch r.About {
		case bench.OfHarness:
			p.Harness = append(p.Harness, newRatioRow(r))
		case bench.OfItself:
			p.Itself = append(p.Itself, newRatioRow(r))
		}
	}
	p.Class = classOf(s)
	if !b.Manifest.Ended.IsZero() {
		p.Took = b.Manifest.Ended.Sub(b.Manifest.Started).Round(time.Second).String()
	}
	return p, nil
}

// classOf is the class of a benchmark's header: what broke, and what may not be relied on, is seen first.
func classOf(s bench.Summary) string {
	switch {
	case slices.ContainsFunc(s.Levels, func(l bench.Level) bool { return l.Struck || l.Mark.Broken }):
		return "broken"
	case s.Plan.Quick || slices.ContainsFunc(s.Warnings, func(w bench.Warning) bool { return w.Grave }):
		return "inconclusive"
	default:
		return "kept"
	}
}

// titles are the products of a plan with their versions.
func titles(p bench.Plan) (names []string) {
	for _, t := range p.Targets {
		title := t.Title
		if title == "" {
			title = t.Name
		}
		names = append(names, strings.TrimSpace(title+" "+t.Version))
	}
	return names
}

// sentence says what was measured, on what, and how often.
func sentence(p bench.Plan, m results.Manifest) string {
	modes := 0
	for _, t := range p.Targets {
		modes += len(t.Modes)
	}
	text := fmt.Sprintf("%s of %s on one machine (%s), in %s of shuffled order; a replicate is a run on a fresh queue with fresh clients, measured for %v after its warm-up and audited.",
		look.Plural(int64(modes), "mode"), strings.Join(titles(p), ", "), machine(m.Host), look.Plural(int64(p.Blocks), "block"), p.Measure)
	if p.Quick {
		text += " This was a quick look: too few blocks for an interval, so ranges are printed in their place and nothing is claimed."
	}
	return text
}

func machine(h results.Host) string {
	parts := []string{look.Plural(int64(h.Cores), "core")}
	if h.CPU != "" {
		parts = append(parts, h.CPU)
	}
	return strings.Join(append(parts, look.Bytes(h.Memory), strings.TrimSpace(h.OS+" "+h.Kernel)), ", ")
}

// limits are what no figure of a page may be taken for.
func limits(p bench.Plan, m results.Manifest) []string {
	nodes := 0
	for _, t := range p.Targets {
		nodes = max(nodes, t.Nodes)
	}
	return []string{
		fmt.Sprintf("Brokers, clients and harness shared %s. Compare ratios of one page; rates and latencies of another machine will be others.", look.Plural(int64(m.Host.Cores), "core")),
		fmt.Sprintf("The %s of a cluster were processes of this machine: a network between them was the kernel's, and their disks were one disk.", look.Plural(int64(nodes), "broker")),
		"Goodput counts unique messages applied: a message applied twice counts once, and figures of a run whose promise broke are struck out.",
		"Survives says what the vendor promises for an acknowledged message; the verdict says what was tested.",
	}
}
