package plot

import (
	"cmp"
	"slices"
)

// panel is a rectangle with two axes.
type panel struct {
	x, y       axis
	sayX, sayY func(float64) string
	head       string // above it, left
	note       string // above it, right
	unit       string // below its x axis
	bare       bool   // the labels of x are another's below it
}

const (
	panelHead = 26.0 // above a panel, for what it shows
	panelFoot = 36.0 // below, for ticks and unit
	tickRoom  = 46.0 // left, for labels of y
)

// panelAt are the pixels of the axes of a panel that takes width and has height between its axes; the caller sets their values.
func panelAt(left, top, width, height float64) (x, y axis) {
	return axis{from: left + tickRoom, to: left + width}, axis{from: top + panelHead + height, to: top + panelHead}
}

func (p panel) right() float64  { return p.x.to }
func (p panel) top() float64    { return p.y.to }
func (p panel) bottom() float64 { return p.y.from }

// grid draws a panel's lines, labels and words.
func (s *sheet) grid(p panel) {
	for _, v := range p.y.ticks(noteStyle, p.sayY) {
		y := p.y.at(v)
		s.line(stroke{ink: Grid, width: 0.8}, point{p.x.from, y}, point{p.x.to, y})
		s.text(noteStyle.anchored(atEnd), p.x.from-6, y+4, p.sayY(v))
	}
	for _, v := range p.x.ticks(noteStyle, p.sayX) {
		x := p.x.at(v)
		s.line(stroke{ink: Muted, width: 0.8}, point{x, p.bottom()}, point{x, p.bottom() + 4})
	}
	if !p.bare {
		s.ticksAlong(p.x, p.bottom()+16, p.sayX)
	}
	s.line(stroke{ink: Muted, width: 0.8}, point{p.x.from, p.bottom()}, point{p.x.to, p.bottom()})
	room := p.x.length() + tickRoom
	if p.note != "" {
		note := fit(p.note, noteStyle, room*0.6)
		room -= noteStyle.width(note) + 10
		s.text(noteStyle.anchored(atEnd), p.x.to, p.top()-11, note)
	}
	s.text(bodyStyle, p.x.from-tickRoom, p.top()-11, fit(p.head, bodyStyle, room))
	s.text(noteStyle.anchored(atMiddle), (p.x.from+p.x.to)/2, p.bottom()+30, fit(p.unit, noteStyle, p.x.length()+tickRoom))
}

// ticksAlong writes the labels of a horizontal axis.
func (s *sheet) ticksAlong(a axis, y float64, say func(float64) string) {
	for _, v := range a.ticks(noteStyle, say) {
		s.text(noteStyle.anchored(atMiddle), a.at(v), y, say(v))
	}
}

// tag names a line at its right end.
type tag struct {
	text  string
	end   point // of the line
	ink   Role
	shape int
	loose bool // the line is another panel's: nothing leads to it
}

// missing are the tags, without lines to them, of what earlier panels of a row have and its last has not.
func missing(earlier, last []tag) []tag {
	var out []tag
	for _, t := range slices.Backward(earlier) {
		same := func(o tag) bool { return o.text == t.text }
		if !slices.ContainsFunc(last, same) && !slices.ContainsFunc(out, same) {
			t.loose = true
			out = append(out, t)
		}
	}
	return out
}

const tagGap = 13.5

// tagWidth is how much room the names need beside a panel, at most a share of a figure.
func tagWidth(names []string, most float64) float64 {
	w := 0.0
	for _, n := range names {
		w = max(w, noteStyle.width(n))
	}
	return min(w+24, most)
}

// tags writes names right of a panel, each as near to its line's end as the others allow, with a thin line from there.
func (s *sheet) tags(p panel, room float64, ts []tag) {
	slices.SortStableFunc(ts, func(a, b tag) int { return cmp.Compare(a.end.y, b.end.y) })
	ys := make([]float64, len(ts))
	for i, t := range ts {
		ys[i] = t.end.y
	}
	apart(ys, tagGap, p.top()+2, p.bottom()-2)
	for i, t := range ts {
		at := point{p.right() + 12, ys[i]}
		switch gap := p.right() - t.end.x; {
		case t.loose: // its name stands where its line ends in the panel that has it
		case gap > 8:
			s.line(stroke{ink: Grid, width: 1}, point{t.end.x + 7, t.end.y}, point{p.right() + 2, at.y}, point{at.x - 5, at.y})
		default:
			s.line(stroke{ink: Grid, width: 1}, t.end, point{at.x - 5, at.y})
		}
		s.shape(t.ink, t.shape, at, 3.4)
		s.text(noteStyle.as(Ink), at.x+7, at.y+4, fitEnds(t.text, noteStyle, room-22))
	}
}

// apart moves sorted places so that none is nearer to the next than gap, as little as it can within low and high; where they do not fit
// there, they go on below high.
func apart(ys []float64, gap, low, high float64) {
	for i := range ys {
		ys[i] = max(ys[i], low)
		if i > 0 {
			ys[i] = max(ys[i], ys[i-1]+gap)
		}
	}
	for i := len(ys) - 1; i >= 0; i-- {
		limit := high
		if i < len(ys)-1 {
			limit = ys[i+1] - gap
		}
		ys[i] = min(ys[i], limit)
	}
	for i := range ys { // too many for the room: from the top on
		floor := low
		if i > 0 {
			floor = ys[i-1] + gap
		}
		ys[i] = max(ys[i], floor)
	}
}

// cells lays n panels out side by side where each gets at least width least, else in rows below each other.
func cells(n int, width, least, gap float64) (columns int, each float64) {
	columns = max(1, min(n, int((width+gap)/(least+gap))))
	for n%columns != 0 && columns > 2 && n > columns && (n+columns-1)/columns == (n+columns-2)/(columns-1) {
		columns-- // as many rows with one column fewer
	}
	return columns, (width - gap*float64(columns-1)) / float64(columns)
}
