package results

import (
	"bytes"
	"errors"
	"fmt"
	"image/color"
	"io"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// The colours are Okabe and Ito's, which stay apart for the colour-blind and in grey print.
var (
	inkSent    = color.RGBA{0x8a, 0x8a, 0x8a, 0xff}
	inkAcked   = color.RGBA{0x00, 0x72, 0xb2, 0xff} // blue
	inkApplied = color.RGBA{0xd5, 0x5e, 0x00, 0xff} // vermillion
	inkStrike  = color.RGBA{0xd2, 0xd2, 0xd2, 0xff}
	inkHeal    = color.RGBA{0xed, 0xed, 0xed, 0xff}
	inkHatch   = color.RGBA{0xb8, 0xb8, 0xb8, 0xff}
)

const (
	plotWidth = 24 * vg.Centimeter
	plotPanel = 4.6 * vg.Centimeter
	plotDPI   = 150
)

// writePlots draws each figure by itself and returns the paths, relative to d, of those that could be written.
func writePlots(d Dir, t Timeline) ([]string, error) {
	if len(t.Lanes) == 0 || t.End <= t.Origin {
		return nil, nil
	}
	if err := os.MkdirAll(d.Plots(), 0o755); err != nil {
		return nil, fmt.Errorf("results: make the plots folder: %w", err)
	}
	var written []string
	var errs []error
	for _, f := range []struct {
		name  string
		panel func(Timeline, int) (*plot.Plot, error)
	}{{"timeline", throughputPanel}, {"latency", latencyPanel}} {
		for _, ext := range []string{"svg", "png"} {
			name := f.name + "." + ext
			b, err := drawFigure(t, f.panel, ext)
			if err == nil {
				err = writeFile(d.Path(plotsDir, name), b)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("results: plot %s: %w", name, err))
				continue
			}
			written = append(written, filepath.ToSlash(filepath.Join(plotsDir, name)))
		}
	}
	return written, errors.Join(errs...)
}

// drawFigure stacks one panel a lane over a common time axis.
func drawFigure(t Timeline, panel func(Timeline, int) (*plot.Plot, error), ext string) (b []byte, err error) {
	// The plotting library panics on what it cannot draw; a figure must never end an audit.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be drawn: %v", p)
		}
	}()
	rows := make([][]*plot.Plot, len(t.Lanes))
	for i := range t.Lanes {
		p, err := panel(t, i)
		if err != nil {
			return nil, err
		}
		p.X.Min, p.X.Max = 0, t.seconds()
		p.X.Tick.Marker = timeTicks(t, i == len(t.Lanes)-1)
		if i == len(t.Lanes)-1 {
			p.X.Label.Text = "seconds"
		}
		rows[i] = []*plot.Plot{p}
	}
	height := plotPanel * vg.Length(len(rows))
	canvas, err := newCanvas(ext, height)
	if err != nil {
		return nil, err
	}
	tiles := draw.Tiles{Rows: len(rows), Cols: 1, PadX: vg.Points(6), PadY: vg.Points(6), PadTop: vg.Points(4), PadBottom: vg.Points(4),
		PadLeft: vg.Points(4), PadRight: vg.Points(10)}
	for i, cells := range plot.Align(rows, tiles, draw.New(canvas)) {
		rows[i][0].Draw(cells[0])
	}
	var buf bytes.Buffer
	if _, err := canvas.WriteTo(&buf); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

type figureCanvas interface {
	vg.CanvasSizer
	io.WriterTo
}

func newCanvas(ext string, height vg.Length) (figureCanvas, error) {
	switch ext {
	case "svg":
		return vgsvg.New(plotWidth, height), nil
	case "png":
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(plotWidth, height), vgimg.UseDPI(plotDPI))}, nil
	default:
		return nil, fmt.Errorf("no canvas for %q", ext)
	}
}
