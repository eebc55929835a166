package checkers

import (
	"cmp"
	"slices"

	"waybill/harness/history"
)

// stairs is the greatest position acknowledged so far in one partition, and how it grew: a step where it did.
type stairs struct {
	steps []step // rising in both
	kept  int    // how many were left when they were thinned last
}

// step says that at a tick an acknowledgement arrived for a greater position than all before.
type step struct {
	at       int64
	position int64
	msg      history.Msg
}

// stairsSlack is how many steps more than the last time are no reason to thin the stairs.
const stairsSlack = 8192

// climb adds a step. The last but one goes where nothing was sent since: whoever is sent later comes after the last one too.
func (s *stairs) climb(x step, lastSend int64) {
	n := len(s.steps)
	switch {
	case n > 0 && s.steps[n-1].at == x.at:
		s.steps[n-1] = x
	case n > 1 && lastSend <= s.steps[n-2].at:
		s.steps[n-2] = s.steps[n-1]
		s.steps[n-1] = x
	default:
		s.steps = append(s.steps, x)
	}
}

// before is the last step before a tick.
func (s *stairs) before(tick int64) (step, bool) {
	n, _ := slices.BinarySearchFunc(s.steps, tick, func(x step, tick int64) int { return cmp.Compare(x.at, tick) })
	if n == 0 {
		return step{}, false
	}
	return s.steps[n-1], true
}

// thin keeps of the steps those which are the last one before some message in flight, whose ticks are in order, and the last two for those to
// be sent.
func (s *stairs) thin(begun []int64) {
	keep := s.steps[:0]
	n := 0 // the first one sent after the step
	for i, x := range s.steps {
		for n < len(begun) && begun[n] <= x.at {
			n++
		}
		if i < len(s.steps)-2 && (n == len(begun) || begun[n] > s.steps[i+1].at) {
			continue
		}
		keep = append(keep, x)
	}
	s.steps = keep
	s.kept = len(keep)
}
