package plot

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"waybill/results/bench"
)

// stageOf picks the latency that is nearest to the user: to visibility, application, delivery or, where none of these was observed,
// confirmation.
func stageOf(l bench.Load, corrected bool) (bench.StageLatency, bool) {
	for _, to := range []string{"visible", "applied", "delivered", "confirmed"} {
		for _, st := range l.Stages {
			if st.To == to && st.Corrected == corrected {
				return st, true
			}
		}
	}
	return bench.StageLatency{}, false
}

// modeLoads are the loads of one mode, the smallest first.
type modeLoads struct {
	mode  string
	loads []bench.Load
}

// loadsOf groups a target's loads by mode, in the order of the plan.
func loadsOf(s bench.Summary, target bench.Target) []modeLoads {
	var ms []modeLoads
	for _, l := range s.Loads {
		if l.Arm.Target != target.Name {
			continue
		}
		i := slices.IndexFunc(ms, func(m modeLoads) bool { return m.mode == l.Arm.Mode })
		if i < 0 {
			i = len(ms)
			ms = append(ms, modeLoads{mode: l.Arm.Mode})
		}
		ms[i].loads = append(ms[i].loads, l)
	}
	rank := func(mode string) int {
		for i, m := range target.Modes {
			if m.Name == mode {
				return i
			}
		}
		return len(target.Modes)
	}
	slices.SortStableFunc(ms, func(a, b modeLoads) int { return cmp.Compare(rank(a.mode), rank(b.mode)) })
	for _, m := range ms {
		slices.SortStableFunc(m.loads, func(a, b bench.Load) int { return cmp.Compare(a.Offered, b.Offered) })
	}
	return ms
}

// endsWith says which stage latencies run to, for the unit of an axis.
func endsWith(ms []modeLoads) string {
	var tos []string
	for _, m := range ms {
		for _, l := range m.loads {
			if st, ok := stageOf(l, true); ok && !slices.Contains(tos, st.To) {
				tos = append(tos, st.To)
			}
		}
	}
	return strings.Join(tos, " or ")
}

// Saturation draws latency against offered load, a line for each mode of a target.
func Saturation(s bench.Summary, target bench.Target) (Figure, bool) {
	ms := loadsOf(s, target)
	k := saturation{modes: ms, to: endsWith(ms)}
	for _, q := range []struct{ key, says string }{{"p50", "p50"}, {"p99", "p99"}, {"p999", "p99.9"}} {
		p := k.quantile(q.key, q.says)
		if len(p.lines) > 0 {
			k.panels = append(k.panels, p)
		}
	}
	if len(k.panels) == 0 {
		return Figure{}, false
	}
	return Figure{
		Name: "saturation-" + slug(target.Name), Title: "Latency against offered load: " + titleOf(target),
		Caption: "Time from the intended instant of a message until it is " + k.to + ", offered in open loop at shares of each mode's largest sustained rate. " +
			"Marks are medians of the runs' own quantiles, upright bars their 95 % intervals (ranges where fewer than six runs). Grey and hollow: a run broke its promise.",
		Alt: k.alt(), plan: k.plan,
	}, true
}

type saturation struct {
	modes  []modeLoads
	to     string
	panels []saturationPanel
}

type saturationPanel struct {
	says  string
	lines []saturationLine
}

type saturationLine struct {
	mode   string
	k      series
	points []saturationPoint
}

type saturationPoint struct {
	offered         float64
	latency         bench.Interval
	struck, hatched bool
}

func (k saturation) quantile(key, says string) saturationPanel {
	p := saturationPanel{says: says}
	for i, m := range k.modes {
		l := saturationLine{mode: m.mode, k: seriesOf(i)}
		for _, load := range m.loads {
			st, ok := stageOf(load, true)
			if iv, has := st.PerRun[key]; ok && has && iv.N > 0 {
				l.points = append(l.points, saturationPoint{load.Offered, iv, load.Struck, load.Hatched})
			}
		}
		if len(l.points) > 0 {
			p.lines = append(p.lines, l)
		}
	}
	return p
}

func (k saturation) alt() string {
	var parts []string
	for _, p := range k.panels {
		for _, l := range p.lines {
			last := l.points[len(l.points)-1]
			parts = append(parts, fmt.Sprintf("%s %s at %s a second: %s", l.mode, p.says, rateText(last.offered), intervalText(last.latency, timeText)))
		}
	}
	return strings.Join(parts, "; ")
}

func (k saturation) plan(width float64) sketch {
	var offered, latencies []float64
	var names []string
	for _, p := range k.panels {
		for _, l := range p.lines {
			names = append(names, l.mode)
			for _, q := range l.points {
				offered = append(offered, q.offered)
				latencies = append(latencies, q.latency.Low, q.latency.Estimate, q.latency.High)
			}
		}
	}
	room := tagWidth(names, width*0.32)
	gap := 14.0
	columns, _ := cells(len(k.panels), width-room, 190, gap)
	stacked := columns < len(k.panels)
	if stacked {
		columns = 1
	}
	each := (width - room - gap*float64(columns-1)) / float64(columns)
	high := max(170, min(300, each*0.95), float64(len(k.modes))*tagGap+10)
	pitch := panelHead + high + panelFoot + 10
	return sketch{height: pitch * float64((len(k.panels)+columns-1)/columns), draw: func(s *sheet) {
		var earlier []tag
		for i, p := range k.panels {
			x, y := panelAt(float64(i%columns)*(each+gap), float64(i/columns)*pitch, each, high)
			f := panel{x: logAxis(offered, x.from, x.to), y: logAxis(latencies, y.from, y.to), sayX: rateText, sayY: timeText,
				head: p.says + " until " + k.to, unit: "offered messages a second"}
			s.grid(f)
			var ts []tag
			for _, l := range p.lines {
				ts = append(ts, l.draw(s, f))
			}
			switch {
			case stacked:
				s.tags(f, room, ts)
			case i == len(k.panels)-1:
				s.tags(f, room, append(ts, missing(earlier, ts)...))
			default:
				earlier = append(earlier, ts...)
			}
		}
	}}
}

// draw draws one mode's curve and returns its name at its end.
func (l saturationLine) draw(s *sheet, f panel) tag {
	var path []point
	ink := l.k.ink
	for _, q := range l.points {
		path = append(path, point{f.x.at(q.offered), f.y.at(q.latency.Estimate)})
		if q.struck {
			ink = Sent
		}
	}
	s.line(stroke{ink: ink, width: 1.8, dashes: l.k.dashes}, path...)
	for i, q := range l.points {
		p := path[i]
		s.line(stroke{ink: ink, width: 1}, point{p.x, f.y.at(q.latency.Low)}, point{p.x, f.y.at(q.latency.High)})
		if q.hatched {
			s.hatch(Muted, p.x-7, p.y-7, 14, 14, 4)
		}
		st := held
		if q.struck {
			st = untested
		}
		s.mark(ink, l.k.shape, st, p, 3.4)
	}
	return tag{text: l.mode, end: path[len(path)-1], ink: ink, shape: l.k.shape}
}

// slug keeps of a name what a file's name can have everywhere.
func slug(name string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return '-'
		}
	}, name), "-")
}

// shareText writes a share of a mode's largest rate.
func shareText(share float64) string { return fmt.Sprintf("%g %%", math.Round(share*1000)/10) }
