package stat

import (
	"cmp"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"
)

// Shift estimates by how much the values of xs are larger than those of ys, which are not paired with them: after Hodges and Lehmann, the
// median of all differences of one and another. The interval is of the same differences (Hollander, Wolfe: Nonparametric Statistical
// Methods, section 4.3), P of the test by Mann and Whitney: exact up to sixty values of both together.
func Shift(xs, ys []float64, confidence float64) Estimate {
	e := Estimate{N: len(xs) + len(ys), P: 1}
	if len(xs) == 0 || len(ys) == 0 {
		return e
	}
	differences := make([]float64, 0, len(xs)*len(ys))
	for _, x := range xs {
		for _, y := range ys {
			differences = append(differences, x-y)
		}
	}
	slices.Sort(differences)
	e.Value = median(differences)
	e.P = shiftP(xs, ys)
	k := shiftTail(len(xs), len(ys), (1-confidence)/2)
	if k == 0 {
		e.Low, e.High = differences[0], differences[len(differences)-1]
		return e
	}
	e.Enough = true
	e.Low, e.High = differences[k-1], differences[len(differences)-k]
	e.Confidence = 1 - 2*shiftBelow(len(xs), len(ys), k-1)
	return e
}

// sample takes a copy: benchmath sorts what it is given.
func sample(xs []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(xs), &benchmath.DefaultThresholds)
}

// exactShiftUpTo is how many values of both samples together are counted out. Beyond it the distribution is taken to be normal.
const exactShiftUpTo = 60

// shiftTail is the largest k for which a statistic below k has a probability of at most tail; 0 if there is none.
func shiftTail(n, m int, tail float64) int {
	if n+m > exactShiftUpTo {
		mean, deviation := shiftMoments(n, m)
		return max(0, int(math.Floor(mean+0.5+deviation*normalQuantile(tail))))
	}
	below, k := 0.0, 0
	for _, p := range drawnSums(plainRanks(n+m), n)[n*(n+1):] { // the least sum is that of the first n ranks
		if below += p; below > tail {
			break
		}
		k++
	}
	return k / 2 // ranks are counted twice
}

// shiftBelow is the probability that Mann and Whitney's statistic is at most u.
func shiftBelow(n, m, u int) (p float64) {
	if n+m > exactShiftUpTo {
		mean, deviation := shiftMoments(n, m)
		return normalBelow((float64(u) + 0.5 - mean) / deviation)
	}
	for _, q := range drawnSums(plainRanks(n+m), n)[n*(n+1):][:2*u+1] {
		p += q
	}
	return p
}

func shiftMoments(n, m int) (mean, deviation float64) {
	a, b := float64(n), float64(m)
	return a * b / 2, math.Sqrt(a * b * (a + b + 1) / 12)
}

// drawnSums is the distribution of the sum of n of the ranks, drawn at random: by sum.
func drawnSums(ranks []int, n int) []float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	ways := make([][]float64, n+1) // by how many were drawn: how likely that is, with which sum
	for i := range ways {
		ways[i] = make([]float64, total+1)
	}
	ways[0][0] = 1
	for seen, r := range ranks {
		for drawn := min(n, seen+1); drawn >= 1; drawn-- {
			for s := r; s <= total; s++ {
				ways[drawn][s] += ways[drawn-1][s-r]
			}
		}
	}
	all := 0.0
	for _, w := range ways[n] {
		all += w
	}
	for s := range ways[n] {
		ways[n][s] /= all
	}
	return ways[n]
}

// shiftP is the two-sided probability of a sum of ranks as far out as that of xs, if all had come from one distribution. It is twice the
// smaller of the two sides, with ties too, where benchmath's answer depends on which sample is named first.
func shiftP(xs, ys []float64) float64 {
	if len(xs)+len(ys) > exactShiftUpTo {
		return min(1, benchmath.AssumeNothing.Compare(sample(xs), sample(ys)).P)
	}
	ranks, first := jointRanks(xs, ys)
	sum := 0
	for i, r := range ranks {
		if first[i] {
			sum += r
		}
	}
	p := drawnSums(ranks, len(xs))
	below, above := 0.0, 0.0
	for s, q := range p {
		if s <= sum {
			below += q
		}
		if s >= sum {
			above += q
		}
	}
	return min(1, 2*min(below, above))
}

// jointRanks are twice the ranks of two samples together, and which of them are of the first.
func jointRanks(xs, ys []float64) (ranks []int, first []bool) {
	type value struct {
		x     float64
		first bool
	}
	var all []value
	for _, x := range xs {
		all = append(all, value{x, true})
	}
	for _, y := range ys {
		all = append(all, value{y, false})
	}
	slices.SortFunc(all, func(a, b value) int { return cmp.Compare(a.x, b.x) })
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].x == all[i].x {
			j++
		}
		for _, v := range all[i:j] {
			ranks, first = append(ranks, i+1+j), append(first, v.first) // ranks i+1 to j
		}
		i = j
	}
	return ranks, first
}
