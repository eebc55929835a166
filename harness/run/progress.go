package run

import (
	"context"
	"time"

	"waybill/harness/history"
)

// Progress is one thing to tell the person who waits: a step, a line, a warning, or how the lanes fare. It travels as a JSON line.
type Progress struct {
	Phase   string     `json:"phase,omitempty"`
	Episode int        `json:"episode,omitempty"`
	Fault   string     `json:"fault,omitempty"`
	Line    string     `json:"line,omitempty"`
	Warning string     `json:"warning,omitempty"`
	Lanes   []LaneRate `json:"lanes,omitempty"`
	Error   string     `json:"error,omitempty"` // why the run could not be finished: the last thing told
	Full    bool       `json:"full,omitempty"`  // the disk was full

	Replicates []ReplicateEnd `json:"replicates,omitempty"` // how those of a benchmark ended: Bench keeps it for whoever asked

	Facts map[string]string `json:"facts,omitempty"` // found out on the way, of what the run rests on: for its manifest
}

// LaneRate is how a lane fares: messages a second since the last report, and totals.
type LaneRate struct {
	Name    string  `json:"name"`
	Acked   float64 `json:"acked"` // sent, where the mode has no confirmations
	Applied float64 `json:"applied"`
	Sent    uint64  `json:"sent"`
	Flying  uint64  `json:"flying"`
	Held    uint64  `json:"held"`
}

// report tells every second how the lanes fare, from the workers' live figures.
func (c *controller) report(ctx context.Context) {
	t := time.NewTicker(time.Second)
	defer t.Stop()
	type totals struct{ acked, applied uint64 }
	before := make([]totals, len(c.lanes))
	at := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		p := Progress{}
		span := time.Since(at).Seconds()
		at = time.Now()
		for i, l := range c.lanes {
			good := history.AckedSends
			if !l.spec.Mode.Traits.Confirms {
				good = history.Sent
			}
			now := totals{sum(good, l.producers), sum(history.Applied, l.consumers)}
			r := LaneRate{Name: l.spec.Name, Sent: sum(history.Sent, l.producers), Flying: sum(history.InFlight, l.producers), Held: sum(history.Held, l.consumers)}
			// A life that was killed takes its figures along: then the total falls, and nothing is said of the rate.
			if now.acked >= before[i].acked {
				r.Acked = float64(now.acked-before[i].acked) / span
			}
			if now.applied >= before[i].applied {
				r.Applied = float64(now.applied-before[i].applied) / span
			}
			before[i] = now
			p.Lanes = append(p.Lanes, r)
		}
		c.tell(p)
	}
}
