package run

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"time"

	"waybill/harness/history"
	"waybill/harness/steady"
	"waybill/targets"
)

// Replicates that are held against each other take turns: their clients are up at once, each with a queue of its own, and one after another
// sends for a moment while the others are silent. A machine that is shared is faster and slower for seconds at a time; what a moment takes
// from one it then takes from all.
const (
	// leadIn is the beginning of a turn, which does not count: windows fill.
	leadIn = 100 * time.Millisecond
	// turn is how much of it counts.
	turn = 3 * benchBin
	// leastTurns are how many turns are measured at least: two turns of the same load differ by a fifth where the brokers are short of
	// processors, and it takes as many to see a difference of some percent in ten blocks.
	leastTurns = 24
	// turnsToWarm is after how many turns each replicate has warmed up at the latest. All are up meanwhile: what takes long in a broker that is
	// cold, it does for all of them.
	turnsToWarm = 5
	// silentWithin is how long what was sent in a turn may be without its outcome after it, before somebody else has theirs.
	silentWithin = 10 * time.Second
)

// performTurns is the whole of several replicates, but their clearing away.
func performTurns(ctx context.Context, rs []*replicate) error {
	for _, r := range rs {
		if r.job.Tool != nil || r.job.Search != nil {
			return errors.New("run: only replicates with a load of their own take turns")
		}
		if err := r.prepare(ctx); err != nil {
			return err
		}
	}
	t := newTurns(rs)
	if err := rs[0].phase(ctx, "warm-up", t.warm); err != nil {
		return err
	}
	if err := t.measure(ctx); err != nil {
		return err
	}
	for _, r := range rs {
		if err := r.finish(ctx); err != nil {
			return err
		}
	}
	return nil
}

// turns is the order in which replicates send.
type turns struct {
	rs    []*replicate
	warms []steady.Watch
	rng   *rand.Rand
}

func newTurns(rs []*replicate) *turns {
	h := fnv.New64a()
	for _, r := range rs {
		h.Write([]byte(r.exp.Run))
		r.series = newSeries(clock(), benchBin)
	}
	return &turns{rs: rs, warms: make([]steady.Watch, len(rs)), rng: rand.New(rand.NewPCG(rs[0].exp.Seed, h.Sum64()))}
}

// round gives each its turn, in an order of its own, and calls after with the number of each when it was.
func (t *turns) round(ctx context.Context, after func(i int, used processors)) error {
	for _, i := range t.rng.Perm(len(t.rs)) {
		used, err := t.rs[i].turn(ctx)
		if err != nil {
			return err
		}
		after(i, used)
	}
	return nil
}

// warm lasts until the rates of all have settled, or have had the longest warm-up.
func (t *turns) warm(ctx context.Context) error {
	seen := make([]int, len(t.rs))
	longest := min(t.rs[0].job.Warm, turnsToWarm*turn)
	for time.Duration(t.rs[0].series.bins())*benchBin < longest {
		err := t.round(ctx, func(i int, _ processors) {
			r := t.rs[i]
			for _, n := range r.good()[seen[i]:] {
				r.end.Settled = t.warms[i].Add(float64(n)) || r.end.Settled
			}
			seen[i] = r.series.bins()
		})
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(t.rs, func(r *replicate) bool { return !r.end.Settled }) {
			break
		}
	}
	return nil
}

// measure gives turns until each has been measured for as long as it is to be.
func (t *turns) measure(ctx context.Context) error {
	for _, r := range t.rs {
		r.tell(Progress{Phase: measured})
		r.end.From = r.series.bins()
		r.end.FromTick = r.series.tick()
		r.journal.put(history.Event{Kind: history.PhaseBegin, Name: measured, Time: r.end.FromTick})
	}
	for done := time.Duration(0); done < max(t.rs[0].job.Measure, leastTurns*turn); done += turn {
		err := t.round(ctx, func(i int, used processors) {
			t.rs[i].end.Clients += used.clients
			t.rs[i].end.Brokers += used.brokers
		})
		if err != nil {
			return err
		}
	}
	for _, r := range t.rs {
		r.end.To = r.series.bins()
		r.end.ToTick = r.series.tick()
		r.journal.put(history.Event{Kind: history.PhaseEnd, Name: measured, Time: r.end.ToTick})
	}
	return nil
}

// turn lets the producers send for one turn, and waits until nothing of it is in flight. It says what was used in the part that counts.
func (r *replicate) turn(ctx context.Context) (used processors, err error) {
	if err := orders(ctx, r.lane.producers, "resume", nil); err != nil {
		return used, err
	}
	if err := targets.Pause(ctx, leadIn); err != nil {
		return used, err
	}
	before, err := r.processors()
	if err != nil {
		return used, err
	}
	r.series.skip(clock(), r.lane.totals())
	for end := r.series.bins() + int(turn/r.series.width); r.series.bins() < end; {
		if err := r.look(ctx); err != nil {
			return used, err
		}
	}
	after, err := r.processors()
	if err != nil {
		return used, err
	}
	used = processors{clients: after.clients - before.clients, brokers: after.brokers - before.brokers}
	if err := orders(ctx, r.lane.producers, "pause", nil); err != nil {
		return used, err
	}
	return used, r.silence(ctx)
}

// silence waits until everything that was sent has its outcome.
func (r *replicate) silence(ctx context.Context) error {
	late, cancel := context.WithTimeout(ctx, silentWithin)
	defer cancel()
	for sum(history.InFlight, r.lane.producers) > 0 {
		if err := targets.Pause(late, 2*time.Millisecond); err != nil {
			if ctx.Err() != nil {
				return err
			}
			return fmt.Errorf("%d messages had no outcome within %s", sum(history.InFlight, r.lane.producers), silentWithin)
		}
	}
	return nil
}
