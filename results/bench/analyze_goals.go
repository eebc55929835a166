package bench

import "fmt"

// What the harness is to reach beside itself and the products' own tools. A mode that asks for confirmations is held to more than one that does
// not: without them a message costs a broker so little that any work of a client shows.
const (
	confirmedMedian, confirmedLow = 0.97, 0.95
	unconfirmedMedian             = 0.88
)

// rivalMedians are by target: what the audited harness is to reach of its tool. A tool that is not among them is shown without a goal.
var rivalMedians = map[string]float64{"kafka": 1.0, "nats": 0.95}

// goal is what a ratio of the audited harness to another arm is to reach; nil if nothing was set.
func (a *analysis) goal(under Arm, r Ratio) *Goal {
	confirms := a.mode(under).Traits.Confirms
	g := &Goal{Median: unconfirmedMedian}
	switch {
	case under.Kind == Rival:
		median, set := rivalMedians[under.Target]
		if !set || !confirms {
			return nil
		}
		g.Median = median
	case confirms:
		g.Median, g.Low = confirmedMedian, confirmedLow
	}
	g.Met = !r.Struck && r.Ratio.Enough && r.Ratio.Estimate >= g.Median && r.Ratio.Low >= g.Low
	return g
}

// String says what is wanted.
func (g *Goal) String() string {
	if g.Low == 0 {
		return fmt.Sprintf("a median of %.2f", g.Median)
	}
	return fmt.Sprintf("a median of %.2f with an interval from %.2f", g.Median, g.Low)
}
