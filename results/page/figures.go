package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"

	"waybill/results/bench"
	"waybill/results/look"
	"waybill/results/plot"
)

// figures are those of a benchmark's page, by section.
type figures struct {
	Cost, Load, Quantiles, Windows, Harness, Warm []look.Figure

	failed []string
}

func newFigures(b Bench) (fs figures) {
	add := adding(&fs.failed)
	s := b.Summary
	add(&fs.Cost)(plot.Cost(s))
	add(&fs.Harness)(plot.HarnessCost(s))
	for _, t := range s.Plan.Targets {
		add(&fs.Load)(plot.Saturation(s, t))
		add(&fs.Quantiles)(plot.ByQuantile(s, t))
		add(&fs.Windows)(plot.Pareto(s, t))
		add(&fs.Warm)(plot.OverTime(s, b.Replicates, t))
	}
	return fs
}

// adding lays figures out for lists of them; what cannot be drawn is told failed.
func adding(failed *[]string) func(to *[]look.Figure) func(plot.Figure, bool) {
	return func(to *[]look.Figure) func(plot.Figure, bool) {
		return func(f plot.Figure, ok bool) {
			if !ok {
				return
			}
			drawn, err := look.NewFigure(f)
			if err != nil {
				*failed = append(*failed, "A figure is missing: "+err.Error())
				return
			}
			*to = append(*to, drawn)
		}
	}
}

// download is the summary as a file that the page itself holds.
func download(s bench.Summary) (template.URL, error) {
	b, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("page: encode the summary: %w", err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(b); err != nil {
		return "", fmt.Errorf("page: pack the summary: %w", err)
	}
	if err := z.Close(); err != nil {
		return "", fmt.Errorf("page: pack the summary: %w", err)
	}
	return template.URL("data:application/gzip;base64," + base64.StdEncoding.EncodeToString(packed.Bytes())), nil // letters, digits, + / and =
}
