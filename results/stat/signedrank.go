package stat

import (
	"cmp"
	"math"
	"slices"
)

// Estimate is a location with an interval. The interval is closed: its ends belong to it.
type Estimate struct {
	N          int // of values, of pairs, or of both samples together
	Value      float64
	Low, High  float64
	Confidence float64 // that the interval really has: at least what was asked for, since the distributions behind it are discrete
	Enough     bool    // there are enough values for that confidence: else Low and High are the extremes of what was seen
	P          float64 // two-sided, that the location is 0; 1 where nothing is tested
}

// exactUpTo is how many differences are counted out. Beyond it the distribution is taken to be normal: it is then off by less than 0.001.
const exactUpTo = 100

// SignedRank estimates the location of paired differences after Hodges and Lehmann (Annals of Mathematical Statistics 34, 1963): the median of
// the means of all pairs of differences, each with itself included. The interval is Tukey's, of the same means (Hollander, Wolfe: Nonparametric
// Statistical Methods, section 3.3): it has at least the confidence asked for, with ties and zeros too (Noether, Journal of the American
// Statistical Association 62, 1967).
//
// P is of Wilcoxon's test, conditional on the ranks: equal absolute differences share the mean of their ranks, and zeros are ranked, then left
// out (Pratt, Journal of the American Statistical Association 54, 1959). Up to 100 differences it is exact.
func SignedRank(differences []float64, confidence float64) Estimate {
	e := Estimate{N: len(differences), P: 1}
	if e.N == 0 {
		return e
	}
	walsh := walshAverages(differences)
	e.Value = median(walsh)
	e.P = signedRankP(differences)
	k := signedRankTail(e.N, (1-confidence)/2)
	if k == 0 {
		e.Low, e.High = slices.Min(differences), slices.Max(differences)
		return e
	}
	e.Enough = true
	e.Low, e.High = walsh[k-1], walsh[len(walsh)-k]
	e.Confidence = 1 - 2*signedRankBelow(e.N, k-1)
	return e
}

// walshAverages are the means of all pairs, each value with itself included, in ascending order.
func walshAverages(xs []float64) []float64 {
	out := make([]float64, 0, len(xs)*(len(xs)+1)/2)
	for i, x := range xs {
		for _, y := range xs[i:] {
			out = append(out, x/2+y/2)
		}
	}
	slices.Sort(out)
	return out
}

// median of sorted values.
func median(sorted []float64) float64 {
	n := len(sorted)
	return sorted[(n-1)/2]/2 + sorted[n/2]/2
}

// signedRankTail is the largest k for which fewer than k come with a probability of at most tail; 0 if there is none.
func signedRankTail(n int, tail float64) int {
	if n > exactUpTo {
		mean, deviation := signedRankMoments(n)
		return max(0, int(math.Floor(mean+0.5+deviation*normalQuantile(tail))))
	}
	below, k := 0.0, 0
	for _, p := range subsetSums(plainRanks(n)) {
		if below += p; below > tail {
			break
		}
		k++
	}
	return k / 2 // ranks are counted twice
}

// signedRankBelow is the probability of a sum of positive ranks of at most w.
func signedRankBelow(n, w int) (p float64) {
	if n > exactUpTo {
		mean, deviation := signedRankMoments(n)
		return normalBelow((float64(w) + 0.5 - mean) / deviation)
	}
	for _, q := range subsetSums(plainRanks(n))[:2*w+1] {
		p += q
	}
	return p
}

func signedRankMoments(n int) (mean, deviation float64) {
	x := float64(n)
	return x * (x + 1) / 4, math.Sqrt(x * (x + 1) * (2*x + 1) / 24)
}

// plainRanks are twice the ranks of n values without ties.
func plainRanks(n int) []int {
	ranks := make([]int, n)
	for i := range ranks {
		ranks[i] = 2 * (i + 1)
	}
	return ranks
}

// subsetSums is the distribution of the sum of a random subset of ranks, each in it or not with probability one half: by sum.
func subsetSums(ranks []int) []float64 {
	total := 0
	for _, r := range ranks {
		total += r
	}
	p := make([]float64, total+1)
	p[0] = 1
	reached := 0
	for _, r := range ranks {
		reached += r
		for s := reached; s >= 0; s-- {
			p[s] /= 2
			if s >= r {
				p[s] += p[s-r] / 2
			}
		}
	}
	return p
}

// signedRankP is the two-sided probability of ranks as uneven as these, if each sign were as likely as the other.
func signedRankP(differences []float64) float64 {
	ranks, positive := signedRanks(differences)
	total, sum, squares := 0, 0, 0.0
	for i, r := range ranks {
		total += r
		squares += float64(r) * float64(r)
		if positive[i] {
			sum += r
		}
	}
	sum = min(sum, total-sum) // the distribution is symmetric
	if len(ranks) > exactUpTo {
		// A step of the sum is one rank, two in this count: half of it is the correction for continuity.
		return min(1, 2*normalBelow((float64(sum)+1-float64(total)/2)/(math.Sqrt(squares)/2)))
	}
	p := 0.0
	for _, q := range subsetSums(ranks)[:sum+1] {
		p += q
	}
	return min(1, 2*p)
}

// signedRanks are twice the ranks of what is not zero, by absolute value and zeros included, and which of them are positive.
func signedRanks(differences []float64) (ranks []int, positive []bool) {
	sorted := slices.SortedFunc(slices.Values(differences), func(a, b float64) int { return cmp.Compare(math.Abs(a), math.Abs(b)) })
	for i := 0; i < len(sorted); {
		j := i
		for j < len(sorted) && math.Abs(sorted[j]) == math.Abs(sorted[i]) {
			j++
		}
		for _, d := range sorted[i:j] {
			if d != 0 {
				ranks, positive = append(ranks, i+1+j), append(positive, d > 0) // ranks i+1 to j
			}
		}
		i = j
	}
	return ranks, positive
}

func normalBelow(x float64) float64    { return math.Erfc(-x/math.Sqrt2) / 2 }
func normalQuantile(p float64) float64 { return -math.Sqrt2 * math.Erfcinv(2*p) }
