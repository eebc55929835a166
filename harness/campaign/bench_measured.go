package campaign

import (
	"context"

	"waybill/harness/history"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/measure"
)

// measured reads off a replicate's history what the live figures do not have: latencies, how late sends were, and which of the messages
// applied were new ones. What an arm that only publishes is compared by stays as the live figures have it, as of those that have no history.
func measured(ctx context.Context, d results.Dir, w carried, a bench.Arm, r *bench.Replicate) error {
	e, err := d.LoadExperiment()
	if err != nil {
		return err
	}
	h, err := history.Open(d.History())
	if err != nil {
		return err
	}
	f, err := measure.Run(ctx, h, measure.Job{Lane: e.Lanes[0], Load: e.Load, Late: a.PublishOnly, Window: measure.Window{From: w.end.FromTick, To: w.end.ToTick}})
	if err != nil {
		return err
	}
	r.Late = f.Late
	// Under more load than goes through, latencies are how long the overload lasted.
	if a.Phase == bench.PhaseLatency || a.Phase == bench.PhaseWindow {
		r.Latency = f.Latency
	}
	if !a.PublishOnly {
		r.Goodput = f.Goodput
	}
	return nil
}
