package results

import (
	"github.com/HdrHistogram/hdrhistogram-go"

	"waybill/harness/history"
)

// laneFlow gathers the series of one lane as its events pass in order of time.
type laneFlow struct {
	lane           LaneTimeline
	toAck, toApply latency
}

func newLaneFlow(name string) *laneFlow {
	return &laneFlow{lane: LaneTimeline{Name: name}, toAck: newLatency(), toApply: newLatency()}
}

func (f *laneFlow) add(e *history.Event, origin int64) {
	at := e.Time - origin
	switch e.Kind {
	case history.Send:
		if e.Attempt > 1 {
			return
		}
		intended := e.Time
		if e.Intended != 0 {
			intended = min(max(e.Intended, origin), e.Time)
		}
		bump(&f.lane.Sent, intended-origin)
		f.toAck.begin(e.Msg, intended)
		f.toApply.begin(e.Msg, intended)
	case history.Outcome:
		switch {
		case e.Status == history.Acked:
			bump(&f.lane.Acked, at)
			f.toAck.end(e.Msg, e.Time, at)
			f.toApply.confirm(e.Msg)
		case e.Status == history.Rejected || e.Reason == history.NoConfirmation:
			f.toAck.forget(e.Msg)
		}
	case history.GiveUp:
		f.toAck.forget(e.Msg)
	case history.Delivery:
		bump(&f.lane.Delivered, at)
	case history.ApplyEnd:
		if e.Status == history.OK {
			bump(&f.lane.Applied, at)
			if !f.toApply.end(e.Msg, e.Time, at) {
				bump(&f.lane.Twice, at)
			}
		}
	}
}

func (f *laneFlow) close(bins int, origin int64) LaneTimeline {
	for _, p := range f.toApply.open {
		if p.acked {
			bump(&f.lane.Lost, p.intended-origin)
		}
	}
	l := f.lane
	for _, s := range []*[]int64{&l.Lost, &l.Twice} {
		if len(*s) > 0 {
			*s = append(*s, make([]int64, max(0, bins-len(*s)))...)
		}
	}
	for _, s := range []*[]int64{&l.Sent, &l.Acked, &l.Delivered, &l.Applied} {
		*s = append(*s, make([]int64, max(0, bins-len(*s)))...)
	}
	wide := (bins + latencyFactor - 1) / latencyFactor
	l.ToAck, l.TotalToAck = f.toAck.close(wide)
	l.ToApply, l.TotalToApply = f.toApply.close(wide)
	return l
}

// bump counts one in the bin of an instant relative to the origin.
func bump(bins *[]int64, at int64) {
	i := int(max(0, at) / binTicks)
	for len(*bins) <= i {
		*bins = append(*bins, 0)
	}
	(*bins)[i]++
}

// latency keeps one histogram for the bin being filled and one for all: the history comes in order of time, so a bin that
// has been left is complete and only its quantiles are kept.
type latency struct {
	open     map[history.Msg]pending
	bin, all *hdrhistogram.Histogram
	at       int
	bins     []Quantiles
}

// pending is a message that has not come through: since when it should have, and whether the broker has confirmed it.
type pending struct {
	intended int64
	acked    bool
}

func newLatency() latency {
	return latency{
		open: map[history.Msg]pending{},
		bin:  hdrhistogram.New(1, maxTicks, 2),
		all:  hdrhistogram.New(1, maxTicks, 2),
	}
}

func (l *latency) begin(m history.Msg, intended int64) { l.open[m] = pending{intended: intended} }

// confirm notes that a message which has not come through was acknowledged.
func (l *latency) confirm(m history.Msg) {
	if p, open := l.open[m]; open && !p.acked {
		l.open[m] = pending{p.intended, true}
	}
}

func (l *latency) forget(m history.Msg) { delete(l.open, m) }

// end takes the first completion of a message, and reports whether it was that: later ones are copies.
func (l *latency) end(m history.Msg, now, sinceOrigin int64) bool {
	p, first := l.open[m]
	if !first {
		return false
	}
	delete(l.open, m)
	if i := int(max(0, sinceOrigin) / (binTicks * latencyFactor)); i > l.at {
		l.leave()
		l.at = i
	}
	v := min(max(1, now-p.intended), maxTicks)
	_ = l.bin.RecordValue(v) // cannot fail: v is within the histogram's range
	_ = l.all.RecordValue(v)
	return true
}

func (l *latency) leave() {
	if l.bin.TotalCount() == 0 {
		return
	}
	l.pad(l.at)
	l.bins = append(l.bins, quantiles(l.bin))
	l.bin.Reset()
}

func (l *latency) pad(n int) { l.bins = append(l.bins, make([]Quantiles, max(0, n-len(l.bins)))...) }

func (l *latency) close(bins int) ([]Quantiles, Quantiles) {
	l.leave()
	l.pad(bins)
	return l.bins, quantiles(l.all)
}

func quantiles(h *hdrhistogram.Histogram) Quantiles {
	if h.TotalCount() == 0 {
		return Quantiles{}
	}
	return Quantiles{N: h.TotalCount(), P50: h.ValueAtQuantile(50), P99: h.ValueAtQuantile(99), Max: h.Max()}
}
