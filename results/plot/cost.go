package plot

import (
	"fmt"
	"slices"
	"strings"

	"waybill/results/bench"
)

// Cost draws what each guarantee costs: the modes of every target down its ladder, the weakest first, with unique messages a second and the
// ratio to the weakest, and beside each mode what it survives.
func Cost(s bench.Summary) (Figure, bool) {
	c := cost{groups: groupsOf(s), ceiling: s.Ceiling}
	if len(c.groups) == 0 {
		return Figure{}, false
	}
	var alt []string
	for _, g := range c.groups {
		for _, r := range g.rows {
			alt = append(alt, fmt.Sprintf("%s %s: %s messages a second, %s", g.title, r.level.Arm.Mode, intervalText(r.level.Goodput, rateText), r.standing()))
		}
	}
	return Figure{
		Name: "cost", Title: "What a guarantee costs",
		Caption: "Unique messages applied a second at saturation, and their ratio to the weakest mode of the same broker from pairs of one block. " +
			"Dots are runs, marks medians, bars intervals at 95 %. A tick says that an acknowledged message survives by the vendor's word.",
		Alt:  strings.Join(alt, "; "),
		plan: c.plan,
	}, true
}

type cost struct {
	groups  []costGroup
	ceiling *bench.Ceiling
}

type costGroup struct {
	title string
	noise float64
	rows  []costRow
}

type costRow struct {
	level bench.Level
	ratio *bench.Ratio
}

func (r costRow) standing() string {
	switch standingOf(r.level.Mark) {
	case broke:
		return "a promise was broken"
	case held:
		return "promises held under every fault tested"
	default:
		return "not tested under every fault"
	}
}

func groupsOf(s bench.Summary) []costGroup {
	var gs []costGroup
	for _, t := range s.Plan.Targets {
		g := costGroup{title: titleOf(t)}
		for _, l := range s.Levels {
			if l.Arm.Target != t.Name {
				continue
			}
			r := costRow{level: l}
			i := slices.IndexFunc(s.Ratios, func(x bench.Ratio) bool { return x.About == bench.OfModes && x.Over == l.Arm.Name })
			if i >= 0 {
				r.ratio, g.noise = &s.Ratios[i], s.Ratios[i].Noise
			}
			g.rows = append(g.rows, r)
		}
		if len(g.rows) > 0 {
			gs = append(gs, g)
		}
	}
	return gs
}

func titleOf(t bench.Target) string {
	name := t.Title
	if name == "" {
		name = t.Name
	}
	if t.Version != "" {
		name += " " + t.Version
	}
	return name
}

// intervalText is an estimate with its interval and n.
func intervalText(iv bench.Interval, say func(float64) string) string {
	if iv.N == 1 {
		return say(iv.Estimate) + " (one run)"
	}
	if !iv.Enough {
		return fmt.Sprintf("%s (%s to %s in %d runs)", say(iv.Estimate), say(iv.Low), say(iv.High), iv.N)
	}
	return fmt.Sprintf("%s (95 %% interval %s to %s, n=%d)", say(iv.Estimate), say(iv.Low), say(iv.High), iv.N)
}

func (c cost) hasRatios() bool { return c.has(func(r costRow) bool { return r.ratio != nil }) }

// has reports whether something holds of any row.
func (c cost) has(f func(costRow) bool) bool {
	return slices.ContainsFunc(c.groups, func(g costGroup) bool { return slices.ContainsFunc(g.rows, f) })
}

// runs is how many runs are behind a level.
func (c cost) runs() (n counts) {
	for _, g := range c.groups {
		for _, r := range g.rows {
			n.add(r.level.Goodput.N)
		}
	}
	return n
}

func (c cost) key(width float64) key {
	sample := func(st standing) func(*sheet, point) {
		return func(s *sheet, p point) { s.mark(Series1, 0, st, p, 5) }
	}
	k := key{width: width}
	for st, says := range []string{untested: "open: not tested, or not conclusively", held: "filled: promise held under every fault tested", broke: "crossed: a promise was broken"} {
		if c.has(func(r costRow) bool { return standingOf(r.level.Mark) == standing(st) }) {
			k.entries = append(k.entries, keyed{says, 16, sample(standing(st))})
		}
	}
	k.entries = append(k.entries, keyed{"a run", 6, func(s *sheet, p point) { s.disc(Sent, p, 1.7) }})
	if c.has(func(r costRow) bool { return r.level.Goodput.Enough }) {
		k.entries = append(k.entries, sampleOfInterval(fmt.Sprintf("median of n=%s, 95 %% interval", c.runs()), true))
	}
	if c.has(func(r costRow) bool { return !r.level.Goodput.Enough || r.ratio != nil && !r.ratio.Ratio.Enough }) {
		k.entries = append(k.entries, sampleOfInterval(tooFew("median", c.runs(), "run"), false))
	}
	if c.hasRatios() {
		k.entries = append(k.entries,
			keyed{"ratio not claimed to differ from 1", 12, func(s *sheet, p point) { s.disc(Sent, p, 4.2) }})
		if slices.ContainsFunc(c.groups, func(g costGroup) bool { return g.noise > 0 }) {
			k.entries = append(k.entries, keyed{"what A/A pairs differ by", 14, func(s *sheet, p point) { s.area(Heal, p.x-7, p.y-6, 14, 12) }})
		}
	}
	if c.has(func(r costRow) bool { return r.level.Hatched }) {
		k.entries = append(k.entries, keyed{"above half of the harness's own ceiling", 20, func(s *sheet, p point) { s.hatch(Muted, p.x-10, p.y-6, 20, 12, 4) }})
	}
	if c.has(func(r costRow) bool { return r.level.Struck }) {
		k.entries = append(k.entries, keyed{"struck out: a run broke its promise", 20, func(s *sheet, p point) {
			s.line(stroke{ink: Ink, width: 1.2}, point{p.x - 10, p.y}, point{p.x + 10, p.y})
		}})
	}
	if width < 680 {
		k.entries = append(k.entries, keyed{"survives client crash, broker crash, power failure of one, of all", 12, func(s *sheet, p point) { s.tick(Kept, p, 5) }})
	}
	return k
}
