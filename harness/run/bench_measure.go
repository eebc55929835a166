package run

import (
	"context"
	"fmt"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/steady"
	"waybill/targets"
)

// measured is the phase of a replicate whose figures count.
const measured = "measure"

// begin lets the producers send, and the series begin.
func (r *replicate) begin(ctx context.Context) error {
	r.series = newSeries(clock(), benchBin)
	return orders(ctx, r.lane.producers, "resume", nil)
}

// clock is now on the history's clock.
func clock() time.Duration { return time.Duration(history.Clock()) }

// look waits for the end of the bin that is under way, and counts.
func (r *replicate) look(ctx context.Context) error {
	if err := targets.Pause(ctx, r.series.end(r.series.next(clock())-1)-clock()); err != nil {
		return err
	}
	r.series.add(clock(), r.lane.totals())
	return nil
}

// good is the series that counts: messages applied; while nobody consumes, acknowledged ones, or sent ones in a mode without confirmations.
func (r *replicate) good() []int64 {
	switch {
	case !r.job.Late:
		return r.series.applied
	case r.lane.spec.Mode.Traits.Confirms:
		return r.series.acked
	}
	return r.series.sent
}

// warm lets the load run until throughput has settled, or the longest warm-up is over.
func (r *replicate) warm(ctx context.Context) error {
	if err := r.begin(ctx); err != nil {
		return err
	}
	var w steady.Watch
	for until := r.series.next(clock() + r.job.Warm); r.series.bins() < until; {
		seen := r.series.bins()
		if err := r.look(ctx); err != nil {
			return err
		}
		for _, n := range r.good()[seen:] {
			if w.Add(float64(n)) {
				r.end.Settled = true
				return nil
			}
		}
	}
	return nil
}

// measure marks the bins that count.
func (r *replicate) measure(ctx context.Context) error {
	r.tell(Progress{Phase: measured})
	from, before, err := r.mark(ctx, r.series.next(clock()))
	if err != nil {
		return err
	}
	r.journal.put(history.Event{Kind: history.PhaseBegin, Name: measured, Time: from})
	r.end.From = r.series.bins()
	to, after, err := r.mark(ctx, r.end.From+int(r.job.Measure/r.series.width))
	if err != nil {
		return err
	}
	r.journal.put(history.Event{Kind: history.PhaseEnd, Name: measured, Time: to})
	r.end.To = r.series.bins()
	r.end.FromTick, r.end.ToTick = from, to
	r.end.Clients, r.end.Brokers = after.clients-before.clients, after.brokers-before.brokers
	return nil
}

// mark counts until a bin begins, and says when that was in ticks and how much processor time had been used by then.
func (r *replicate) mark(ctx context.Context, bin int) (tick int64, used processors, err error) {
	for r.series.bins() < bin {
		if err := r.look(ctx); err != nil {
			return 0, used, err
		}
	}
	used, err = r.processors()
	return r.series.tick(), used, err
}

// processors are seconds of processor time.
type processors struct{ clients, brokers float64 }

// processors is what everything on the hosts of clients and of brokers has used so far.
func (r *replicate) processors() (p processors, err error) {
	read := func(to *float64, h *lab.Host) {
		used, e := h.Processor()
		if e != nil && err == nil {
			err = fmt.Errorf("run: processor time: %w", e)
		}
		*to += used.Seconds()
	}
	for _, b := range r.brokers {
		read(&p.brokers, b.host)
	}
	for _, m := range r.lane.clients() {
		read(&p.clients, m.host)
	}
	return p, err
}
