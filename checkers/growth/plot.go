package main

import (
	"bytes"
	"fmt"
	"image/color"
	"os"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	canvas "gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

const (
	width  = 24 * vg.Centimeter
	height = 10 * vg.Centimeter
)

// Okabe and Ito's colours, as in the reports.
var (
	inkAudit = color.RGBA{0x00, 0x72, 0xb2, 0xff}
	inkNaive = color.RGBA{0xd5, 0x5e, 0x00, 0xff}
	inkLine  = color.RGBA{0x8a, 0x8a, 0x8a, 0xff}
)

// draw writes PATH.svg and PATH.png: time and memory against size, on logarithmic axes, so that what grows linearly has the slope of
// the grey line.
func draw(path string, rows []row) error {
	for ext, c := range map[string]vg.CanvasWriterTo{
		"svg": vgsvg.New(width, height),
		"png": vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(150))},
	} {
		time, err := panel("processor time (s)", rows, func(m measurement) float64 { return m.CPU.Seconds() })
		if err != nil {
			return err
		}
		memory, err := panel("most heap in use (MB)", rows, func(m measurement) float64 { return float64(m.Heap) / 1e6 })
		if err != nil {
			return err
		}
		all := canvas.New(c)
		for i, p := range []*plot.Plot{time, memory} {
			half := width * vg.Length(i) / 2
			p.Draw(canvas.Crop(all, half, half-width/2, 0, 0))
		}
		var b bytes.Buffer
		if _, err := c.WriteTo(&b); err != nil {
			return fmt.Errorf("growth: draw: %w", err)
		}
		if err := os.WriteFile(path+"."+ext, b.Bytes(), 0o644); err != nil {
			return fmt.Errorf("growth: draw: %w", err)
		}
	}
	return nil
}

// panel is one quantity against the number of messages, of both audits, beside a line that grows as they do.
func panel(what string, rows []row, of func(measurement) float64) (*plot.Plot, error) {
	p := plot.New()
	p.X.Label.Text, p.Y.Label.Text = "messages", what
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	var audits, naive, line plotter.XYs
	for _, r := range rows {
		x := float64(r.messages)
		audits = append(audits, plotter.XY{X: x, Y: of(r.audit())})
		if len(r.naive) > 0 {
			naive = append(naive, plotter.XY{X: x, Y: of(middle(r.naive))})
		}
	}
	last := audits[len(audits)-1]
	for _, a := range audits {
		line = append(line, plotter.XY{X: a.X, Y: last.Y * a.X / last.X})
	}
	l, err := plotter.NewLine(line)
	if err != nil {
		return nil, fmt.Errorf("growth: draw: %w", err)
	}
	l.Color, l.Dashes = inkLine, []vg.Length{vg.Points(3), vg.Points(3)}
	p.Add(l)
	p.Legend.Add("linear", l)
	for _, s := range []struct {
		name string
		data plotter.XYs
		ink  color.RGBA
	}{{"audit", audits, inkAudit}, {"naive audit", naive, inkNaive}} {
		if len(s.data) == 0 {
			continue
		}
		l, points, err := plotter.NewLinePoints(s.data)
		if err != nil {
			return nil, fmt.Errorf("growth: draw: %w", err)
		}
		l.Color, points.Color, points.Shape = s.ink, s.ink, canvas.CircleGlyph{}
		p.Add(l, points)
		p.Legend.Add(s.name, l, points)
	}
	return p, nil
}
