package page

import (
	"fmt"
	"math"
	"strings"

	"waybill/results/bench"
	"waybill/results/look"
)

// Small multiples of the warm-up, in user units of an SVG.
const (
	warmWidth  = 240.0
	warmHeight = 72.0
	warmTop    = 10.0 // room for the cuts
	// warmPoints bounds how many points a line has: more than one in a few pixels only makes the page larger.
	warmPoints = 60
)

// warmGroup is the panels of one target.
type warmGroup struct {
	Title  string
	Panels []warmPanel
}

// warmPanel is an arm: a line for each of its replicates, thin until the measurement begins.
type warmPanel struct {
	Name, Top, Length string // the greatest rate, and the seconds, of its axes
	Unsettled         int
	Lines             []warmLine
	Alt               string
}

type warmLine struct {
	Before, After string // paths
	Cut           float64
	Settled       bool
	Says          string
}

func newWarmGroups(p bench.Plan, rs []bench.Replicate) (groups []warmGroup) {
	of := map[string][]bench.Replicate{}
	for _, r := range rs {
		if r.Block > 0 && r.Series.Bin > 0 && len(counted(r.Series)) > 0 {
			of[r.Arm] = append(of[r.Arm], r)
		}
	}
	for i, t := range p.Targets {
		g := warmGroup{Title: titles(p)[i]}
		for _, a := range p.Arms {
			if a.Target == t.Name && a.Phase != bench.PhaseLatency && len(of[a.Name]) > 0 {
				g.Panels = append(g.Panels, newWarmPanel(a.Name, of[a.Name]))
			}
		}
		if len(g.Panels) > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

// counted is the series that goodput is counted from.
func counted(s bench.Series) []int64 {
	for _, xs := range [][]int64{s.Applied, s.Acked, s.Sent} {
		for _, x := range xs {
			if x > 0 {
				return xs
			}
		}
	}
	return nil
}

func newWarmPanel(name string, rs []bench.Replicate) warmPanel {
	top, length := 0.0, 0.0
	for _, r := range rs {
		xs := counted(r.Series)
		length = max(length, float64(len(xs))*float64(r.Series.Bin)/1e6)
		for _, x := range grouped(xs, groupOf(xs)) {
			top = max(top, x/float64(r.Series.Bin)*1e6)
		}
	}
	top, length = max(top, 1), max(length, 1e-3)
	w := warmPanel{Name: name, Top: look.Rate(top), Length: fmt.Sprintf("%.3g s", length)}
	for _, r := range rs {
		l := newWarmLine(r, top, length)
		if w.Lines = append(w.Lines, l); !l.Settled {
			w.Unsettled++
		}
	}
	w.Alt = fmt.Sprintf("%s: throughput of %s over %s, up to %s messages a second", name, look.Plural(int64(len(rs)), "replicate"), w.Length, w.Top)
	return w
}

func newWarmLine(r bench.Replicate, top, length float64) warmLine {
	xs := counted(r.Series)
	group := groupOf(xs)
	bin := float64(r.Series.Bin) / 1e6
	x := func(bins float64) float64 { return tenth(warmWidth * bins * bin / length) }
	var before, after strings.Builder
	ys := grouped(xs, group)
	for i, y := range ys {
		at := (float64(i) + 0.5) * float64(group)
		point := fmt.Sprintf("%g %g", x(min(at, float64(len(xs)))), tenth(warmTop+(warmHeight-warmTop)*(1-y/bin/top)))
		if at < float64(r.Series.From) {
			pen(&before, point)
			continue
		}
		if after.Len() == 0 && before.Len() > 0 {
			pen(&before, point) // the two meet
		}
		if at <= float64(r.Series.To)+float64(group) {
			pen(&after, point)
		}
	}
	l := warmLine{Before: before.String(), After: after.String(), Cut: x(float64(r.Series.From)), Settled: r.Settled}
	l.Says = fmt.Sprintf("block %d: measured from %.3g s", r.Block, float64(r.Series.From)*bin)
	if !r.Settled {
		l.Says += ", not settled by then"
	}
	return l
}

func pen(b *strings.Builder, point string) {
	if b.Len() == 0 {
		b.WriteString("M" + point)
		return
	}
	b.WriteString("L" + point)
}

// groupOf is how many bins make one point.
func groupOf(xs []int64) int { return max(1, (len(xs)+warmPoints-1)/warmPoints) }

// grouped is the mean of each group of bins.
func grouped(xs []int64, group int) (means []float64) {
	for i := 0; i < len(xs); i += group {
		part := xs[i:min(i+group, len(xs))]
		sum := int64(0)
		for _, x := range part {
			sum += x
		}
		means = append(means, float64(sum)/float64(len(part)))
	}
	return means
}

func tenth(x float64) float64 { return math.Round(x*10) / 10 }
