package plot

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// margin surrounds every figure.
const margin = 6.0

// sheet is a canvas in pixels from the upper left corner, downwards, with roles in place of colours.
type sheet struct {
	c      draw.Canvas
	height float64
	x, y   float64 // the corner from which a figure counts
	ink    func(Role) color.Color
}

// point is a place on a sheet.
type point struct{ x, y float64 }

func (s *sheet) at(p point) vg.Point {
	return vg.Point{X: vg.Points(s.x + p.x), Y: vg.Points(s.height - s.y - p.y)}
}

func (s *sheet) path(ps []point) []vg.Point {
	out := make([]vg.Point, len(ps))
	for i, p := range ps {
		out[i] = s.at(p)
	}
	return out
}

// stroke is how a line is drawn: its role, its width and the lengths of dashes and gaps.
type stroke struct {
	ink    Role
	width  float64
	dashes []float64
}

func (k stroke) style(s *sheet) draw.LineStyle {
	style := draw.LineStyle{Color: s.ink(k.ink), Width: vg.Points(k.width)}
	for _, d := range k.dashes {
		style.Dashes = append(style.Dashes, vg.Points(d))
	}
	return style
}

// line draws through the points.
func (s *sheet) line(k stroke, ps ...point) {
	if len(ps) > 1 {
		s.c.StrokeLines(k.style(s), s.path(ps))
	}
}

// lines draws several as one mark.
func (s *sheet) lines(k stroke, pairs [][2]point) {
	if len(pairs) == 0 {
		return
	}
	var path vg.Path
	for _, p := range pairs {
		path.Move(s.at(p[0]))
		path.Line(s.at(p[1]))
	}
	s.c.SetLineStyle(k.style(s))
	s.c.Stroke(path)
}

// fill fills the polygon of the points.
func (s *sheet) fill(r Role, ps ...point) { s.c.FillPolygon(s.ink(r), s.path(ps)) }

// area fills a rectangle.
func (s *sheet) area(r Role, x, y, w, h float64) {
	s.fill(r, point{x, y}, point{x + w, y}, point{x + w, y + h}, point{x, y + h})
}

// box draws a rectangle's edge, within it.
func (s *sheet) box(r Role, width, x, y, w, h float64) {
	d := width / 2
	a, b, c, e := point{x + d, y + d}, point{x + w - d, y + d}, point{x + w - d, y + h - d}, point{x + d, y + h - d}
	s.line(stroke{ink: r, width: width}, a, b, c, e, a, b)
}

func (s *sheet) circle(p point, radius float64) vg.Path {
	c := s.at(p)
	var path vg.Path
	path.Move(vg.Point{X: c.X + vg.Points(radius), Y: c.Y})
	path.Arc(c, vg.Points(radius), 0, 2*math.Pi)
	path.Close()
	return path
}

// disc fills a circle.
func (s *sheet) disc(r Role, p point, radius float64) {
	s.c.SetColor(s.ink(r))
	s.c.Fill(s.circle(p, radius))
}

// hatch draws upward strokes over a rectangle, each cut to it.
func (s *sheet) hatch(r Role, x, y, w, h, step float64) {
	var pairs [][2]point
	for at := x - h; at < x+w; at += step {
		from, to := point{at, y + h}, point{at + h, y}
		if from.x < x {
			from = point{x, y + h - (x - at)}
		}
		if to.x > x+w {
			to = point{x + w, y + (at + h - x - w)}
		}
		if from.x < to.x {
			pairs = append(pairs, [2]point{from, to})
		}
	}
	s.lines(stroke{ink: r, width: 0.8}, pairs)
}
