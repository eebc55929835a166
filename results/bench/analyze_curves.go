package bench

import (
	"cmp"
	"slices"
)

// parameters are what curves go over.
var parameters = []struct {
	name string
	of   func(Arm) int
}{
	{"window", func(a Arm) int { return a.Window }},
	{"batch", func(a Arm) int { return a.Batch }},
	{"commit", func(a Arm) int { return a.Commit }},
}

// curves groups the arms of the window phase by mode and by the one parameter that they vary: those that have the other ones as the mode's
// saturation does. An arm that differs in none belongs to each curve of its mode.
func (a *analysis) curves() (out []Curve) {
	arms := a.arms(PhaseWindow, Audited)
	for len(arms) > 0 {
		name := modeOf(arms[0])
		n := slices.IndexFunc(arms, func(x Arm) bool { return modeOf(x) != name })
		if n < 0 {
			n = len(arms)
		}
		own := arms[:n]
		arms = arms[n:]
		base := own[0]
		for _, l := range a.arms(PhaseSaturation, Audited) {
			if modeOf(l) == name {
				base = l
			}
		}
		for _, p := range parameters {
			c := Curve{Target: name.target, Profile: name.profile, Mode: name.mode, Over: p.name}
			varies := false
			for _, arm := range own {
				if !slices.ContainsFunc(parameters, func(q struct {
					name string
					of   func(Arm) int
				}) bool {
					return q.name != p.name && q.of(arm) != q.of(base)
				}) {
					varies = varies || p.of(arm) != p.of(base)
					if point, ok := a.point(arm, p.of(arm)); ok {
						c.Points = append(c.Points, point)
					}
				}
			}
			if varies && len(c.Points) > 0 {
				slices.SortStableFunc(c.Points, func(x, y Point) int { return cmp.Compare(x.Value, y.Value) })
				out = append(out, c)
			}
		}
	}
	a.fronts(out)
	return out
}

// point is an arm of a curve, if it was run.
func (a *analysis) point(arm Arm, value int) (Point, bool) {
	rs := a.blocks(arm.Name)
	if len(rs) == 0 {
		return Point{}, false
	}
	p := Point{Arm: arm, Value: value, Goodput: median(a.rates(arm)), Struck: a.struck(arm.Name)}
	times, _ := arrivals(rs)
	p.P50, p.P99 = median(eachQuantile(times, 0.5)), median(eachQuantile(times, 0.99))
	p.Hatched = a.hatched(p.Goodput.Estimate)
	return p, true
}

// fronts marks the points that no other of the same target and guarantee dominates: none has more goodput and a shorter p99, or one of them
// better and the other equal. A struck point is never on a front and takes none off it; nor is one whose latency is not known.
func (a *analysis) fronts(curves []Curve) {
	counts := func(p Point) bool { return !p.Struck && p.P99.N > 0 }
	for i := range curves {
		for j := range curves[i].Points {
			p := &curves[i].Points[j]
			p.Front = counts(*p)
			for _, c := range curves {
				if c.Target != curves[i].Target || !placement(a.mode(p.Arm)).same(placement(a.mode(c.Points[0].Arm))) {
					continue
				}
				for _, q := range c.Points {
					if counts(q) && q.dominates(*p) {
						p.Front = false
					}
				}
			}
		}
	}
}

// dominates reports whether a point is no worse than another in throughput and latency, and better in one of them.
func (p Point) dominates(other Point) bool {
	more, less := cmp.Compare(p.Goodput.Estimate, other.Goodput.Estimate), cmp.Compare(other.P99.Estimate, p.P99.Estimate)
	return more >= 0 && less >= 0 && more+less > 0
}
