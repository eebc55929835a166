package results

import (
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results/plot"
)

// Silences are, for each episode and each lane of it, the longest stretches without a confirmation and without a message applied, as they are
// drawn: from the first strike until the checkpoint, while messages were sent.
func Silences(v semantics.Verdict, t Timeline) []plot.Silence {
	var out []plot.Silence
	for _, e := range t.Episodes {
		for i, q := range e.Silent {
			s := plot.Silence{Target: v.Target, Mode: t.Lanes[i].Name, Fault: e.Fault, Acked: -1, Delivered: -1}
			for _, l := range v.Lanes {
				if l.Name == s.Mode {
					s.Mode = l.Mode
				}
			}
			if sum(t.Lanes[i].Acked) > 0 {
				s.Acked = float64(q.Acked) / 1e6
			}
			if sum(t.Lanes[i].Applied) > 0 {
				s.Delivered = float64(q.Applied) / 1e6
			}
			out = append(out, s)
		}
	}
	return out
}

// Silent is how long a lane was silent in one episode, in ticks.
type Silent struct{ Acked, Applied int64 }

// listener measures the silences of one lane during one episode. A silence that nothing ends lasts until the last send: where nobody sends,
// nothing can come through.
type listener struct {
	acked, applied int64 // when last
	sent           int64
	longest        Silent
}

func newListener(strike int64) *listener {
	return &listener{acked: strike, applied: strike, sent: strike}
}

func (l *listener) hear(e *history.Event) {
	switch {
	case e.Kind == history.Send:
		l.sent = e.Time
	case e.Kind == history.Outcome && e.Status == history.Acked:
		l.longest.Acked = max(l.longest.Acked, e.Time-l.acked)
		l.acked = e.Time
	case e.Kind == history.ApplyEnd && e.Status == history.OK:
		l.longest.Applied = max(l.longest.Applied, e.Time-l.applied)
		l.applied = e.Time
	}
}

func (l *listener) close() Silent {
	return Silent{Acked: max(l.longest.Acked, l.sent-l.acked), Applied: max(l.longest.Applied, l.sent-l.applied)}
}
