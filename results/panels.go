package results

import (
	"fmt"
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// series is one line of a panel. A NaN breaks it.
type series struct {
	name   string
	ys     []float64
	width  float64 // seconds between points
	ink    color.Color
	stroke float64 // points
	dashes []vg.Length
}

func newPanel(t Timeline, lane int, ss []series) *plot.Plot {
	p := plot.New()
	p.Title.Text = " " // the frame writes the lane's name there, at the left
	p.Title.TextStyle.Font.Size = vg.Points(11)
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font.Size, a.Label.TextStyle.Font.Variant = vg.Points(9), "Sans"
		a.Tick.Label.Font.Size, a.Tick.Label.Font.Variant = vg.Points(8), "Sans"
		a.Padding = 0
	}
	p.Add(frame{t: t, lane: lane, key: ss})
	return p
}

func throughputPanel(t Timeline, lane int) (*plot.Plot, error) {
	l := t.Lanes[lane]
	group := max(latencyFactor, (len(l.Sent)+chartPoints-1)/chartPoints)
	width := float64(group) * Bin.Seconds()
	// Thin over thick: where two lines agree, both are seen.
	ss := []series{
		{"meant to be sent", ratePerSecond(l.Sent, group), width, inkSent, 0.8, []vg.Length{vg.Points(3), vg.Points(2)}},
		{"applied", ratePerSecond(l.Applied, group), width, inkApplied, 2, nil},
		{"acked", ratePerSecond(l.Acked, group), width, inkAcked, 0.8, nil},
	}
	p := newPanel(t, lane, ss)
	p.Y.Label.Text = "messages/s"
	top := 1.0
	for i, s := range ss {
		for _, y := range s.ys {
			top = max(top, y)
		}
		if sum([][]int64{l.Sent, l.Applied, l.Acked}[i]) == 0 {
			continue // no line rather than one at zero: a mode without confirmations has none to draw
		}
		if err := addLines(p, t, s); err != nil {
			return nil, err
		}
	}
	p.Y.Min, p.Y.Max = 0, top*1.2 // room for the names of the faults
	var ticks plot.ConstantTicks
	for v, step := 0.0, niceStep(top, 3); v <= p.Y.Max; v += step {
		ticks = append(ticks, plot.Tick{Value: v, Label: count(int64(v))})
	}
	p.Y.Tick.Marker = ticks
	return p, nil
}

func latencyPanel(t Timeline, lane int) (*plot.Plot, error) {
	bins := t.Lanes[lane].ToApply
	group := max(1, (len(bins)+chartPoints-1)/chartPoints)
	width := float64(group*latencyFactor) * Bin.Seconds()
	ss := []series{
		{"intended to applied: p50", worstOf(bins, group, func(q Quantiles) int64 { return q.P50 }), width, inkAcked, 1, nil},
		{"p99", worstOf(bins, group, func(q Quantiles) int64 { return q.P99 }), width, inkApplied, 1, nil},
	}
	p := newPanel(t, lane, ss)
	p.Y.Label.Text = "latency"
	p.Y.Scale = plot.LogScale{}
	p.Y.Min, p.Y.Max = math.Pow(10, latencyLow), math.Pow(10, latencyHigh)
	var ticks plot.ConstantTicks
	for d := latencyLow; d <= latencyHigh; d += 2 {
		us := math.Pow(10, d)
		ticks = append(ticks, plot.Tick{Value: us, Label: ticksText(int64(us))})
	}
	p.Y.Tick.Marker = ticks
	for _, s := range ss {
		for i, y := range s.ys {
			if !math.IsNaN(y) {
				s.ys[i] = min(max(y, p.Y.Min), p.Y.Max)
			}
		}
		if err := addLines(p, t, s); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// addLines adds a series to a panel: a line for each stretch without a gap, as wide as a bin when it is one point only.
func addLines(p *plot.Plot, t Timeline, s series) error {
	var run plotter.XYs
	flush := func() error {
		if len(run) == 0 {
			return nil
		}
		if len(run) == 1 {
			x := run[0].X
			run = plotter.XYs{{X: max(0, x-s.width/2), Y: run[0].Y}, {X: min(t.seconds(), x+s.width/2), Y: run[0].Y}}
		}
		l, err := plotter.NewLine(run)
		if err != nil {
			return err
		}
		l.Color, l.Width, l.Dashes = s.ink, vg.Points(s.stroke), s.dashes
		p.Add(l)
		run = nil
		return nil
	}
	for i, y := range s.ys {
		if math.IsNaN(y) {
			if err := flush(); err != nil {
				return err
			}
			continue
		}
		run = append(run, plotter.XY{X: min(t.seconds(), (float64(i)+0.5)*s.width), Y: y})
	}
	return flush()
}

func timeTicks(t Timeline, labels bool) plot.Ticker {
	var ticks plot.ConstantTicks
	for s, step := 0.0, niceStep(t.seconds(), 10); s <= t.seconds(); s += step {
		// A blank label keeps the room and makes it a major tick.
		label := " "
		if labels {
			label = fmt.Sprintf("%g", round(s))
		}
		ticks = append(ticks, plot.Tick{Value: s, Label: label})
	}
	return ticks
}

// frame is a plotter for what lies around and behind the lines: the lane's name, the key over the first panel, and the
// phases of the faults: struck dark, healing light, checkpoints hatched.
type frame struct {
	t    Timeline
	lane int
	key  []series
}

// Plot implements plot.Plotter.
func (f frame) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	at := func(ticks int64) vg.Length {
		return x(math.Min(f.t.seconds(), math.Max(0, float64(ticks-f.t.Origin)/1e6)))
	}
	for i, e := range f.t.Episodes {
		for _, ph := range e.phases(f.t.End) {
			shade(c, ph.class, at(ph.from), at(ph.to))
		}
		if f.lane == 0 && len(e.Strikes) > 0 {
			y := c.Max.Y - vg.Points(1) - vg.Points(float64(i%2)*9)
			c.FillText(small(p, 7), vg.Point{X: at(e.Strikes[0].Begin) + vg.Points(1), Y: y}, fmt.Sprintf("%d %s", e.Number, visible(e.Fault)))
		}
	}
	name := small(p, 10)
	name.YAlign = draw.YBottom
	c.FillText(name, vg.Point{X: c.Min.X, Y: c.Max.Y + vg.Points(4)}, visible(f.t.Lanes[f.lane].Name))
	if f.lane == 0 {
		f.drawKey(c, p)
	}
}

// drawKey writes the key in one row above the panel, from the right.
func (f frame) drawKey(c draw.Canvas, p *plot.Plot) {
	style := small(p, 8)
	style.YAlign = draw.YBottom
	right, y := c.Max.X, c.Max.Y+vg.Points(4)
	for i := len(f.key) - 1; i >= 0; i-- {
		s := f.key[i]
		right -= style.Width(s.name)
		c.FillText(style, vg.Point{X: right, Y: y}, s.name)
		right -= vg.Points(4)
		c.StrokeLine2(draw.LineStyle{Color: s.ink, Width: vg.Points(s.stroke), Dashes: s.dashes}, right-vg.Points(18), y+vg.Points(4), right, y+vg.Points(4))
		right -= vg.Points(30)
	}
	for _, ph := range []struct{ class, says string }{{"checkpoint", "checkpoint"}, {"heal", "healing"}, {"strike", "fault strikes"}} {
		right -= style.Width(ph.says)
		c.FillText(style, vg.Point{X: right, Y: y}, ph.says)
		box := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: vg.Point{X: right - vg.Points(20), Y: y}, Max: vg.Point{X: right - vg.Points(4), Y: y + vg.Points(8)}}}
		shade(box, ph.class, box.Min.X, box.Max.X)
		right -= vg.Points(32)
	}
}

func small(p *plot.Plot, points float64) text.Style {
	style := p.X.Tick.Label
	style.Font.Size = vg.Points(points)
	style.XAlign, style.YAlign = draw.XLeft, draw.YTop
	return style
}

func shade(c draw.Canvas, class string, from, to vg.Length) {
	switch class {
	case "strike":
		fill(c, inkStrike, from, to)
	case "heal":
		fill(c, inkHeal, from, to)
	default:
		hatch(c, from, to)
	}
}

func fill(c draw.Canvas, ink color.Color, from, to vg.Length) {
	c.FillPolygon(ink, []vg.Point{{X: from, Y: c.Min.Y}, {X: to, Y: c.Min.Y}, {X: to, Y: c.Max.Y}, {X: from, Y: c.Max.Y}})
}

// hatch draws upward strokes, each cut to the band.
func hatch(c draw.Canvas, from, to vg.Length) {
	height := c.Max.Y - c.Min.Y
	style := draw.LineStyle{Color: inkHatch, Width: vg.Points(0.4)}
	for x := from - height; x < to; x += vg.Points(5) {
		a, b := vg.Point{X: x, Y: c.Min.Y}, vg.Point{X: x + height, Y: c.Max.Y}
		if a.X < from {
			a = vg.Point{X: from, Y: c.Min.Y + (from - x)}
		}
		if b.X > to {
			b = vg.Point{X: to, Y: c.Min.Y + (to - x)}
		}
		if a.X < b.X {
			c.StrokeLine2(style, a.X, a.Y, b.X, b.Y)
		}
	}
}
