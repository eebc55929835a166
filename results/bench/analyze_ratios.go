package bench

import (
	"fmt"
	"math"
	"slices"

	"waybill/results/stat"
)

// ratios are all that the page may compare: modes of a target with its weakest, the harness with itself and its rivals, arms with themselves.
func (a *analysis) ratios(noise []Noise) []Ratio {
	var out []Ratio
	for _, t := range a.plan.Targets {
		of := slices.Concat(a.modeRatios(t), a.harnessRatios(t), a.againRatios(t))
		for _, about := range []About{OfModes, OfHarness, OfItself} {
			correct(of, about)
		}
		for i := range of {
			over, _ := a.arm(of[i].Over)
			n := noiseOf(noise, over)
			of[i].Noise, of[i].Claims = n.Smallest, n.Enough && of[i].claims(n.Smallest)
		}
		out = append(out, of...)
	}
	return out
}

// correct corrects the probabilities of the ratios about one thing for there being several.
func correct(rs []Ratio, about About) {
	var at []int
	var ps []float64
	for i, r := range rs {
		if r.About == about {
			at, ps = append(at, i), append(ps, r.P)
		}
	}
	for i, p := range stat.Holm(ps) {
		rs[at[i]].P = p
	}
}

// claims reports whether a difference may be spoken of.
func (r Ratio) claims(smallest float64) bool {
	return !r.Struck && r.Ratio.Excludes(1) && math.Abs(r.Ratio.Estimate-1) > smallest
}

// modeRatios compares each mode with the weakest of its target.
func (a *analysis) modeRatios(t Target) (out []Ratio) {
	arms := slices.DeleteFunc(a.arms(PhaseSaturation, Audited), func(x Arm) bool { return x.Target != t.Name || len(a.runs[x.Name]) == 0 })
	for i, arm := range arms {
		if i > 0 {
			out = a.append(out, OfModes, a.label(arm)+" / "+a.label(arms[0]), arm, arms[0])
		}
	}
	return out
}

// harnessRatios compares the audited harness with itself without recorder, without tokens, and with the product's own tool.
func (a *analysis) harnessRatios(t Target) (out []Ratio) {
	for _, arm := range a.plan.Arms {
		if arm.Target != t.Name || arm.Phase != PhaseCost || arm.Kind == Audited || arm.Kind == Again {
			continue
		}
		audited, ok := a.arm(arm.Of)
		if !ok {
			continue
		}
		name := string(arm.Kind)
		if arm.Kind == Rival && t.Tool != "" {
			name = t.Tool
		}
		was := len(out)
		out = a.append(out, OfHarness, fmt.Sprintf("%s: audited / %s", a.label(arm), name), audited, arm)
		if len(out) > was {
			out[was].Goal = a.goal(arm, out[was])
		}
	}
	return out
}

// againRatios compares arms with themselves under another name.
func (a *analysis) againRatios(t Target) (out []Ratio) {
	for _, arm := range a.plan.Arms {
		if of, ok := a.arm(arm.Of); ok && arm.Kind == Again && arm.Target == t.Name {
			name := a.label(arm)
			if arm.Phase == PhaseCost {
				name += " publishing"
			}
			out = a.append(out, OfItself, name+" again / "+name, arm, of)
		}
	}
	return out
}

// append adds the ratio of two arms, if any block holds both.
func (a *analysis) append(to []Ratio, about About, name string, over, under Arm) []Ratio {
	r := Ratio{About: about, Name: name, Over: over.Name, Under: under.Name, Struck: a.struck(over.Name) || a.struck(under.Name)}
	var logs []float64
	for b := 1; b <= a.plan.Blocks; b++ {
		x, ran := a.runs[over.Name][b]
		y, too := a.runs[under.Name][b]
		above, below := a.rate(over, x), a.rate(under, y)
		if !ran || !too || above <= 0 || below <= 0 {
			continue
		}
		r.Pairs = append(r.Pairs, above/below)
		logs = append(logs, math.Log(above/below))
	}
	if len(logs) == 0 {
		return to
	}
	e := stat.SignedRank(logs, confidence)
	r.Ratio, r.P = interval(e.Ratios()), e.P
	return append(to, r)
}
