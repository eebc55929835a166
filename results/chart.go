package results

import (
	"fmt"
	"math"
	"strings"
)

// chart is a figure of one panel a lane over a common time axis, laid out in user units of an SVG; the template draws it.
type chart struct {
	Width, Height         float64
	Left, Right, Top, Low float64 // edges of the plotted area
	Bands                 []band
	Marks                 []mark // names of the faults
	Ticks                 []tick // of the time axis
	Panels                []panel
	Title, Unit           string
}

type band struct {
	Class     string // strike, heal, checkpoint
	X, W      float64
	Says      string
	Y, Height float64
}

type mark struct {
	X, Y float64
	Text string
}

type tick struct {
	At   float64
	Text string
}

type panel struct {
	Name         string
	Y, Height    float64
	Grid         []tick
	Lines        []line
	Remark       string
	NameY, NoteY float64
}

type line struct{ Class, Path string }

const (
	chartWidth  = 1120.0
	chartLeft   = 66.0
	chartRight  = 1108.0
	chartTop    = 36.0
	panelHeight = 84.0
	panelGap    = 34.0
	// chartPoints bounds how many points a line has; more than about one a pixel only makes the file larger.
	chartPoints = 520
)

func newChart(t Timeline, title, unit string) chart {
	n := float64(len(t.Lanes))
	low := chartTop + n*panelHeight + n*panelGap
	c := chart{Width: chartWidth, Height: low + 30, Left: chartLeft, Right: chartRight, Top: chartTop, Low: low, Title: title, Unit: unit}
	total := t.seconds()
	x := func(ticks int64) float64 {
		return round(chartLeft + (chartRight-chartLeft)*min(1, max(0, float64(ticks-t.Origin)/1e6/total)))
	}
	add := func(class string, from, to int64, says string) {
		if from == 0 || to <= from {
			return
		}
		c.Bands = append(c.Bands, band{Class: class, X: x(from), W: max(1, round(x(to)-x(from))), Says: says, Y: chartTop, Height: low - chartTop})
	}
	for i, e := range t.Episodes {
		name := fmt.Sprintf("%d %s", e.Number, visible(e.Fault))
		for _, p := range e.phases(t.End) {
			add(p.class, p.from, p.to, name+": "+p.class+", "+ticksText(p.to-p.from))
		}
		if len(e.Strikes) > 0 {
			text := name
			if len(t.Episodes) > 8 {
				text = fmt.Sprint(e.Number)
			}
			c.Marks = append(c.Marks, mark{X: min(x(e.Strikes[0].Begin), chartRight-7*float64(len(text))), Y: chartTop - 20 + 13*float64(i%2), Text: text})
		}
	}
	step := niceStep(total, 10)
	for s := 0.0; s <= total; s += step {
		c.Ticks = append(c.Ticks, tick{x(t.Origin + int64(s*1e6)), fmt.Sprintf("%g s", round(s))})
	}
	return c
}

func (c *chart) panel(i int, name, remark string) *panel {
	y := chartTop + panelGap*0.8 + float64(i)*(panelHeight+panelGap)
	c.Panels = append(c.Panels, panel{Name: visible(name), Y: y, Height: panelHeight, Remark: remark, NameY: y - 7, NoteY: y + panelHeight/2})
	return &c.Panels[len(c.Panels)-1]
}

// throughputChart draws messages a second: meant to be sent, acknowledged, applied.
func throughputChart(t Timeline) chart {
	c := newChart(t, "Throughput by lane", "messages a second")
	for i, l := range t.Lanes {
		remark := ""
		if sum(l.Acked) == 0 {
			remark = "no confirmations seen"
		}
		p := c.panel(i, l.Name, remark)
		group := max(latencyFactor, (len(l.Sent)+chartPoints-1)/chartPoints)
		lines := []struct {
			class string
			bins  []int64
		}{{"sent", l.Sent}, {"applied", l.Applied}, {"acked", l.Acked}} // thin over thick: where they agree, both are seen
		top := 1.0
		var rates [][]float64
		for _, s := range lines {
			r := ratePerSecond(s.bins, group)
			rates = append(rates, r)
			for _, v := range r {
				top = max(top, v)
			}
		}
		step := niceStep(top, 3)
		top = math.Ceil(top/step) * step
		for v := 0.0; v <= top; v += step {
			p.Grid = append(p.Grid, tick{round(p.Y + p.Height - v/top*p.Height), count(int64(v))})
		}
		for k, s := range lines {
			if sum(s.bins) == 0 {
				continue
			}
			p.Lines = append(p.Lines, line{s.class, path(c, t, p, group, rates[k], func(v float64) float64 { return v / top })})
		}
	}
	return c
}

// Latencies are drawn on a logarithmic axis from 0.1 ms to 100 s: a fault moves them by orders of magnitude.
const (
	latencyLow  = 2.0 // 10^2 µs
	latencyHigh = 8.0
)

func logShare(us float64) float64 {
	return min(1, max(0, (math.Log10(max(1, us))-latencyLow)/(latencyHigh-latencyLow)))
}

// latencyChart draws the time from the intended instant of a message to its first effect.
func latencyChart(t Timeline) chart {
	c := newChart(t, "Latency by lane", "from intended instant to effect, logarithmic")
	for i, l := range t.Lanes {
		remark := "nothing applied"
		if q := l.TotalToApply; q.N > 0 {
			remark = fmt.Sprintf("all: p50 %s, p99 %s, max %s", ticksText(q.P50), ticksText(q.P99), ticksText(q.Max))
		}
		p := c.panel(i, l.Name, remark)
		for d := latencyLow; d <= latencyHigh; d += 2 {
			p.Grid = append(p.Grid, tick{round(p.Y + p.Height*(1-(d-latencyLow)/(latencyHigh-latencyLow))), ticksText(int64(math.Pow(10, d)))})
		}
		for _, q := range []struct {
			class string
			of    func(Quantiles) int64
		}{{"p50", func(q Quantiles) int64 { return q.P50 }}, {"p99", func(q Quantiles) int64 { return q.P99 }}} {
			group := max(1, (len(l.ToApply)+chartPoints-1)/chartPoints)
			worst := worstOf(l.ToApply, group, q.of)
			p.Lines = append(p.Lines, line{q.class, path(c, t, p, group*latencyFactor, worst, logShare)})
		}
	}
	return c
}

// worstOf is the highest of a quantile in each group of bins; NaN where nothing completed.
func worstOf(bins []Quantiles, group int, of func(Quantiles) int64) []float64 {
	var worst []float64
	for at := 0; at < len(bins); at += group {
		v := math.NaN()
		for _, b := range bins[at:min(at+group, len(bins))] {
			if b.N > 0 && !(v >= float64(of(b))) { // also true while v is NaN
				v = float64(of(b))
			}
		}
		worst = append(worst, v)
	}
	return worst
}

// path is an SVG path through the middles of groups of bins; NaN lifts the pen.
func path(c chart, t Timeline, p *panel, group int, ys []float64, share func(float64) float64) string {
	var b strings.Builder
	pen := byte('M')
	for i, v := range ys {
		if math.IsNaN(v) {
			pen = 'M'
			continue
		}
		at := (float64(i) + 0.5) * float64(group) * Bin.Seconds() / t.seconds()
		fmt.Fprintf(&b, "%c%g %g", pen, round(c.Left+(c.Right-c.Left)*min(1, at)), round(p.Y+p.Height*(1-share(v))))
		if pen == 'M' {
			b.WriteString("h0") // with round caps a point alone is a dot
		}
		pen = 'L'
	}
	return b.String()
}

// seconds is the length of the timeline, never zero.
func (t Timeline) seconds() float64 { return max(Bin.Seconds(), float64(t.End-t.Origin)/1e6) }

type phase struct {
	class    string
	from, to int64
}

// phases are the shaded parts of an episode. A strike that was not recovered lasts until the next one, or the end.
func (m EpisodeMarks) phases(end int64) []phase {
	if m.End != 0 {
		end = m.End
	}
	var ps []phase
	for i, s := range m.Strikes {
		until := end
		if i+1 < len(m.Strikes) {
			until = m.Strikes[i+1].Begin
		}
		if s.Recover != 0 {
			ps = append(ps, phase{"strike", s.Begin, s.Recover})
			if s.Verified != 0 {
				until = s.Verified
			}
			ps = append(ps, phase{"heal", s.Recover, until})
		} else {
			ps = append(ps, phase{"strike", s.Begin, until})
		}
	}
	if m.Checkpoint != 0 {
		until := end
		if m.CheckpointEnded != 0 {
			until = m.CheckpointEnded
		}
		ps = append(ps, phase{"checkpoint", m.Checkpoint, until})
	}
	return ps
}

// ratePerSecond adds bins up in groups.
func ratePerSecond(bins []int64, group int) []float64 {
	var rates []float64
	for i := 0; i < len(bins); i += group {
		part := bins[i:min(i+group, len(bins))]
		rates = append(rates, float64(sum(part))/(float64(len(part))*Bin.Seconds()))
	}
	return rates
}

func sum(xs []int64) int64 {
	var n int64
	for _, x := range xs {
		n += x
	}
	return n
}

// niceStep is 1, 2 or 5 times a power of ten that divides length into at most parts and a bit.
func niceStep(length float64, parts int) float64 {
	raw := max(length, 1e-9) / float64(parts)
	pow := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 5, 10} {
		if m*pow >= raw {
			return m * pow
		}
	}
	return 10 * pow
}

func round(x float64) float64 { return math.Round(x*10) / 10 }

// ticksText writes a number of microseconds with the unit that fits it.
func ticksText(us int64) string {
	switch {
	case us < 0:
		return "–"
	case us < 1000:
		return fmt.Sprintf("%d µs", us)
	case us < 1_000_000:
		return fmt.Sprintf("%.3g ms", float64(us)/1e3)
	case us < 100_000_000:
		return fmt.Sprintf("%.3g s", float64(us)/1e6)
	default:
		return count(us/1_000_000) + " s"
	}
}
