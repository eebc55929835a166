package results

import (
	"errors"
	"fmt"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
)

// Bin is the width of a bin of throughput. Latencies are kept in bins four times as wide.
const Bin = 250 * time.Millisecond

const (
	binTicks      = int64(Bin / time.Microsecond)
	latencyFactor = 4
	// maxTicks bounds the memory a timeline may take when a damaged stamp slips through: two days of bins.
	maxTicks = int64(48 * time.Hour / time.Microsecond)
)

// ErrTimeline marks a history whose stamps span more than a timeline can hold.
var ErrTimeline = errors.New("history too long for a timeline")

// Timeline is what a run looked like over time. Ticks are microseconds, as in the history.
type Timeline struct {
	Origin   int64 // tick of the first event: the left edge
	End      int64 // tick of the last
	Lanes    []LaneTimeline
	Episodes []EpisodeMarks
}

// LaneTimeline is one lane in bins of Bin, all of one length.
type LaneTimeline struct {
	Name string
	// Messages meant to be sent (first attempts, by intended instant); attempts acknowledged; copies delivered; effects applied.
	Sent, Acked, Delivered, Applied []int64
	// Messages acknowledged and never applied, by intended instant; effects of messages that had been applied before. Nil: none.
	Lost, Twice []int64
	// Latency from the intended instant to the first acknowledgement, and to the first effect; bins by completion.
	ToAck, ToApply           []Quantiles
	TotalToAck, TotalToApply Quantiles
}

// Quantiles of a latency in microseconds, precise to two digits.
type Quantiles struct{ N, P50, P99, Max int64 }

// EpisodeMarks are the marks of one episode in ticks; 0: not in the history.
type EpisodeMarks struct {
	Number                                  int
	Fault                                   string
	Begin, Checkpoint, CheckpointEnded, End int64
	Strikes                                 []Strike
	Silent                                  []Silent // of each lane, in their order; nil if nothing struck
}

// Strike is one injection of an episode's fault.
type Strike struct{ Begin, Recover, Verified int64 }

// ReadTimeline streams a history once. Events of a lane that the experiment does not have are left out. It holds bins and,
// for messages that have not yet come through, their intended instant; never the events.
func ReadTimeline(src history.Source, exp experiment.Experiment) (Timeline, error) {
	r := newTimelineReader(exp)
	for e, err := range src.Events() {
		if err != nil {
			return Timeline{}, fmt.Errorf("results: read timeline: %w", err)
		}
		if err := r.add(e); err != nil {
			return Timeline{}, err
		}
	}
	return r.close(), nil
}

type timelineReader struct {
	t       Timeline
	started bool
	flows   []*laneFlow
	marks   map[uint64]int // episode → index in t.Episodes
	struck  int            // the episode that is listened to, as an index in t.Episodes
	ears    []*listener    // of each lane; nil while nothing has struck, or the load is stopped
}

func newTimelineReader(exp experiment.Experiment) *timelineReader {
	r := &timelineReader{marks: map[uint64]int{}}
	for _, l := range exp.Lanes {
		r.flows = append(r.flows, newLaneFlow(l.Name))
	}
	return r
}

func (r *timelineReader) add(e *history.Event) error {
	if !r.started {
		r.t.Origin, r.started = e.Time, true
	}
	if e.Time-r.t.Origin > maxTicks || e.Time < r.t.Origin-maxTicks {
		return fmt.Errorf("results: %w: segment %d has an event %v after the first", ErrTimeline, e.Segment,
			time.Duration(e.Time-r.t.Origin)*time.Microsecond)
	}
	r.t.End = max(r.t.End, e.Time)
	switch e.Kind {
	case history.Send, history.Outcome, history.Delivery, history.ApplyEnd, history.GiveUp:
		if int(e.Lane) < len(r.flows) {
			r.flows[e.Lane].add(e, r.t.Origin)
			if r.ears != nil {
				r.ears[e.Lane].hear(e)
			}
		}
	case history.EpisodeBegin, history.EpisodeEnd, history.CheckpointBegin, history.CheckpointEnd,
		history.FaultInject, history.FaultRecover, history.FaultVerified:
		r.mark(e)
	}
	return nil
}

func (r *timelineReader) mark(e *history.Event) {
	i, known := r.marks[e.Ref]
	if !known {
		if e.Kind != history.EpisodeBegin {
			return // of no episode: a checkpoint before the first, say
		}
		i = len(r.t.Episodes)
		r.marks[e.Ref] = i
		r.t.Episodes = append(r.t.Episodes, EpisodeMarks{Number: int(e.Ref), Fault: e.Name, Begin: e.Time})
		return
	}
	m := &r.t.Episodes[i]
	last := len(m.Strikes) - 1
	switch e.Kind {
	case history.FaultInject:
		m.Strikes = append(m.Strikes, Strike{Begin: e.Time})
		if len(m.Strikes) == 1 {
			r.listen(i, e.Time)
		}
	case history.FaultRecover:
		if last >= 0 && m.Strikes[last].Recover == 0 {
			m.Strikes[last].Recover = e.Time
		}
	case history.FaultVerified:
		if last >= 0 {
			m.Strikes[last].Verified = e.Time
		}
	case history.CheckpointBegin:
		r.deafen()
		if m.Checkpoint == 0 {
			m.Checkpoint = e.Time
		}
	case history.CheckpointEnd: // one a lane: the last closes
		m.CheckpointEnded = e.Time
	case history.EpisodeEnd:
		r.deafen()
		m.End = e.Time
	}
}

// listen begins to measure silences of an episode.
func (r *timelineReader) listen(episode int, strike int64) {
	r.deafen()
	r.struck = episode
	for range r.flows {
		r.ears = append(r.ears, newListener(strike))
	}
}

// deafen ends it.
func (r *timelineReader) deafen() {
	for _, l := range r.ears {
		r.t.Episodes[r.struck].Silent = append(r.t.Episodes[r.struck].Silent, l.close())
	}
	r.ears = nil
}

// close gives every series of every lane one length.
func (r *timelineReader) close() Timeline {
	r.deafen()
	bins := 0
	if r.started {
		bins = int((r.t.End-r.t.Origin)/binTicks) + 1
	}
	for _, f := range r.flows {
		r.t.Lanes = append(r.t.Lanes, f.close(bins, r.t.Origin))
	}
	return r.t
}
