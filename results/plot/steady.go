package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"waybill/results/bench"
)

// OverTime draws throughput over time of one replicate a mode, that of the median goodput, with what was cut off as warm-up.
func OverTime(s bench.Summary, rs []bench.Replicate, target bench.Target) (Figure, bool) {
	var d overTime
	for _, l := range s.Levels {
		if l.Arm.Target != target.Name {
			continue
		}
		if r, ok := medianOf(rs, l.Arm.Name); ok {
			d.runs = append(d.runs, steadyRun{mode: l.Arm.Mode, r: r, struck: l.Struck})
		}
	}
	if len(d.runs) == 0 {
		return Figure{}, false
	}
	return Figure{
		Name: "over-time-" + slug(target.Name), Title: "Throughput over time: " + titleOf(target),
		Caption: "Of each mode the run with the median goodput. What is shaded was not measured: the warm-up, until the series had settled or its time was over, and the end.",
		Alt:     d.alt(), plan: d.plan,
	}, true
}

// medianOf is the replicate of an arm whose goodput is the median, the lower one of two, among those with a series.
func medianOf(rs []bench.Replicate, arm string) (bench.Replicate, bool) {
	var of []bench.Replicate
	for _, r := range rs {
		if r.Arm == arm && r.Block > 0 && r.Series.Bin > 0 && len(r.Series.Acked)+len(r.Series.Applied) > 0 {
			of = append(of, r)
		}
	}
	if len(of) == 0 {
		return bench.Replicate{}, false
	}
	slices.SortStableFunc(of, func(a, b bench.Replicate) int { return cmp.Compare(a.Goodput, b.Goodput) })
	return of[(len(of)-1)/2], true
}

type overTime struct{ runs []steadyRun }

type steadyRun struct {
	mode   string
	r      bench.Replicate
	struck bool
}

func (d overTime) alt() string {
	var parts []string
	for _, q := range d.runs {
		parts = append(parts, fmt.Sprintf("%s: %s a second in block %d, %s", q.mode, rateText(q.r.Goodput), q.r.Block, q.cut()))
	}
	return strings.Join(parts, "; ")
}

// cut says how the warm-up ended.
func (q steadyRun) cut() string {
	at := float64(q.r.Series.From*q.r.Series.Bin) / 1e6
	if q.r.Settled {
		return "settled after " + digits(at) + " s"
	}
	return "not settled after " + digits(at) + " s"
}

// rates are a series in messages a second.
func rates(bins []int64, seconds float64) []float64 {
	out := make([]float64, len(bins))
	for i, n := range bins {
		out[i] = float64(n) / seconds
	}
	return out
}

func (d overTime) plan(width float64) sketch {
	const high, gap = 96.0, 22.0
	columns, each := cells(len(d.runs), width, 300, gap)
	pitch := panelHead + high + panelFoot + 8
	end := 0.0
	for _, q := range d.runs {
		end = max(end, float64(max(len(q.r.Series.Acked), len(q.r.Series.Applied))*q.r.Series.Bin)/1e6)
	}
	k := key{width: width, entries: []keyed{lineSample("applied", Applied, 2.6), lineSample("acknowledged", Acked, 1.6, ackedDashes...),
		{"not measured", 16, func(s *sheet, p point) { s.area(Heal, p.x-8, p.y-6, 16, 12) }}}}
	rows := float64((len(d.runs) + columns - 1) / columns)
	return sketch{height: k.height() + 6 + pitch*rows, draw: func(s *sheet) {
		k.draw(s, 0, 0)
		for i, q := range d.runs {
			x, y := panelAt(float64(i%columns)*(each+gap), k.height()+6+float64(i/columns)*pitch, each, high)
			q.draw(s, x, y, end)
		}
	}}
}

var ackedDashes = []float64{5, 4}

// lineSample is a key's entry for a line.
func lineSample(says string, r Role, width float64, dashes ...float64) keyed {
	return keyed{says, 22, func(s *sheet, p point) { s.line(stroke{r, width, dashes}, point{p.x - 11, p.y}, point{p.x + 11, p.y}) }}
}

func (q steadyRun) draw(s *sheet, x, y axis, end float64) {
	bin := float64(q.r.Series.Bin) / 1e6
	acked, applied := rates(q.r.Series.Acked, bin), rates(q.r.Series.Applied, bin)
	top := 0.0
	for _, v := range append(slices.Clone(acked), applied...) {
		top = max(top, v)
	}
	if top == 0 {
		top = 1
	}
	x.high, y.high = max(end, bin), top*1.08
	head := q.mode
	if q.struck {
		head += " (a promise was broken)"
	}
	f := panel{x: x, y: y, sayX: digits, sayY: rateText, head: head, note: q.cut(), unit: "seconds"}
	last := float64(max(len(acked), len(applied))) * bin
	for _, span := range [][2]float64{{0, float64(q.r.Series.From) * bin}, {float64(q.r.Series.To) * bin, last}} {
		if span[1] > span[0] {
			s.area(Heal, x.at(span[0]), f.top(), x.at(span[1])-x.at(span[0]), f.bottom()-f.top())
		}
	}
	s.grid(f)
	cut := x.at(float64(q.r.Series.From) * bin)
	s.line(stroke{ink: Muted, width: 1.2}, point{cut, f.top()}, point{cut, f.bottom()})
	// Dashes over a thick line: where they agree, both are seen.
	s.series(stroke{ink: Applied, width: 2.6}, f, applied, bin)
	s.series(stroke{ink: Acked, width: 1.6, dashes: ackedDashes}, f, acked, bin)
}

// series draws values through the middles of bins of so many seconds; NaN lifts the pen, and a value alone is as wide as its bin. Nothing is
// drawn of a series that is zero throughout: what a mode does not have is no line at zero.
func (s *sheet) series(k stroke, f panel, values []float64, seconds float64) {
	if !slices.ContainsFunc(values, func(v float64) bool { return v != 0 && !math.IsNaN(v) }) {
		return
	}
	var path []point
	flush := func() {
		if len(path) == 1 {
			half := (f.x.at(seconds) - f.x.at(0)) / 2
			path = []point{{max(f.x.from, path[0].x-half), path[0].y}, {min(f.x.to, path[0].x+half), path[0].y}}
		}
		s.line(k, path...)
		path = nil
	}
	for i, v := range values {
		if math.IsNaN(v) {
			flush()
			continue
		}
		path = append(path, point{f.x.at((float64(i) + 0.5) * seconds), f.y.at(v)})
	}
	flush()
}
