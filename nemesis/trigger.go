package nemesis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"waybill/harness/history"
)

// trigger is something to wait for before a strike, and to report after it.
type trigger interface {
	look() bool
	// strike does it to the hosts: at once, or to each at a moment of its own.
	strike(ctx context.Context, hosts []string, do func(hosts ...string) error) error
	exposure() Exposure
	reset() // the victims live again, or are about to be struck
}

// inFlight is the trigger of faults that strike brokers or links: in every lane whose publishes are confirmed, at least one is unconfirmed.
// Producers burst in step, so such instants come often.
type inFlight struct {
	v    View
	seen []string // after a look: what was in flight, by lane
	n    int64
	all  bool
}

func (f *inFlight) look() bool {
	f.seen, f.n, f.all = f.seen[:0], 0, true
	for _, l := range f.v.Lanes {
		if !l.Mode.Traits.Confirms {
			continue
		}
		n := int64(f.v.sum(history.InFlight, l.Producers))
		f.n += n
		f.all = f.all && n > 0
		f.seen = append(f.seen, fmt.Sprintf("%d on %s", n, l.Name))
	}
	return f.all
}

func (f *inFlight) reset() {}

// strike does it to all at one instant, the one that was waited for.
func (f *inFlight) strike(_ context.Context, hosts []string, do func(hosts ...string) error) error {
	return do(hosts...)
}

func (f *inFlight) exposure() Exposure {
	return Exposure{Bit: f.all, Count: f.n, Text: "publishes without a confirmation at the strike: " + strings.Join(f.seen, ", ")}
}

// eachInTime does it to each victim as soon as that is ready, and to those that are not when the limit of the trigger has passed. The first
// error ends it.
func eachInTime[T any](ctx context.Context, v View, victims []T, ready func(T) bool, do func(T) error) error {
	left := slices.Clone(victims)
	var failed error
	err := v.await(ctx, func() bool {
		left = slices.DeleteFunc(left, func(x T) bool {
			if failed != nil || !ready(x) {
				return false
			}
			failed = do(x)
			return true
		})
		return len(left) == 0 || failed != nil
	})
	for _, x := range left {
		if failed == nil && err == nil {
			failed = do(x)
		}
	}
	return errors.Join(err, failed)
}
