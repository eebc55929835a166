package plot

import (
	"math"

	"waybill/results/bench"
)

// standing is how a mark says what is known of a promise.
type standing int

const (
	untested standing = iota // hollow
	held                     // filled
	broke                    // hollow and crossed
)

func standingOf(m bench.Mark) standing {
	switch {
	case m.Broken:
		return broke
	case m.Held:
		return held
	default:
		return untested
	}
}

// markOf draws a mark of a shape: filled, hollow, or hollow with a cross over it.
func (s *sheet) mark(r Role, shape int, st standing, p point, radius float64) {
	s.shape(r, shape, p, radius)
	if st != held {
		s.shape(Ground, shape, p, radius-1.9)
	}
	if st == broke {
		s.cross(BrokenEdge, p, radius+2.5, 2.2)
	}
}

func (s *sheet) cross(r Role, p point, d, width float64) {
	s.lines(stroke{ink: r, width: width}, [][2]point{{{p.x - d, p.y - d}, {p.x + d, p.y + d}}, {{p.x - d, p.y + d}, {p.x + d, p.y - d}}})
}

// shapes are told apart without colour: as many as there are series with a colour of their own.
const shapes = 7

// shape fills a circle, square, triangle, diamond, inverted triangle, pentagon or plus of about equal weight.
func (s *sheet) shape(r Role, shape int, p point, radius float64) {
	corners := func(n int, turn, scale float64) {
		var ps []point
		for i := range n {
			sin, cos := math.Sincos(turn + 2*math.Pi*float64(i)/float64(n))
			ps = append(ps, point{p.x + radius*scale*cos, p.y + radius*scale*sin})
		}
		s.fill(r, ps...)
	}
	switch shape % shapes {
	case 0:
		s.disc(r, p, radius)
	case 1:
		corners(4, math.Pi/4, 1.2)
	case 2:
		corners(3, -math.Pi/2, 1.3)
	case 3:
		corners(4, 0, 1.3)
	case 4:
		corners(3, math.Pi/2, 1.3)
	case 5:
		corners(5, -math.Pi/2, 1.15)
	default:
		d, w := radius*1.15, max(1, radius*0.45)
		s.area(r, p.x-d, p.y-w, 2*d, 2*w)
		s.area(r, p.x-w, p.y-d, 2*w, 2*d)
	}
}

// series is how the i-th of several is drawn.
type series struct {
	ink    Role
	shape  int
	dashes []float64
}

func seriesOf(i int) series {
	k := series{ink: Series1 + Role(i%SeriesCount), shape: i % shapes}
	if i >= SeriesCount { // the second round has other shapes and is dotted
		k.shape, k.dashes = (i+3)%shapes, []float64{2, 2.5}
	}
	return k
}

// interval draws an estimate's interval along x: solid with caps, or dashed where too few runs make it no more than their range.
func (s *sheet) interval(r Role, a axis, y float64, iv bench.Interval) {
	from, to := point{a.at(iv.Low), y}, point{a.at(iv.High), y}
	if !iv.Enough {
		s.line(stroke{ink: r, width: 1.4, dashes: []float64{2.5, 2.5}}, from, to)
		return
	}
	s.line(stroke{ink: r, width: 2}, from, to)
	for _, end := range []float64{from.x, to.x} {
		s.line(stroke{ink: r, width: 1.4}, point{end, y - 4}, point{end, y + 4})
	}
}

// tick draws a check mark, and miss a short dash: what a crash leaves, and what it does not.
func (s *sheet) tick(r Role, p point, d float64) {
	s.line(stroke{ink: r, width: 2}, point{p.x - d, p.y + 0.1*d}, point{p.x - 0.25*d, p.y + 0.8*d}, point{p.x + d, p.y - 0.8*d})
}

func (s *sheet) miss(r Role, p point, d float64) {
	s.line(stroke{ink: r, width: 1.6}, point{p.x - 0.6*d, p.y}, point{p.x + 0.6*d, p.y})
}
