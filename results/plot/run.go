package plot

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Run is what a test run looked like over time. Instants are seconds from its first event.
type Run struct {
	Seconds  float64
	Lanes    []Lane
	Episodes []Episode
}

// Lane is one mode of a run in bins of equal width.
type Lane struct {
	Name                 string
	Bin                  float64 // seconds
	Sent, Acked, Applied []int64 // a bin; meant to be sent, by intended instant
	Wide                 float64 // seconds of a bin of latencies
	P50, P99             []float64
	Audited              string  // what the audit counted, in words: "3 lost, 65 applied twice"
	All                  string  // the latencies of the whole run, in words
	Lost, Twice          []int64 // messages a bin of Bin: acknowledged and never applied, by intended instant; applied again, by instant
}

// Episode is one fault of a run, in phases.
type Episode struct {
	Number int
	Fault  string
	Struck float64 // NaN: never
	Phases []Phase
}

// Phase is a shaded stretch of an episode.
type Phase struct {
	Kind     PhaseKind
	From, To float64
}

// PhaseKind is how a stretch is shaded.
type PhaseKind string

// Phases of an episode.
const (
	Striking   PhaseKind = "strike"
	Healing    PhaseKind = "heal"
	Checkpoint PhaseKind = "checkpoint"
)

// OfRun are the figures of a test run over time: throughput with each loss and each duplicate, and latency.
func OfRun(r Run) []Figure {
	if len(r.Lanes) == 0 || r.Seconds <= 0 {
		return nil
	}
	return []Figure{
		{Name: "timeline", Title: "Throughput over time",
			Caption: "Messages a second by mode. Ticks under an axis are messages: acknowledged and lost at the instant they were meant to be sent, or applied again.",
			Alt:     r.alt(), plan: r.throughput},
		{Name: "latency", Title: "Latency over time",
			Caption: "From the intended instant of a message to its first effect, by completion; on a logarithmic axis, since a fault moves it by orders of magnitude.",
			Alt:     r.alt(), plan: r.latency},
	}
}

func (r Run) alt() string {
	var parts []string
	for _, e := range r.Episodes {
		if !math.IsNaN(e.Struck) {
			parts = append(parts, fmt.Sprintf("%s at %s s", e.Fault, digits(round2(e.Struck))))
		}
	}
	for _, l := range r.Lanes {
		said := l.Name + ": " + Count(total(l.Applied)) + " applied"
		if l.Audited != "" {
			said += ", " + l.Audited
		}
		parts = append(parts, said)
	}
	return strings.Join(parts, "; ")
}

func total(xs []int64) int64 {
	var n int64
	for _, x := range xs {
		n += x
	}
	return n
}

const (
	laneHigh  = 92.0
	laneTicks = 18.0 // below a lane, for losses and duplicates
	// pointEvery is how many pixels a point of a line stands for at least: more points only make the file larger.
	pointEvery = 1.5
)

func (r Run) throughput(width float64) sketch {
	entries := []keyed{lineSample("meant to be sent", Sent, 1.2, 4, 3), lineSample("applied", Applied, 2.6), lineSample("acknowledged", Acked, 1.6, ackedDashes...)}
	lost, twice := false, false
	for _, l := range r.Lanes {
		lost, twice = lost || total(l.Lost) > 0, twice || total(l.Twice) > 0
	}
	if lost {
		entries = append(entries, keyed{"lost", 8, func(s *sheet, p point) {
			s.line(stroke{ink: BrokenEdge, width: 2}, point{p.x, p.y - 7}, point{p.x, p.y + 7})
		}})
	}
	if twice {
		entries = append(entries, keyed{"applied again", 8, func(s *sheet, p point) {
			s.line(stroke{ink: Observed, width: 1}, point{p.x, p.y - 3.5}, point{p.x, p.y + 3.5})
		}})
	}
	extra := 0.0
	if lost || twice {
		extra = laneTicks
	}
	return r.lay(width, extra, entries, func(s *sheet, f panel, l Lane) panel {
		group := max(int(math.Ceil(1/l.Bin)), groupOf(len(l.Sent), f))
		rates := [3][]float64{perSecond(l.Sent, group, l.Bin), perSecond(l.Applied, group, l.Bin), perSecond(l.Acked, group, l.Bin)}
		top := 1.0
		for _, vs := range rates {
			top = max(top, slices.Max(append(vs, 0)))
		}
		f.y.low, f.y.high, f.sayY, f.note = 0, top*1.08, rateText, l.Audited
		s.grid(f)
		wide := float64(group) * l.Bin
		// Dashes over a thick line: where they agree, both are seen.
		s.series(stroke{ink: Sent, width: 1.2, dashes: []float64{4, 3}}, f, rates[0], wide)
		s.series(stroke{ink: Applied, width: 2.6}, f, rates[1], wide)
		s.series(stroke{ink: Acked, width: 1.6, dashes: ackedDashes}, f, rates[2], wide)
		s.events(f, l)
		return f
	})
}

// groupOf is how many bins are drawn as one point.
func groupOf(bins int, f panel) int {
	return max(1, int(math.Ceil(float64(bins)*pointEvery/f.x.length())))
}

// events draws a tick for every pixel in which messages were lost, or applied again, below the labels of the axis.
func (s *sheet) events(f panel, l Lane) {
	for _, e := range []struct {
		bins []int64
		k    stroke
		half float64
		at   float64
	}{{l.Twice, stroke{ink: Observed, width: 1}, 3.5, 8}, {l.Lost, stroke{ink: BrokenEdge, width: 2}, 6, 8}} {
		var pairs [][2]point
		last := math.Inf(-1)
		for i, n := range e.bins {
			x := f.x.at((float64(i) + 0.5) * l.Bin)
			if n > 0 && x-last >= e.k.width {
				y := f.bottom() + e.at
				pairs = append(pairs, [2]point{{x, y - e.half}, {x, y + e.half}})
				last = x
			}
		}
		s.lines(e.k, pairs)
	}
}

// Latencies are drawn from 0.1 ms to 100 s.
const latencyLow, latencyHigh = 1e2, 1e8

func (r Run) latency(width float64) sketch {
	entries := []keyed{lineSample("p50", Acked, 1.4), lineSample("p99", Applied, 1.8)}
	return r.lay(width, 0, entries, func(s *sheet, f panel, l Lane) panel {
		f.y.low, f.y.high, f.y.log, f.sayY, f.note = latencyLow, latencyHigh, true, timeText, l.All
		s.grid(f)
		group := groupOf(len(l.P50), f)
		s.series(stroke{ink: Applied, width: 1.8}, f, worstOf(l.P99, group), l.Wide*float64(group))
		s.series(stroke{ink: Acked, width: 1.4}, f, worstOf(l.P50, group), l.Wide*float64(group))
		return f
	})
}

// lay stacks a panel a lane over a common axis of time, with the phases of the faults behind them and their names above.
func (r Run) lay(width, extra float64, entries []keyed, lane func(s *sheet, f panel, l Lane) panel) sketch {
	entries = append(entries, keyed{"fault strikes", 18, shaded(Striking)}, keyed{"healing", 18, shaded(Healing)}, keyed{"checkpoint", 18, shaded(Checkpoint)})
	k := key{width: width, entries: entries}
	names := r.names(axis{low: 0, high: r.Seconds, from: tickRoom, to: width - 10})
	heads := 0.0
	for _, n := range names {
		heads = max(heads, n.y)
	}
	head := k.height() + heads + 6
	pitch := panelHead + laneHigh + extra + 10
	return sketch{height: head + pitch*float64(len(r.Lanes)) + 26, draw: func(s *sheet) {
		k.draw(s, 0, 0)
		for _, n := range names {
			s.text(noteStyle.as(Ink), n.x, k.height()+n.y-2, n.text)
		}
		for i, l := range r.Lanes {
			x, y := panelAt(0, head+pitch*float64(i), width-10, laneHigh)
			x.low, x.high = 0, r.Seconds
			f := panel{x: x, y: y, head: l.Name, sayX: digits, bare: true}
			r.shade(s, f)
			f = lane(s, f, l)
			if i == len(r.Lanes)-1 {
				s.ticksAlong(x, f.bottom()+extra+16, digits)
				s.text(noteStyle.anchored(atMiddle), (x.from+x.to)/2, f.bottom()+extra+30, "seconds")
			}
		}
	}}
}

type faultName struct {
	x, y float64
	text string
}

// names places the names of the faults above their strikes, in as many lines as they need not to touch; where that takes more than three, the
// numbers alone, which a page explains.
func (r Run) names(x axis) []faultName {
	place := func(say func(Episode) string, lines int) []faultName {
		var out []faultName
		ends := make([]float64, lines)
		for i := range ends {
			ends[i] = math.Inf(-1)
		}
		for _, e := range r.Episodes {
			if math.IsNaN(e.Struck) {
				continue
			}
			text := say(e)
			w := noteStyle.width(text)
			at := max(0, min(x.at(e.Struck), x.to-w))
			line := slices.IndexFunc(ends, func(end float64) bool { return end+8 <= at })
			if line < 0 {
				return nil
			}
			ends[line] = at + w
			out = append(out, faultName{at, float64(line+1) * 14, text})
		}
		return out
	}
	if out := place(func(e Episode) string { return fmt.Sprintf("%d %s", e.Number, e.Fault) }, 3); out != nil {
		return out
	}
	return place(func(e Episode) string { return fmt.Sprint(e.Number) }, 2)
}

func (r Run) shade(s *sheet, f panel) {
	for _, e := range r.Episodes {
		for _, p := range e.Phases {
			from, to := f.x.at(p.From), f.x.at(p.To)
			if p.To > p.From {
				s.phase(p.Kind, from, f.top(), max(1, to-from), f.bottom()-f.top())
			}
		}
	}
}

func (s *sheet) phase(kind PhaseKind, x, y, w, h float64) {
	switch kind {
	case Striking:
		s.area(Strike, x, y, w, h)
	case Healing:
		s.area(Heal, x, y, w, h)
	default:
		s.hatch(Hatch, x, y, w, h, 5)
	}
}

func shaded(kind PhaseKind) func(*sheet, point) {
	return func(s *sheet, p point) { s.phase(kind, p.x-9, p.y-6, 18, 12) }
}

// perSecond adds bins up in groups.
func perSecond(bins []int64, group int, seconds float64) []float64 {
	var out []float64
	for part := range slices.Chunk(bins, group) {
		out = append(out, float64(total(part))/(float64(len(part))*seconds))
	}
	return out
}

// worstOf is the highest in each group; NaN where nothing is.
func worstOf(values []float64, group int) []float64 {
	var out []float64
	for part := range slices.Chunk(values, group) {
		w := math.NaN()
		for _, v := range part {
			if !math.IsNaN(v) && !(w >= v) { // also true while w is NaN
				w = v
			}
		}
		out = append(out, w)
	}
	return out
}
