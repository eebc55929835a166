package results

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results/look"
	"waybill/results/story"
)

//go:embed report/*.html
var reportFiles embed.FS

var reportTemplate = template.Must(look.New("report").Funcs(template.FuncMap{
	"word":    word,
	"counted": counted,
	"bounded": bounded,
	"why":     whyNot,
	"promise": story.PromiseWords,
	"since":   since,
	"instant": instant,
}).ParseFS(reportFiles, "report/*.html")).Lookup("page.html")

// WriteReport writes report.html, self-contained, and plots/*.svg and *.png below d. What is told of findings is shown beside them. The parts
// are independent: an error of one leaves the others written. No error of it changes a verdict; the caller prints it as a warning.
func WriteReport(d Dir, v semantics.Verdict, t Timeline, exp experiment.Experiment, sched experiment.Schedule, m Manifest, told story.Telling) error {
	plots, err := WritePlots(d, figures(v, t))
	p := newPage(d, v, t, exp, sched, m)
	p.Plots = plots
	p.tell(d, told)
	var b bytes.Buffer
	if e := reportTemplate.Execute(&b, p); e != nil {
		return errors.Join(err, fmt.Errorf("results: draw report: %w", e))
	}
	return errors.Join(err, writeFile(d.Report(), b.Bytes()))
}

// page is everything the report shows.
type page struct {
	Head       look.Head
	Headline   string
	Summary    string
	Exit       string
	V          semantics.Verdict
	Exp        experiment.Experiment
	M          Manifest
	Dir        string
	Repeat     string
	Audit      string
	Length     string
	Grids      []pageGrid
	Why        []whyList
	Troubles   []string
	Maintainer []answer
	Author     []answer
	Flows      []flow
	Charts     []look.Figure
	Schedule   []pageEpisode
	LeftOut    []string
	Refused    []pageRefused
	Findings   []pageFinding
	Stories    []story.Story // of messages of findings
	Explain    string        // the command that tells any other
	Settings   []setting
	Plots      []string
	BoundNote  string
	LivenessOf []string // lanes, in the order of pageEpisode.Liveness
	Grep       string   // empty: no finding names a message
	Promises   []pagePromise
}

type whyList struct {
	Title   string
	Result  semantics.Result
	Reasons []reason
}

func newPage(d Dir, v semantics.Verdict, t Timeline, exp experiment.Experiment, sched experiment.Schedule, m Manifest) page {
	p := page{
		Head: look.NewHead(fmt.Sprintf("%s %s: %s", v.Target, v.Profile, headline(v))),
		V:    v, Exp: exp, M: m, Dir: string(d),
		Headline: headline(v), Summary: summary(v), Exit: exitMeaning(v.ExitCode),
		Repeat: m.Repeat(), Audit: "waybill audit " + quoteArg(string(d)),
		Grids: newPageGrids(v, exp), Troubles: troubles(v),
		Maintainer: toMaintainer(v, exp, m), Author: toAuthor(v),
		Promises: newPagePromises(exp), Schedule: newPageSchedule(v, sched), LeftOut: sched.LeftOut, Refused: newPageRefused(sched), Settings: settings(exp.Settings), BoundNote: boundNote,
	}
	if !m.Ended.IsZero() {
		p.Length = m.Ended.Sub(m.Started).Round(time.Second).String()
	}
	for _, k := range []whyList{
		{Title: "Contradicted by the history", Result: semantics.Broken},
		{Title: "Could not be concluded", Result: semantics.Inconclusive},
		{Title: "Observed, not judged", Result: semantics.Observed},
		{Title: "Does not apply", Result: semantics.NotAffected},
	} {
		if k.Reasons = reasonsFor(v, k.Result); len(k.Reasons) > 0 {
			p.Why = append(p.Why, k)
		}
	}
	for _, l := range v.Lanes {
		p.Flows = append(p.Flows, newFlow(l))
		p.LivenessOf = append(p.LivenessOf, l.Name)
	}
	for _, f := range figures(v, t) {
		if f.Name == "faults" {
			continue // the page has that as a table, with everything in it
		}
		if l, err := look.NewFigure(f); err == nil { // WritePlots draws the same, and says what failed
			p.Charts = append(p.Charts, l)
		}
	}
	for _, f := range v.Findings {
		p.Findings = append(p.Findings, newPageFinding(v, f))
	}
	for _, f := range v.Findings {
		if len(f.Tokens) > 0 {
			p.Grep = "grep -rlaF " + quoteArg(f.Tokens[0]) + " " + quoteArg(string(d))
			break
		}
	}
	return p
}
