package campaign

import (
	"context"
	"runtime/debug"
	"time"

	"waybill/harness/run"
)

// measureEvery is how often the memory of a lab's processes is looked at.
const measureEvery = time.Second

// residentAfterwards is what this process holds resident once it has given back what it does not use.
func residentAfterwards() int64 {
	debug.FreeOSMemory()
	return run.Resident()
}

// measurePeak looks at the harness's own processes below this one until peak is called, or ctx ends: it returns how much they held
// together at most.
func measurePeak(ctx context.Context) (peak func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	most := make(chan int64, 1)
	go func() {
		t := time.NewTicker(measureEvery)
		defer t.Stop()
		var n int64
		for {
			select {
			case <-ctx.Done():
				most <- n
				return
			case <-t.C:
				n = max(n, run.ResidentBelow())
			}
		}
	}()
	return func() int64 {
		cancel()
		return <-most
	}
}
