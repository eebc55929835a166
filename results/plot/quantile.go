package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"waybill/results/bench"
)

// ByQuantile draws each mode's latency over its quantiles, on an axis that gives every further nine as much room, at an equal share of what the
// mode can do: corrected for omitted sends, and as the sends happened.
func ByQuantile(s bench.Summary, target bench.Target) (Figure, bool) {
	ms := loadsOf(s, target)
	d := distributions{to: endsWith(ms)}
	for _, share := range sharesOf(ms) {
		p := distributionPanel{share: share}
		for i, m := range ms {
			for _, l := range m.loads {
				if l.Arm.Share != share {
					continue
				}
				corrected, _ := stageOf(l, true)
				plain, _ := stageOf(l, false)
				if len(corrected.Merged) > 1 {
					p.lines = append(p.lines, distribution{m.mode, seriesOf(i), corrected.Merged, plain.Merged, l.Struck})
				}
			}
		}
		if len(p.lines) > 0 {
			d.panels = append(d.panels, p)
		}
	}
	if len(d.panels) == 0 {
		return Figure{}, false
	}
	return Figure{
		Name: "quantiles-" + slug(target.Name), Title: "Latency by quantile: " + titleOf(target),
		Caption: "All runs' histograms merged, until a message is " + d.to + ". Solid: from the instant at which it was meant to be sent. Dashed: from its actual " +
			"send, which hides the time that a stalled producer waited. What failed is in it at the time it had taken. Grey: a run broke its promise.",
		Alt: d.alt(), plan: d.plan,
	}, true
}

type distributions struct {
	to     string
	panels []distributionPanel
}

type distributionPanel struct {
	share float64
	lines []distribution
}

type distribution struct {
	mode             string
	k                series
	corrected, plain []bench.Quantile
	struck           bool
}

// sharesOf are the shares worth a panel: of those that most modes were measured at, the nearest to a half and to four fifths.
func sharesOf(ms []modeLoads) []float64 {
	count := map[float64]int{}
	most := 0
	for _, m := range ms {
		for _, l := range m.loads {
			if l.Arm.Share > 0 {
				count[l.Arm.Share]++
				most = max(most, count[l.Arm.Share])
			}
		}
	}
	var chosen []float64
	for _, want := range []float64{0.5, 0.8} {
		best := math.NaN()
		for share, n := range count {
			if n == most && !(math.Abs(share-want) > math.Abs(best-want)) && (math.IsNaN(best) || math.Abs(share-want) < math.Abs(best-want) || share < best) {
				best = share
			}
		}
		if !math.IsNaN(best) && !slices.Contains(chosen, best) {
			chosen = append(chosen, best)
		}
	}
	slices.Sort(chosen)
	return chosen
}

// nines is how many nines a quantile has: 0.999 has three.
func nines(q float64) float64 { return -math.Log10(max(1-q, 1e-9)) }

func ninesText(n float64) string {
	if n == 0 {
		return "0"
	}
	if n == 1 {
		return "p90"
	}
	return "p99" + strings.TrimSuffix("."+strings.Repeat("9", int(n)-2), ".")
}

func (d distributions) alt() string {
	var parts []string
	for _, p := range d.panels {
		for _, l := range p.lines {
			if q, ok := valueAt(l.corrected, 0.99); ok {
				parts = append(parts, fmt.Sprintf("%s at %s of its largest rate: p99 %s", l.mode, shareText(p.share), timeText(q)))
			}
		}
	}
	return strings.Join(parts, "; ")
}

func valueAt(qs []bench.Quantile, at float64) (float64, bool) {
	for _, q := range qs {
		if q.At >= at {
			return float64(q.Value), true
		}
	}
	return 0, false
}

func (d distributions) plan(width float64) sketch {
	var values []float64
	var names []string
	far := 2.0
	modes := 0
	for _, p := range d.panels {
		modes = max(modes, len(p.lines))
		for _, l := range p.lines {
			names = append(names, l.mode)
			for _, q := range append(slices.Clone(l.corrected), l.plain...) {
				if q.At < 1 {
					far = max(far, nines(q.At))
				}
				values = append(values, float64(q.Value))
			}
		}
	}
	far = min(far, 6)
	room := tagWidth(names, width*0.32)
	columns := 1
	if width-room >= 260*float64(len(d.panels)) {
		columns = len(d.panels)
	}
	gap := 26.0
	each := (width - room - gap*float64(columns-1)) / float64(columns)
	high := max(190, min(320, each*0.8), float64(modes)*tagGap+10)
	sample := key{width: width, entries: []keyed{
		{"from the intended instant", 24, func(s *sheet, p point) {
			s.line(stroke{ink: Ink, width: 1.8}, point{p.x - 12, p.y}, point{p.x + 12, p.y})
		}},
		{"from the actual send", 24, func(s *sheet, p point) {
			s.line(stroke{ink: Ink, width: 1.2, dashes: uncorrected}, point{p.x - 12, p.y}, point{p.x + 12, p.y})
		}},
	}}
	pitch := panelHead + high + panelFoot + 10
	rows := float64((len(d.panels) + columns - 1) / columns)
	return sketch{height: pitch*rows + sample.height(), draw: func(s *sheet) {
		var earlier []tag
		for i, p := range d.panels {
			x, y := panelAt(float64(i%columns)*(each+gap), float64(i/columns)*pitch, each, high)
			f := panel{x: axis{low: 0, high: far, from: x.from, to: x.to, step: 1}, y: logAxis(values, y.from, y.to), sayX: ninesText, sayY: timeText,
				head: "at " + shareText(p.share) + " of its largest rate", unit: "quantile, until " + d.to}
			s.gridOfNines(f)
			var ts []tag
			for _, l := range p.lines {
				ts = append(ts, l.draw(s, f))
			}
			switch {
			case columns == 1:
				s.tags(f, room, ts)
			case i == len(d.panels)-1:
				s.tags(f, room, append(ts, missing(earlier, ts)...))
			default:
				earlier = append(earlier, ts...)
			}
		}
		sample.draw(s, 0, pitch*rows)
	}}
}

// gridOfNines draws a panel whose x axis counts nines.
func (s *sheet) gridOfNines(f panel) {
	for n := 0.0; n <= f.x.high; n++ {
		x := f.x.at(n)
		s.line(stroke{ink: Grid, width: 0.8}, point{x, f.top()}, point{x, f.bottom()})
	}
	s.grid(f)
}

var uncorrected = []float64{4, 3}

// draw draws both lines of a mode and returns its name at the corrected one's end.
func (l distribution) draw(s *sheet, f panel) tag {
	ink := l.k.ink
	if l.struck {
		ink = Sent
	}
	path := func(qs []bench.Quantile) []point {
		var ps []point
		for _, q := range qs {
			if q.At < 1 && nines(q.At) <= f.x.high {
				ps = append(ps, point{f.x.at(nines(q.At)), f.y.at(float64(q.Value))})
			}
		}
		return ps
	}
	s.line(stroke{ink: ink, width: 1.2, dashes: uncorrected}, path(l.plain)...)
	solid := path(l.corrected)
	s.line(stroke{ink: ink, width: 1.8}, solid...)
	for n := 1.0; n <= f.x.high && len(solid) > 0 && f.x.at(n) <= solid[len(solid)-1].x+0.5; n++ {
		if v, ok := valueAt(l.corrected, 1-math.Pow(10, -n)); ok {
			s.shape(ink, l.k.shape, point{f.x.at(n), f.y.at(v)}, 3)
		}
	}
	return tag{text: l.mode, end: append([]point{{f.x.from, f.bottom()}}, solid...)[len(solid)], ink: ink, shape: l.k.shape}
}
