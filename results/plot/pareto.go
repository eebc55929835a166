package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"waybill/results/bench"
)

// Pareto draws throughput against latency with the window, the batch or the commit interval as the parameter of each mode's path.
func Pareto(s bench.Summary, target bench.Target) (Figure, bool) {
	var d pareto
	for _, c := range s.Curves {
		if c.Target != target.Name || len(c.Points) == 0 {
			continue
		}
		name := c.Mode
		if c.Over != "window" {
			name += " (" + c.Over + ")"
		}
		if !slices.Contains(d.over, c.Over) {
			d.over = append(d.over, c.Over)
		}
		d.paths = append(d.paths, paretoPath{name: name, k: seriesOf(len(d.paths)), points: c.Points})
	}
	if len(d.paths) == 0 {
		return Figure{}, false
	}
	over := strings.Join(d.over, " or ")
	return Figure{
		Name: "pareto-" + slug(target.Name), Title: "Throughput and latency by " + over + ": " + titleOf(target),
		Caption: "Each path is one mode, its points settings of its " + over + ", written beside them. Right and low is better. Filled: no other setting with the same guarantee is " +
			"better in both. Thin bars are 95 % intervals, or ranges where fewer than six runs. Grey and crossed: a run broke its promise.",
		Alt: d.alt(), plan: d.plan,
	}, true
}

type pareto struct {
	over  []string
	paths []paretoPath
}

type paretoPath struct {
	name   string
	k      series
	points []bench.Point
}

func (d pareto) alt() string {
	var parts []string
	for _, p := range d.paths {
		for _, q := range p.points {
			parts = append(parts, fmt.Sprintf("%s at %d: %s a second, p99 %s", p.name, q.Value, rateText(q.Goodput.Estimate), timeText(q.P99.Estimate)))
		}
	}
	return strings.Join(parts, "; ")
}

func (d pareto) plan(width float64) sketch {
	var rates, times []float64
	var names []string
	for _, p := range d.paths {
		names = append(names, p.name)
		for _, q := range p.points {
			rates = append(rates, q.Goodput.Low, q.Goodput.Estimate, q.Goodput.High)
			times = append(times, q.P99.Low, q.P99.Estimate, q.P99.High)
		}
	}
	room := tagWidth(names, width*0.32)
	high := max(230, min(440, (width-room)*0.6), float64(len(d.paths))*tagGap+10)
	k := d.key(width)
	below := panelHead + high + panelFoot
	return sketch{height: below + 4 + k.height(), draw: func(s *sheet) {
		x, y := panelAt(0, 0, width-room, high)
		f := panel{x: rateAxis(rates, x.from, x.to), y: logAxis(times, y.from, y.to), sayX: rateText, sayY: timeText,
			head: "latency p99, lower is better", unit: "unique messages a second, more is better"}
		s.grid(f)
		var taken boxes
		var ts []tag
		for _, p := range d.paths {
			ts = append(ts, p.draw(s, f, &taken))
		}
		s.tags(f, room, ts)
		for _, p := range d.paths {
			p.values(s, f, &taken)
		}
		k.draw(s, 0, below+4)
	}}
}

// has reports whether something holds of any point.
func (d pareto) has(f func(bench.Point) bool) bool {
	return slices.ContainsFunc(d.paths, func(p paretoPath) bool { return slices.ContainsFunc(p.points, f) })
}

func (d pareto) key(width float64) key {
	k := key{width: width}
	for _, e := range []struct {
		says string
		is   func(bench.Point) bool
		draw func(*sheet, point)
	}{
		{"filled: no setting with the same guarantee is better in both", func(q bench.Point) bool { return q.Front }, func(s *sheet, p point) { s.mark(Muted, 0, held, p, 3.8) }},
		{"open: another setting is better in both", func(q bench.Point) bool { return !q.Front }, func(s *sheet, p point) { s.mark(Muted, 0, untested, p, 3.8) }},
		{"crossed: a promise was broken", func(q bench.Point) bool { return q.Struck }, func(s *sheet, p point) { s.mark(Sent, 0, held, p, 3.8); s.cross(BrokenEdge, p, 6, 2) }},
		{"above half of the harness's own ceiling", func(q bench.Point) bool { return q.Hatched }, func(s *sheet, p point) { s.hatch(Muted, p.x-8, p.y-6, 16, 12, 4) }},
	} {
		if d.has(e.is) {
			k.entries = append(k.entries, keyed{e.says, 16, e.draw})
		}
	}
	over := strings.Join(d.over, " or ")
	k.entries = append(k.entries, keyed{over + " of a point", 22, func(s *sheet, p point) {
		t := noteStyle.anchored(atMiddle)
		t.size = valueSize
		s.text(t, p.x, p.y+4, "256")
	}})
	return k
}

// valueSize is that of the settings beside their points, valueReach how near the same setting of another path stands for both.
const valueSize, valueReach = 10.0, 24.0

// draw draws one path and returns its name at its rightmost point.
func (p paretoPath) draw(s *sheet, f panel, taken *boxes) tag {
	ink := p.k.ink
	if slices.ContainsFunc(p.points, func(q bench.Point) bool { return q.Struck }) {
		ink = Sent
	}
	var path []point
	for _, q := range p.points {
		path = append(path, point{f.x.at(q.Goodput.Estimate), f.y.at(q.P99.Estimate)})
	}
	s.line(stroke{ink: ink, width: 1.5, dashes: p.k.dashes}, path...)
	for i := range path[1:] {
		taken.along(path[i], path[i+1])
	}
	end := path[0]
	for i, q := range p.points {
		at := path[i]
		s.line(stroke{ink: ink, width: 0.9}, point{f.x.at(q.Goodput.Low), at.y}, point{f.x.at(q.Goodput.High), at.y})
		s.line(stroke{ink: ink, width: 0.9}, point{at.x, f.y.at(q.P99.Low)}, point{at.x, f.y.at(q.P99.High)})
		if q.Hatched {
			s.hatch(Muted, at.x-8, at.y-8, 16, 16, 4)
		}
		st := untested
		if q.Front {
			st = held
		}
		s.mark(ink, p.k.shape, st, at, 3.8)
		if q.Struck {
			s.cross(BrokenEdge, at, 6, 2)
		}
		taken.add(box{x: at.x - 5, y: at.y - 5, w: 10, h: 10})
		if at.x > end.x {
			end = at
		}
	}
	return tag{text: p.name, end: end, ink: ink, shape: p.k.shape}
}

// values writes the settings beside their points where there is room, the least and the greatest before those between.
func (p paretoPath) values(s *sheet, f panel, taken *boxes) {
	order := []int{0, len(p.points) - 1}
	for i := 1; i < len(p.points)-1; i++ {
		order = append(order, i)
	}
	for n, i := range order {
		if n == 1 && i == 0 {
			continue // the only point
		}
		q := p.points[i]
		t := noteStyle
		t.size = valueSize
		text := Count(int64(q.Value))
		w := t.width(text)
		at := point{f.x.at(q.Goodput.Estimate), f.y.at(q.P99.Estimate)}
		if taken.says(text, at, valueReach) {
			continue
		}
		const size = valueSize
		for _, b := range []box{{at.x - w/2, at.y - 7 - size, w, size, text}, {at.x - w/2, at.y + 7, w, size, text}, {at.x + 8, at.y - size/2, w, size, text}, {at.x - 8 - w, at.y - size/2, w, size, text},
			{at.x + 5, at.y + 5, w, size, text}, {at.x - 5 - w, at.y - 5 - size, w, size, text}} {
			if b.x < f.x.from || b.x+b.w > f.x.to || b.y < f.top() || b.y+b.h > f.bottom() || taken.hit(b) {
				continue
			}
			taken.add(b)
			s.area(Ground, b.x-1, b.y-1, b.w+2, b.h+1) // lines behind words make them hard to read
			s.text(t, b.x, b.y+size-1.5, text)
			break
		}
	}
}

// box is a rectangle that something stands in; boxes are those taken.
type box struct {
	x, y, w, h float64
	text       string // of a word
}

type boxes []box

func (bs *boxes) add(b box) { *bs = append(*bs, b) }

// along takes the places of a line.
func (bs *boxes) along(a, b point) {
	steps := int(math.Hypot(b.x-a.x, b.y-a.y)/3) + 1
	for i := range steps + 1 {
		share := float64(i) / float64(steps)
		bs.add(box{x: a.x + (b.x-a.x)*share - 1.5, y: a.y + (b.y-a.y)*share - 1.5, w: 3, h: 3})
	}
}

// says reports whether a word stands within reach of a point already.
func (bs boxes) says(text string, p point, reach float64) bool {
	return slices.ContainsFunc(bs, func(b box) bool {
		return b.text == text && math.Hypot(b.x+b.w/2-p.x, b.y+b.h/2-p.y) <= reach
	})
}

func (bs boxes) hit(b box) bool {
	return slices.ContainsFunc(bs, func(o box) bool { return b.x < o.x+o.w && o.x < b.x+b.w && b.y < o.y+o.h && o.y < b.y+b.h })
}
