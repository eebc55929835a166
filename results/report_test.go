package results

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/golden"
	"waybill/harness/semantics"
	"waybill/results/look"
	"waybill/results/story"
)

// rendered draws a report without writing it.
func rendered(t *testing.T, v semantics.Verdict, tl Timeline, exp experiment.Experiment, sched experiment.Schedule, m Manifest) []byte {
	t.Helper()
	p := newPage("results/runs/nats/20261121T081500Z-42", v, tl, exp, sched, m)
	p.Plots = []string{"plots/timeline-light.svg"}
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// walk reads a page as strictly as XML: what is not balanced or not quoted is an error.
func walk(t *testing.T, page []byte, visit func(xml.Token)) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		visit(tok)
	}
}

// scripts are the texts of a page's scripts, which must be ours alone.
func scripts(t *testing.T, page []byte) (texts []string) {
	within := false
	walk(t, page, func(tok xml.Token) {
		switch tok := tok.(type) {
		case xml.StartElement:
			if within = tok.Name.Local == "script"; within {
				texts = append(texts, "")
			}
		case xml.EndElement:
			within = false
		case xml.CharData:
			if within {
				texts[len(texts)-1] += string(tok)
			}
		}
	})
	return texts
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// outline is the structure of a page: headings with their words, tables, cells by class, figures.
func outline(t *testing.T, page []byte) string {
	t.Helper()
	var b strings.Builder
	heading := ""
	var words strings.Builder
	counts := map[string]int{}
	flush := func() {
		var names []string
		for n := range counts {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			fmt.Fprintf(&b, "    %d × %s\n", counts[n], n)
		}
		clear(counts)
	}
	walk(t, page, func(tok xml.Token) {
		switch tok := tok.(type) {
		case xml.StartElement:
			switch n := tok.Name.Local; n {
			case "h1", "h2", "h3":
				flush()
				heading = n
				words.Reset()
			case "tr", "td", "svg", "figure", "details", "dt", "li", "pre", "div", "a":
				if c := attr(tok, "class"); c != "" {
					n += "." + c
				}
				counts[n]++
			}
		case xml.EndElement:
			if n := tok.Name.Local; n == heading {
				fmt.Fprintf(&b, "%s %s\n", n, strings.Join(strings.Fields(words.String()), " "))
				heading = ""
			}
		case xml.CharData:
			if heading != "" {
				words.Write(tok)
			}
		}
	})
	flush()
	return b.String()
}

func TestReportStructureGolden(t *testing.T) {
	page := rendered(t, sampleVerdict(), sampleTimeline(t), sampleExperiment(), sampleSchedule(), sampleManifest())
	golden.Compare(t, "report-outline.txt", []byte(outline(t, page)))
}

func TestTheReportSaysWhatARunMust(t *testing.T) {
	page := string(rendered(t, sampleVerdict(), sampleTimeline(t), sampleExperiment(), sampleSchedule(), sampleManifest()))
	for _, want := range []string{
		"bin/waybill test --target nats --seed 42", "waybill audit results/runs/nats/20261121T081500Z-42",
		sampleVerdict().Findings[0].Tokens[0], "grep -rlaF", "n=1 ≤95%", "Core NATS offers an at-most-once quality of service.",
		"message id, duplicate window 2 min", "2s ≠", "machine not starved", "not exercised: no dedup hit in the window", "cut-clients",
		"271 dedup answers", "412 redeliveries", "0123456789abcdef",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
}

func TestTheReportLoadsNothing(t *testing.T) {
	page := rendered(t, sampleVerdict(), sampleTimeline(t), sampleExperiment(), sampleSchedule(), sampleManifest())
	walk(t, page, func(tok xml.Token) {
		e, ok := tok.(xml.StartElement)
		if !ok {
			return
		}
		switch e.Name.Local {
		case "img", "iframe", "object", "embed", "audio", "video", "base":
			t.Errorf("the page has a %s", e.Name.Local)
		case "link":
			if h := attr(e, "href"); !strings.HasPrefix(h, "data:") {
				t.Errorf("the page links %s", h)
			}
		}
		if s := attr(e, "src"); s != "" {
			t.Errorf("%s loads %s", e.Name.Local, s)
		}
	})
	if got := scripts(t, page); !slices.Equal(got, []string{string(look.Script())}) {
		t.Errorf("the page has the scripts %q, want ours", got)
	}
	for _, bad := range []string{"@import", "url(h", "url(/", "ZgotmplZ"} {
		if bytes.Contains(page, []byte(bad)) {
			t.Errorf("the page holds %q", bad)
		}
	}
}

func TestAnEmptyRunStillHasAReport(t *testing.T) {
	d := sampleDir(t)
	v := semantics.Verdict{Schema: semantics.VerdictSchema, Result: semantics.Inconclusive, ExitCode: 2, CutShort: "interrupted"}
	if err := WriteReport(d, v, Timeline{}, experiment.Experiment{}, experiment.Schedule{}, Manifest{}, story.Telling{}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(d.Report())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"No promise was judged", "The run was cut short: interrupted", "too little to draw"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report does not say %q", want)
		}
	}
	walk(t, page, func(xml.Token) {})
}

func TestReportAndPlotsAreWritten(t *testing.T) {
	d := sampleDir(t)
	if err := WriteReport(d, sampleVerdict(), sampleTimeline(t), sampleExperiment(), sampleSchedule(), sampleManifest(), story.Telling{}); err != nil {
		t.Fatal(err)
	}
	magic := map[string]string{"timeline-light.svg": "<?xml", "latency-dark.svg": "<?xml", "timeline-dark.png": "\x89PNG", "latency-light.png": "\x89PNG", "faults-light.svg": "<?xml", "unavailability-nats-light.svg": "<?xml"}
	for name, want := range magic {
		b, err := os.ReadFile(d.Path(plotsDir, name))
		if err != nil || !bytes.HasPrefix(b, []byte(want)) {
			t.Errorf("%s: %v, begins %.8q", name, err, b)
		}
	}
	page, err := os.ReadFile(d.Report())
	if err != nil || !bytes.Contains(page, []byte(`href="plots/timeline-light.png"`)) {
		t.Errorf("the report does not link the plots: %v", err)
	}
}

func TestAPlotThatFailsLeavesReportAndOtherPlots(t *testing.T) {
	d := sampleDir(t)
	// A folder where the file should go: it cannot be replaced.
	if err := os.MkdirAll(d.Path(plotsDir, "timeline-light.svg", "x"), 0o755); err != nil {
		t.Fatal(err)
	}
	err := WriteReport(d, sampleVerdict(), sampleTimeline(t), sampleExperiment(), sampleSchedule(), sampleManifest(), story.Telling{})
	if err == nil || !strings.Contains(err.Error(), "timeline-light.svg") {
		t.Errorf("error %v: want one that names the plot", err)
	}
	for _, path := range []string{d.Report(), d.Path(plotsDir, "latency-light.svg"), d.Path(plotsDir, "timeline-light.png"), d.Path(plotsDir, "latency-dark.png")} {
		if info, err := os.Stat(path); err != nil || info.Size() == 0 {
			t.Errorf("%s is not written: %v", path, err)
		}
	}
}

func sampleDir(t *testing.T) Dir {
	t.Helper()
	d, err := NewDir(t.TempDir(), "nats", sampleStart, 42)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
