package ceiling

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/history"
)

// sampler reads live figures at the ends of bins.
type sampler struct {
	sends, deliveries *history.Counters
	last              [3]uint64
	r                 *Result
}

// measure samples until the last bin that is measured is over.
func (s *sampler) measure(ctx context.Context, c Config) error {
	s.r.Bin = int(c.Bin.Microseconds())
	s.r.From = int((c.Warm + c.Bin - 1) / c.Bin)
	s.r.To = s.r.From + max(1, int(c.Measure/c.Bin))
	t := time.NewTicker(c.Bin)
	defer t.Stop()
	var began time.Time
	for bin := 0; ; bin++ {
		if bin == s.r.From || bin == s.r.To {
			cpu, err := processorTime()
			if err != nil {
				return err
			}
			if bin == s.r.To {
				s.r.CPU, s.r.Elapsed, s.r.ToTick = cpu-s.r.CPU, time.Since(began), history.FloorTicks(history.Clock())
				return nil
			}
			s.r.CPU, began, s.r.FromTick = cpu, time.Now(), history.FloorTicks(history.Clock())
		}
		select {
		case <-t.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		s.sample()
	}
}

// sample adds a bin to the series.
func (s *sampler) sample() {
	now := [3]uint64{s.sends.Load(history.Sent), s.sends.Load(history.AckedSends), s.deliveries.Load(history.Applied)}
	for i, of := range []*[]int64{&s.r.Sent, &s.r.Acked, &s.r.Applied} {
		*of = append(*of, int64(now[i]-s.last[i]))
	}
	s.last = now
}

// processorTime is what this process has used so far.
func processorTime() (time.Duration, error) {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0, fmt.Errorf("ceiling: processor time: %w", err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}
