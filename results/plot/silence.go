package plot

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Silence is how long a mode was not served during one injection of a fault: the longest stretches without a confirmation, and without a
// message coming through, in seconds. What does not apply, such as confirmations of a mode that has none, is negative.
type Silence struct {
	Target, Mode, Fault string
	Acked, Delivered    float64
}

// Silences draws how long each fault silenced each mode, a figure for each target in their order: every injection a mark.
func Silences(all []Silence) []Figure {
	var targets []string
	for _, v := range all {
		if !slices.Contains(targets, v.Target) {
			targets = append(targets, v.Target)
		}
	}
	var fs []Figure
	for _, t := range targets {
		if f, ok := silencesOf(t, all); ok {
			fs = append(fs, f)
		}
	}
	return fs
}

func silencesOf(target string, all []Silence) (Figure, bool) {
	d := silences{}
	for _, v := range all {
		if v.Target != target || v.Acked < 0 && v.Delivered < 0 {
			continue
		}
		d.all = append(d.all, v)
		if !slices.Contains(d.faults, v.Fault) {
			d.faults = append(d.faults, v.Fault)
		}
		if !slices.Contains(d.modes, v.Mode) {
			d.modes = append(d.modes, v.Mode)
		}
	}
	if len(d.all) == 0 {
		return Figure{}, false
	}
	// The fault that silenced longest comes first.
	slices.SortStableFunc(d.faults, func(a, b string) int { return cmp.Compare(d.worst(b), d.worst(a)) })
	return Figure{
		Name: "unavailability-" + slug(target), Title: "Unavailability under each fault: " + target,
		Caption: "The longest stretch without a confirmation to any producer, and without a message coming through to any consumer, from the strike until the load was stopped. " +
			"Every mark is one mode under one injection.",
		Alt: d.alt(), plan: d.plan,
	}, true
}

type silences struct {
	all    []Silence
	faults []string
	modes  []string
}

func (d silences) worst(fault string) float64 {
	w := 0.0
	for _, v := range d.all {
		if v.Fault == fault {
			w = max(w, v.Acked, v.Delivered)
		}
	}
	return w
}

func (d silences) alt() string {
	var parts []string
	for _, f := range d.faults {
		parts = append(parts, fmt.Sprintf("%s: at most %s", f, secondsText(d.worst(f))))
	}
	return strings.Join(parts, "; ")
}

// shortest is what the axis begins with: shorter silences are no news and stand at its edge.
const shortest = 0.01

func (d silences) plan(width float64) sketch {
	narrow := width < 600
	names := min(0.28*width, 220)
	if narrow {
		names = 0
	}
	lane := 12.0
	if len(d.modes) > 8 {
		lane = 9
	}
	row := lane*float64(len(d.modes)) + 12
	if narrow {
		row += 18
	}
	values := []float64{shortest, 1}
	for _, v := range d.all {
		values = append(values, v.Acked, v.Delivered)
	}
	gap := 44.0
	if narrow {
		gap = 20
	}
	half := (width - names - gap) / 2
	says := []string{"without a confirmation", "without a message coming through"}
	k := key{width: width}
	for i, m := range d.modes {
		one := seriesOf(i)
		k.entries = append(k.entries, keyed{m, 12, func(s *sheet, p point) { s.shape(one.ink, one.shape, p, 4) }})
	}
	const head = 42.0
	rows := head + row*float64(len(d.faults))
	return sketch{height: rows + footOf(rows) + k.height(), draw: func(s *sheet) {
		for i := range says {
			left := names + float64(i)*(half+gap)
			a := logAxis(values, left+16, left+half-16)
			s.text(bodyStyle, left, 14, fit(says[i], bodyStyle, half))
			s.ticksAlong(a, head-8, secondsText)
			if rows > farDown {
				s.ticksAlong(a, rows+15, secondsText)
			}
			for j, f := range d.faults {
				y := head + row*float64(j)
				top := y
				if narrow {
					top += 18
				}
				for _, v := range a.ticks(noteStyle, secondsText) {
					s.line(stroke{ink: Grid, width: 0.8}, point{a.at(v), top}, point{a.at(v), y + row})
				}
				d.marks(s, a, f, i == 0, top+6, lane)
			}
		}
		for j, f := range d.faults {
			y := head + row*float64(j)
			s.line(stroke{ink: Muted, width: 0.8}, point{0, y}, point{width, y})
			if narrow {
				s.text(bodyStyle, 0, y+14, fit(f, bodyStyle, width))
				continue
			}
			for i, l := range wrap(f, bodyStyle, names-10, 3) {
				s.text(bodyStyle, 0, y+17+15*float64(i), l)
			}
		}
		k.draw(s, 0, rows+footOf(rows))
	}}
}

// marks draws each mode of a fault on a line of its own.
func (d silences) marks(s *sheet, a axis, fault string, acked bool, y, lane float64) {
	for i, m := range d.modes {
		k := seriesOf(i)
		at := y + (float64(i)+0.5)*lane
		far := 0.0
		for _, v := range d.all {
			if v.Fault != fault || v.Mode != m {
				continue
			}
			if long := v.of(acked); long >= 0 {
				far = max(far, long)
			}
		}
		if far > shortest {
			s.line(stroke{ink: Grid, width: 1.5}, point{a.from, at}, point{a.at(far), at})
		}
		for _, v := range d.all {
			if v.Fault == fault && v.Mode == m && v.of(acked) >= 0 {
				s.shape(k.ink, k.shape, point{a.at(v.of(acked)), at}, 3.8)
			}
		}
	}
}

func (v Silence) of(acked bool) float64 {
	if acked {
		return v.Acked
	}
	return v.Delivered
}
