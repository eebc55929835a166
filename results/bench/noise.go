package bench

import (
	"math"
	"slices"
)

// noise says of each target what arms show that are compared with themselves: apart those that run by themselves and those that take turns,
// since a moment's turn is less at the mercy of the machine than a run is.
func (a *analysis) noise() (out []Noise) {
	for _, t := range a.plan.Targets {
		alone, turns := Noise{Target: t.Name}, Noise{Target: t.Name, Turns: true}
		for _, r := range a.againRatios(t) {
			if over, _ := a.arm(r.Over); over.Turns != "" {
				turns.add(r.Ratio)
			} else {
				alone.add(r.Ratio)
			}
		}
		if alone.Pairs > 0 || turns.Pairs == 0 {
			out = append(out, alone)
		}
		if turns.Pairs > 0 {
			out = append(out, turns)
		}
	}
	return out
}

func (n *Noise) add(itself Interval) {
	n.Enough = itself.Enough && (n.Enough || n.Pairs == 0)
	n.Pairs++
	n.Smallest = max(n.Smallest, (itself.High-itself.Low)/2)
	if itself.Excludes(1) {
		n.Missing++
		n.Smallest = max(n.Smallest, math.Abs(itself.High-1), math.Abs(itself.Low-1))
	}
}

// noiseOf is what is known of the noise of an arm: from those measured as it was, or else from those that were not.
func noiseOf(noise []Noise, of Arm) Noise {
	turns := of.Turns != ""
	i := slices.IndexFunc(noise, func(n Noise) bool { return n.Target == of.Target && n.Turns == turns })
	if i < 0 {
		i = slices.IndexFunc(noise, func(n Noise) bool { return n.Target == of.Target })
	}
	if i < 0 {
		return Noise{Target: of.Target}
	}
	return noise[i]
}

// smallestOf is the smallest difference that one benchmark may claim of runs of a target; infinite if it had not enough A/A pairs to say so.
func smallestOf(noise []Noise, target string) float64 {
	if n := noiseOf(noise, Arm{Target: target}); n.Enough {
		return n.Smallest
	}
	return math.Inf(1)
}
