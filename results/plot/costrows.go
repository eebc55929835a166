package plot

import (
	"fmt"

	"waybill/results/bench"
)

// survivals are the kinds of crash in their order, as a column's head says them.
var survivals = [][2]string{{"client", "crash"}, {"broker", "crash"}, {"power", "of one"}, {"power", "of all"}}

// costShape is the layout of a cost figure for one width.
type costShape struct {
	narrow                 bool
	numbers                bool    // intervals are written out
	lines                  int     // that a name takes
	names, sync            float64 // widths of columns
	crashes                float64 // where the ticks begin
	levels, ratios         axis
	head, group, row, mark float64 // heights; mark is the middle of the marks below a row's top
}

const crashColumn = 38.0

func (c cost) shape(width float64) costShape {
	k := costShape{head: 50, group: 30, row: 52, mark: 20, narrow: width < 680}
	left := 0.0
	if k.narrow {
		k.names, k.sync, k.row, k.mark = width, 110, 82, 64
		k.head = 40
		k.crashes = width - float64(len(survivals))*18
	} else {
		k.names, k.sync, k.lines = min(0.21*width, c.nameWidth()), 76, 1
		if c.has(func(r costRow) bool { return nameStyle.width(r.level.Arm.Mode) > k.names-10 }) {
			k.lines, k.row = 2, k.row+nameStyle.leading()
		}
		k.crashes = k.names + 8 + k.sync
		left = k.crashes + float64(len(survivals))*crashColumn + 22
	}
	var rates, ratios []float64
	for _, g := range c.groups {
		for _, r := range g.rows {
			rates = append(append(rates, r.level.Runs...), r.level.Goodput.Low, r.level.Goodput.Estimate, r.level.Goodput.High)
			if r.ratio != nil {
				ratios = append(ratios, r.ratio.Ratio.Low, r.ratio.Ratio.Estimate, r.ratio.Ratio.High)
			}
		}
	}
	gap, text := 34.0, 36.0
	switch {
	case k.narrow:
		gap = 22
	case width >= 1000:
		k.numbers, gap = true, 24
	}
	ofLevels, ofRatios := text, text
	if k.numbers {
		ofLevels, ofRatios = c.rooms()
	}
	split := left + ofLevels + (width-left-gap-ofLevels-ofRatios)*0.6
	if len(ratios) == 0 {
		split = width
	}
	k.levels = rateAxis(rates, left+10, split-ofLevels)
	k.ratios = ratioAxis(ratios, split+gap, width-ofRatios)
	return k
}

func (c cost) plan(width float64) sketch {
	k := c.shape(width)
	legend := c.key(width)
	rows := k.head
	for _, g := range c.groups {
		rows += k.group + k.row*float64(len(g.rows))
	}
	return sketch{height: rows + footOf(rows) + legend.height(), draw: func(s *sheet) {
		c.frame(s, k, width, rows)
		y := k.head
		for _, g := range c.groups {
			c.groupHead(s, k, g, y, width)
			y += k.group
			for i, r := range g.rows {
				c.behind(s, k, g, y)
				if i > 0 {
					s.line(stroke{ink: Grid, width: 0.6}, point{0, y}, point{width, y})
				}
				c.words(s, k, r, y)
				c.marks(s, k, r, i == 0, y)
				y += k.row
			}
		}
		legend.draw(s, 0, rows+footOf(rows))
	}}
}

// frame draws what surrounds the rows: heads of columns and labels of axes.
func (c cost) frame(s *sheet, k costShape, width, low float64) {
	top := k.head
	columns := []struct {
		a    axis
		head string
		say  func(float64) string
	}{{k.levels, "unique messages a second", rateText}, {k.ratios, "ratio to the weakest", digits}}
	for i, col := range columns {
		if i == 1 && !c.hasRatios() {
			continue
		}
		head, room := col.head, col.a.length()+44
		if scaled := head + ", log scale"; col.a.log && bodyStyle.width(scaled) <= room {
			head = scaled
		}
		s.text(bodyStyle, col.a.from-8, top-24, fit(head, bodyStyle, room))
		s.ticksAlong(col.a, top-8, col.say)
		if low > farDown {
			s.ticksAlong(col.a, low+14, col.say)
		}
	}
	if k.narrow {
		return
	}
	s.text(bodyStyle, 0, top-8, "mode, promise")
	s.text(bodyStyle, k.names+8, top-8, "fsync")
	s.text(bodyStyle.anchored(atMiddle), k.crashes+2*crashColumn, top-36, "survives")
	for i, w := range survivals {
		x := k.crashes + (float64(i)+0.5)*crashColumn
		s.text(noteStyle.anchored(atMiddle), x, top-21, w[0])
		s.text(noteStyle.anchored(atMiddle), x, top-8, w[1])
	}
}

// behind draws the grid of one row and the harness's own limit: on a narrow page the words stand above it.
func (c cost) behind(s *sheet, k costShape, g costGroup, y float64) {
	top := y
	if k.narrow {
		top = y + 50
	}
	if c.ceiling != nil && k.levels.inside(c.ceiling.Plain.Estimate/2) {
		x := k.levels.at(c.ceiling.Plain.Estimate / 2)
		s.hatch(Grid, x, top, k.levels.to-x, y+k.row-top, 6)
	}
	if c.hasRatios() && g.noise > 0 {
		s.area(Heal, k.ratios.at(1/(1+g.noise)), top, k.ratios.at(1+g.noise)-k.ratios.at(1/(1+g.noise)), y+k.row-top)
	}
	grid := func(a axis, say func(float64) string) {
		for _, v := range a.ticks(noteStyle, say) {
			s.line(stroke{ink: Grid, width: 0.8}, point{a.at(v), top}, point{a.at(v), y + k.row})
		}
	}
	grid(k.levels, rateText)
	if c.hasRatios() {
		grid(k.ratios, digits)
		s.line(stroke{ink: Muted, width: 1}, point{k.ratios.at(1), top}, point{k.ratios.at(1), y + k.row})
	}
}

func (c cost) groupHead(s *sheet, k costShape, g costGroup, y, width float64) {
	s.line(stroke{ink: Muted, width: 1}, point{0, y}, point{width, y})
	s.area(Soft, 0, y+0.5, width, k.group-0.5)
	s.text(nameStyle, 6, y+k.group/2+4.5, fit(g.title, nameStyle, width-12))
}

// words writes a row's name, promise, policy and what it survives.
func (c cost) words(s *sheet, k costShape, r costRow, y float64) {
	p := r.level.Place
	sync := p.Sync
	if sync == "" {
		sync = "–"
	}
	if k.narrow {
		s.text(nameStyle, 6, y+16, fit(r.level.Arm.Mode, nameStyle, k.crashes-16))
		s.text(noteStyle, 6, y+31, fit(p.Guarantee, noteStyle, k.names-12))
		s.text(noteStyle, 6, y+45, fit("fsync "+sync, noteStyle, k.names-12))
	} else {
		name := wrap(r.level.Arm.Mode, nameStyle, k.names-10, k.lines)
		for i, line := range name {
			s.text(nameStyle, 6, y+17+nameStyle.leading()*float64(i), line)
		}
		for i, line := range wrap(p.Guarantee, noteStyle, k.names-10, 2) {
			s.text(noteStyle, 6, y+31+nameStyle.leading()*float64(len(name)-1)+13*float64(i), line)
		}
		for i, line := range wrap(sync, noteStyle, k.sync-6, 2) {
			s.text(noteStyle, k.names+8, y+k.mark+4+13*float64(i), line)
		}
	}
	column, at := crashColumn, y+k.mark
	if k.narrow {
		column, at = 18, y+12
	}
	for i, v := range p.Survives[:min(len(p.Survives), len(survivals))] {
		place := point{k.crashes + (float64(i)+0.5)*column, at}
		if v.Does {
			s.tick(Kept, place, 5)
		} else {
			s.miss(Muted, place, 5)
		}
	}
}

// marks draws a row's runs, its median and its ratio.
func (c cost) marks(s *sheet, k costShape, r costRow, weakest bool, y float64) {
	at := y + k.mark
	l := r.level
	ink := Series1
	if l.Struck {
		ink = Sent
	}
	if l.Hatched {
		x := k.levels.at(l.Goodput.Estimate)
		s.hatch(Muted, x-11, at-11, 22, 22, 4)
	}
	for _, v := range l.Runs {
		s.disc(Sent, point{k.levels.at(v), at + 11}, 1.7)
	}
	s.interval(ink, k.levels, at, l.Goodput)
	s.mark(ink, 0, standingOf(l.Mark), point{k.levels.at(l.Goodput.Estimate), at}, 5)
	c.number(s, k, k.levels, at, l.Goodput, rateText, l.Struck)
	if r.ratio == nil {
		if weakest && c.hasRatios() {
			s.disc(Sent, point{k.ratios.at(1), at}, 3.2)
			if k.numbers {
				s.text(noteStyle, k.ratios.to+numberLeft, at+4, "1, the weakest")
			}
		}
		return
	}
	ink = Series1
	if r.ratio.Struck || !r.ratio.Claims {
		ink = Sent
	}
	s.interval(ink, k.ratios, at, r.ratio.Ratio)
	s.disc(ink, point{k.ratios.at(r.ratio.Ratio.Estimate), at}, 4.2)
	c.number(s, k, k.ratios, at, r.ratio.Ratio, ratioText, r.ratio.Struck)
}

// nameWidth is how wide the names and the promises are, and a little more.
func (c cost) nameWidth() float64 {
	widest := nameStyle.width("mode, promise")
	for _, g := range c.groups {
		for _, r := range g.rows {
			widest = max(widest, nameStyle.width(r.level.Arm.Mode), noteStyle.width(r.level.Place.Guarantee))
		}
	}
	return widest + 20
}

// rooms are the widths of the columns of numbers.
func (c cost) rooms() (levels, ratios float64) {
	for _, g := range c.groups {
		for _, r := range g.rows {
			levels = max(levels, numberWidth(r.level.Goodput, rateText))
			ratios = max(ratios, boldNote.width("1, the weakest")+numberLeft)
			if r.ratio != nil {
				ratios = max(ratios, numberWidth(r.ratio.Ratio, ratioText))
			}
		}
	}
	return levels, ratios
}

// numberLeft is between an axis and the numbers right of it, numberGap between an estimate and its interval.
const numberLeft, numberGap = 14.0, 6.0

var boldNote = style{size: noteStyle.size, bold: true, ink: Ink}

// intervalOf is an interval or a range in brackets; where all of too few runs agree, as one does, their number.
func intervalOf(iv bench.Interval, say func(float64) string) string {
	if !iv.Enough && iv.Low == iv.High {
		return fmt.Sprintf("(n=%d)", iv.N)
	}
	return fmt.Sprintf("(%s–%s)", say(iv.Low), say(iv.High))
}

func numberWidth(iv bench.Interval, say func(float64) string) float64 {
	return numberLeft + boldNote.width(say(iv.Estimate)) + numberGap + noteStyle.width(intervalOf(iv, say)) + 4
}

// number writes an estimate: with its interval in a column where there is room for one, else beside its mark.
func (c cost) number(s *sheet, k costShape, a axis, y float64, iv bench.Interval, say func(float64) string, struck bool) {
	if !k.numbers {
		s.beside(a, y, iv, say(iv.Estimate), struck)
		return
	}
	s.struck(boldNote, a.to+numberLeft, y+4, say(iv.Estimate), struck)
	s.text(noteStyle, a.to+numberLeft+boldNote.width(say(iv.Estimate))+numberGap, y+4, intervalOf(iv, say))
}

// beside writes an estimate next to its interval, right of it where there is room, and strikes it out where it does not count.
func (s *sheet) beside(a axis, y float64, iv bench.Interval, text string, struck bool) {
	t := noteStyle.as(Ink)
	w := t.width(text)
	x := max(a.at(iv.High), a.at(iv.Estimate)+6) + 6
	if x+w > a.to+36 {
		x = min(a.at(iv.Low), a.at(iv.Estimate)-6) - 6 - w
	}
	s.area(Ground, x-2, y-6, w+4, 12) // lines behind words make them hard to read
	s.text(t, x, y+4, text)
	if struck {
		s.line(stroke{ink: Ink, width: 1.2}, point{x - 2, y}, point{x + w + 2, y})
	}
}
