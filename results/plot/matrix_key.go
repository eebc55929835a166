package plot

import (
	"maps"
	"slices"

	"waybill/harness/semantics"
)

// key explains of a matrix what is in it.
func (m matrix) key(width float64) key {
	seen := map[semantics.Result]bool{}
	for _, r := range m.rows {
		for _, c := range r.cells {
			seen[c.result] = true
		}
	}
	k := key{width: width}
	for _, e := range []struct {
		r    semantics.Result
		says string
	}{{semantics.Kept, "kept"}, {semantics.Broken, "broken"}, {semantics.Inconclusive, "inconclusive"}, {semantics.Observed, "observed, nothing is promised"}, {semantics.NotAffected, "cannot be touched by the fault"}} {
		if seen[e.r] {
			k.entries = append(k.entries, keyed{e.says, 20, func(s *sheet, p point) {
				matrixCell{result: e.r}.sample(s, p)
			}})
		}
	}
	has := func(f func(*matrixCell) bool) bool {
		return slices.ContainsFunc(m.rows, func(r matrixRow) bool { return slices.ContainsFunc(slices.Collect(maps.Values(r.cells)), f) })
	}
	for _, e := range []struct {
		sample, says string
		is           func(*matrixCell) bool
	}{
		{"−3", "acknowledged and lost", func(c *matrixCell) bool { return c.lost > 0 }},
		{"+187", "came twice", func(c *matrixCell) bool { return c.twice > 0 }},
		{"n=5", "independent injections", func(c *matrixCell) bool { return c.result == semantics.Kept && c.injections() > 0 }},
		{"≤45%", "upper bound on the chance of a violation, 95 %", func(c *matrixCell) bool { return c.result == semantics.Kept && c.injections() > 0 }},
	} {
		if has(e.is) {
			k.entries = append(k.entries, keyed{e.says, noteStyle.width(e.sample), func(s *sheet, p point) {
				s.text(noteStyle.as(Ink).anchored(atMiddle), p.x, p.y+4, e.sample)
			}})
		}
	}
	return k
}

func (c matrixCell) sample(s *sheet, p point) {
	ground, ink, edge := looks(c.result)
	s.area(ground, p.x-10, p.y-8, 20, 16)
	s.box(edge, 1, p.x-10, p.y-8, 20, 16)
	s.glyph(c.result, ink, p)
}
