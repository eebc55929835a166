package plot

import (
	"fmt"
	"strconv"
	"strings"

	"waybill/results/bench"
)

// HarnessCost draws what the harness itself takes: audited against unaudited, bare and the product's own tool, each with its goal, and
// beneath them the same arms against themselves.
func HarnessCost(s bench.Summary) (Figure, bool) {
	d := strip{says: "ratio of throughput, audited to the other"}
	for _, t := range s.Plan.Targets {
		d.add(titleOf(t), ratiosOf(s, t, bench.OfHarness))
		d.add(titleOf(t)+": the same arm twice (A/A)", ratiosOf(s, t, bench.OfItself))
	}
	return d.figure("harness-cost", "What the harness itself costs",
		"Ratios of throughput from pairs of one block: estimates with 95 % intervals, ranges where fewer than six pairs. Upright ticks are goals. "+
			"Unaudited is the same client code with the recorder off, bare without the messages' tokens as well. The shaded bands are what arms measured in the same way differ from themselves by: within them nothing is claimed.")
}

// Against draws a benchmark against its baseline, mode by mode.
func Against(s bench.Summary) (Figure, bool) {
	d := strip{says: "ratio of throughput, new to baseline"}
	for _, t := range s.Plan.Targets {
		d.add(titleOf(t), ratiosOf(s, t, bench.OfSearch))
	}
	return d.figure("against-baseline", "New against baseline",
		"Ratios of throughput with 95 % intervals. The shaded bands are what arms measured in the same way differ from themselves by: within them nothing is claimed.")
}

// ratiosOf are the ratios of a target about something: the numerator's name says whose they are.
func ratiosOf(s bench.Summary, t bench.Target, about bench.About) []bench.Ratio {
	var rs []bench.Ratio
	for _, r := range s.Ratios {
		if r.About == about && strings.HasPrefix(r.Over, t.Name+"/") {
			rs = append(rs, r)
		}
	}
	return rs
}

type strip struct {
	says   string
	groups []stripGroup
}

type stripGroup struct {
	title string
	rows  []bench.Ratio
}

func (d *strip) add(title string, rows []bench.Ratio) {
	if len(rows) > 0 {
		d.groups = append(d.groups, stripGroup{title, rows})
	}
}

func (d strip) figure(name, title, caption string) (Figure, bool) {
	if len(d.groups) == 0 {
		return Figure{}, false
	}
	var alt []string
	for _, g := range d.groups {
		for _, r := range g.rows {
			alt = append(alt, r.Name+": "+intervalText(r.Ratio, ratioText))
		}
	}
	return Figure{Name: name, Title: title, Caption: caption, Alt: strings.Join(alt, "; "), plan: d.plan}, true
}

// nearOne bounds the axis: ratios beyond it would press those that matter together, and are drawn as arrows with their numbers.
const nearOne = 1.6

func (d strip) axis(from, to float64) axis {
	var near []float64
	for _, g := range d.groups {
		for _, r := range g.rows {
			for _, v := range []float64{r.Ratio.Low, r.Ratio.Estimate, r.Ratio.High} {
				if v >= 1/nearOne && v <= nearOne {
					near = append(near, v)
				}
			}
			if r.Goal != nil {
				near = append(near, r.Goal.Median)
				if r.Goal.Low > 0 {
					near = append(near, r.Goal.Low)
				}
			}
			near = append(near, 1/(1+r.Noise), 1+r.Noise)
		}
	}
	return ratioAxis(near, from, to)
}

func (d strip) plan(width float64) sketch {
	narrow := width < 600
	names, numbers, row, at := min(0.38*width, 400), 148.0, 40.0, 20.0
	if narrow {
		names, numbers, row, at = 0, 0, 78, 61
	}
	const head, group = 44.0, 30.0
	a := d.axis(names+30, width-numbers-30)
	rows := head
	for _, g := range d.groups {
		rows += group + row*float64(len(g.rows))
	}
	k := d.key(width, a)
	return sketch{height: rows + footOf(rows) + k.height(), draw: func(s *sheet) {
		s.text(bodyStyle, names, 14, fit(d.says, bodyStyle, width-names-numbers))
		if !narrow {
			s.text(noteStyle.anchored(atEnd), width-2, head-10, fit("estimate, interval or range, n", noteStyle, numbers))
		}
		s.ticksAlong(a, head-10, tickText)
		if rows > farDown {
			s.ticksAlong(a, rows+15, tickText)
		}
		y := head
		for _, g := range d.groups {
			s.line(stroke{ink: Muted, width: 1}, point{0, y}, point{width, y})
			s.area(Soft, 0, y+0.5, width, group-0.5)
			s.text(nameStyle, 6, y+group/2+4.5, fit(g.title, nameStyle, width-12))
			y += group
			for _, r := range g.rows {
				y0 := y
				if narrow {
					y0 = y + 47
				}
				d.behind(s, a, r, y0, y+row-y0)
				d.words(s, r, y, names, width, narrow)
				d.ratio(s, a, r, y+at)
				y += row
			}
		}
		k.draw(s, 0, rows+footOf(rows))
	}}
}

// behind draws the grid, the band of noise and the line at one behind a row.
func (d strip) behind(s *sheet, a axis, r bench.Ratio, y, height float64) {
	if r.Noise > 0 {
		s.area(Heal, a.at(1/(1+r.Noise)), y, a.at(1+r.Noise)-a.at(1/(1+r.Noise)), height)
	}
	for _, v := range a.ticks(noteStyle, tickText) {
		s.line(stroke{ink: Grid, width: 0.8}, point{a.at(v), y}, point{a.at(v), y + height})
	}
	s.line(stroke{ink: Ink, width: 1}, point{a.at(1), y}, point{a.at(1), y + height})
}

// missed reports whether a ratio has a goal that enough runs show to be missed.
func missed(r bench.Ratio) bool { return r.Goal != nil && !r.Goal.Met && r.Ratio.Enough }

// words names a row, and says what it was to reach.
func (d strip) words(s *sheet, r bench.Ratio, y, names, width float64, narrow bool) {
	t, goal, numbers := bodyStyle, "", numbersText(r.Ratio, nearText)
	if r.Goal != nil {
		goal = fmt.Sprintf("goal: median %s", digits(r.Goal.Median))
		if r.Goal.Low > 0 {
			goal += ", interval from " + digits(r.Goal.Low)
		}
		switch {
		case r.Goal.Met:
			goal += ": met"
		case missed(r):
			goal += ": not met"
		default:
			goal += ": too few runs to say"
		}
	}
	if narrow {
		s.text(t, 6, y+14, fit(r.Name, t, width-12))
		s.struck(noteStyle.as(Ink), 6, y+28, numbers, r.Struck)
		s.text(noteStyle, 6, y+42, fit(goal, noteStyle, width-12))
		return
	}
	s.struck(noteStyle.as(Ink), width-2-noteStyle.width(numbers), y+24, numbers, r.Struck)
	base := y + 24
	if goal != "" {
		base = y + 17
	}
	s.text(t, 6, base, fit(r.Name, t, names-10))
	s.text(noteStyle, 6, base+14, fit(goal, noteStyle, names-10))
}

// ratio draws a row's estimate, its interval and its goals, or an arrow to where it is.
func (d strip) ratio(s *sheet, a axis, r bench.Ratio, y float64) {
	if r.Goal != nil {
		for i, v := range []float64{r.Goal.Median, r.Goal.Low} {
			if v == 0 || !a.inside(v) {
				continue
			}
			ink, half := KeptEdge, 11.0
			if i == 1 {
				half = 6
			}
			s.line(stroke{ink: ink, width: 2}, point{a.at(v), y - half}, point{a.at(v), y + half})
		}
	}
	ink := Series1
	switch {
	case r.Struck:
		ink = Sent
	case missed(r):
		ink = BrokenEdge
	case r.About == bench.OfItself:
		ink = Muted
	}
	if r.Ratio.Estimate > a.high || r.Ratio.Estimate < a.low {
		s.beyond(ink, a, y, r.Ratio.Estimate > a.high)
		return
	}
	s.interval(ink, a, y, r.Ratio)
	st := held
	if missed(r) {
		st = untested
	}
	s.mark(ink, 0, st, point{a.at(r.Ratio.Estimate), y}, 4.6)
}

// tickText labels an axis of ratios near one, each with at least two digits behind the point.
func tickText(v float64) string {
	if v > 0.2 && v < 2 {
		return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 3, 64), "0")
	}
	return ratioText(v)
}

// nearText writes a ratio near one with the digits that matter there.
func nearText(v float64) string {
	if v > 0.2 && v < 2 {
		return strconv.FormatFloat(v, 'f', 3, 64)
	}
	return ratioText(v)
}

// numbersText is an estimate, its interval or range, and n.
func numbersText(iv bench.Interval, say func(float64) string) string {
	if !iv.Enough && iv.Low == iv.High {
		return fmt.Sprintf("%s, n=%d", say(iv.Estimate), iv.N)
	}
	return fmt.Sprintf("%s (%s–%s), n=%d", say(iv.Estimate), say(iv.Low), say(iv.High), iv.N)
}

// struck writes a text, and strikes it out where it does not count.
func (s *sheet) struck(t style, x, y float64, text string, out bool) {
	s.text(t, x, y, text)
	if out {
		s.line(stroke{ink: t.ink, width: 1.2}, point{x - 2, y - 4}, point{x + t.width(text) + 2, y - 4})
	}
}

// beyond draws an arrow to a ratio that is not on the axis.
func (s *sheet) beyond(r Role, a axis, y float64, above bool) {
	tip, back := point{a.to + 20, y}, -1.0
	if !above {
		tip, back = point{a.from - 20, y}, 1
	}
	s.line(stroke{ink: r, width: 2}, point{tip.x + back*24, y}, point{tip.x + back*8, y})
	s.fill(r, tip, point{tip.x + back*9, y - 5}, point{tip.x + back*9, y + 5})
}

func (d strip) key(width float64, a axis) key {
	k := key{width: width}
	goals, failed, noisy, ranges, away := false, false, false, false, false
	var n counts
	for _, g := range d.groups {
		for _, r := range g.rows {
			goals, failed = goals || r.Goal != nil, failed || missed(r)
			ranges, noisy = ranges || !r.Ratio.Enough, noisy || r.Noise > 0
			away = away || !a.inside(r.Ratio.Estimate)
			n.add(r.Ratio.N)
		}
	}
	k.entries = append(k.entries, sampleOfInterval(fmt.Sprintf("estimate, 95 %% interval, n=%s pairs", n), true))
	if ranges {
		k.entries[0] = sampleOfInterval(tooFew("estimate", n, "pair"), false)
	}
	if goals {
		k.entries = append(k.entries, keyed{"goal: of the median, long; of the interval's lower end, short", 14, func(s *sheet, p point) {
			s.line(stroke{ink: KeptEdge, width: 2}, point{p.x - 3, p.y - 8}, point{p.x - 3, p.y + 8})
			s.line(stroke{ink: KeptEdge, width: 2}, point{p.x + 3, p.y - 4}, point{p.x + 3, p.y + 4})
		}})
	}
	if failed {
		k.entries = append(k.entries, keyed{"goal not met", 12, func(s *sheet, p point) { s.mark(BrokenEdge, 0, untested, p, 4.6) }})
	}
	if noisy {
		k.entries = append(k.entries, keyed{"what A/A pairs differ by", 14, func(s *sheet, p point) { s.area(Heal, p.x-7, p.y-6, 14, 12) }})
	}
	if away {
		k.entries = append(k.entries, keyed{"not on the axis: see its number", 26, func(s *sheet, p point) {
			s.beyond(Series1, axis{from: p.x, to: p.x - 8}, p.y, true)
		}})
	}
	return k
}

// tooFew says why a bar is no interval.
func tooFew(what string, n counts, of string) string {
	if n.most == 1 {
		return what + " of one " + of + ": no interval"
	}
	return fmt.Sprintf("%s and range of n=%s %ss: too few for an interval", what, n, of)
}

// sampleOfInterval is a key's entry for a mark with its interval, or its range.
func sampleOfInterval(says string, enough bool) keyed {
	return keyed{says, 26, func(s *sheet, p point) {
		s.interval(Series1, axis{low: 0, high: 1, from: p.x - 12, to: p.x + 12}, p.y, bench.Interval{Low: 0, High: 1, Enough: enough})
		s.disc(Series1, p, 4)
	}}
}
