package run

import (
	"time"

	"waybill/harness/history"
)

// benchBin is the width of a bin of a replicate's series.
const benchBin = 50 * time.Millisecond

// totals are a lane's live figures at an instant.
type totals struct{ sent, acked, applied int64 }

// series is what was counted in bins of one width. It is made of totals that were read at any instants: between two of them counting is
// taken to have been even, and what a bin has is rounded such that nothing is lost or counted twice.
type series struct {
	began time.Duration // on the history's clock
	width time.Duration
	at    time.Duration // of the last reading
	last  totals        // of the last reading
	edge  totals        // at the end of the last bin that is complete

	sent, acked, applied []int64
}

func newSeries(began, width time.Duration) *series {
	return &series{began: began, width: width, at: began}
}

// bins is how many bins are complete.
func (s *series) bins() int { return len(s.sent) }

// end is when bin i ends.
func (s *series) end(i int) time.Duration { return s.began + time.Duration(i+1)*s.width }

// next is the first bin that begins at t or later.
func (s *series) next(t time.Duration) int { return int((t - s.began + s.width - 1) / s.width) }

// add takes totals that were read at an instant after the last one.
func (s *series) add(at time.Duration, now totals) {
	for end := s.end(s.bins()); end <= at; end = s.end(s.bins()) {
		between := func(from, to int64) int64 {
			return from + int64(float64(to-from)*float64(end-s.at)/float64(at-s.at))
		}
		here := totals{between(s.last.sent, now.sent), between(s.last.acked, now.acked), between(s.last.applied, now.applied)}
		s.sent = append(s.sent, here.sent-s.edge.sent)
		s.acked = append(s.acked, here.acked-s.edge.acked)
		s.applied = append(s.applied, here.applied-s.edge.applied)
		s.edge = here
	}
	s.at, s.last = at, now
}

// skip leaves out the time since the last reading, and what was counted in it: the series goes on as if there had been neither.
func (s *series) skip(at time.Duration, now totals) {
	s.began += at - s.at
	s.edge.sent += now.sent - s.last.sent
	s.edge.acked += now.acked - s.last.acked
	s.edge.applied += now.applied - s.last.applied
	s.at, s.last = at, now
}

// tick is when the last complete bin ended, on the history's clock.
func (s *series) tick() int64 { return history.FloorTicks(int64(s.end(s.bins() - 1))) }

// totals reads the live figures of a lane. Where nothing is confirmed, what the client refused at once was never sent.
func (l *lane) totals() totals {
	sent := sum(history.Sent, l.producers)
	if !l.spec.Mode.Traits.Confirms {
		sent -= sum(history.RejectedSends, l.producers)
	}
	return totals{int64(sent), int64(sum(history.AckedSends, l.producers)), int64(sum(history.Applied, l.consumers))}
}
