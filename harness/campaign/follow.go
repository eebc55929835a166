package campaign

import (
	"context"

	"waybill/results"
)

// Follow audits the run in d while another process makes it, until ctx ends: as Test does meanwhile, at the lowest priority, and with no help
// from that process. What is certain it tells found, what else a person should know warn; calls come from one goroutine.
func Follow(ctx context.Context, d results.Dir, found func(Certain), warn func(string)) error {
	e, err := d.LoadExperiment()
	if err != nil {
		return err
	}
	s, err := d.LoadSchedule()
	if err != nil {
		return err
	}
	done := make(chan struct{})
	go func() { // watch keeps its thread for good
		defer close(done)
		watch(ctx, Plan{Experiment: e, Schedule: s}, d.History(), func(n watched) {
			if n.warning != "" {
				warn(n.warning)
				return
			}
			found(n.found)
		})
	}()
	<-done
	return ctx.Err()
}
