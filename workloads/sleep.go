package workloads

import (
	"context"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/experiment"
)

// sleep waits between messages. Where a load is measured it wakes within some tens of microseconds: the runtime's timers may be a
// millisecond late in a process that has nothing else to do, which would be most of a fast broker's latency.
type sleep struct {
	wake  <-chan struct{} // ends a wait of more than a millisecond
	timer *time.Timer
	exact *os.File // a timer of the kernel's; nil: the runtime's does
	fd    int      // the same: asking exact for it would make it block a thread
}

const (
	// coarse is what the runtime's timers may be late by: the rest of a wait is left to the kernel's.
	coarse = 1200 * time.Microsecond
	// grain is the shortest wait: at higher rates what falls due meanwhile goes out together. More wake-ups than these cost the broker
	// beside it more than they tell.
	grain = 200 * time.Microsecond
)

func newSleep(wake <-chan struct{}, l experiment.Load) (*sleep, error) {
	s := &sleep{wake: wake, timer: time.NewTimer(time.Hour)}
	if l.Window == 0 {
		return s, nil
	}
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("workloads: make a timer: %w", err)
	}
	s.exact, s.fd = os.NewFile(uintptr(fd), "timer"), fd
	return s, nil
}

// until waits until next, but not longer than limit; zero: there is no next. An error is that of ctx, or the timer's.
func (s *sleep) until(ctx context.Context, next, limit time.Time) error {
	wait := time.Until(limit)
	if to := time.Until(next); !next.IsZero() && to < wait {
		switch wait = to; {
		case to <= 0:
			return ctx.Err()
		case s.exact != nil && to <= coarse:
			return s.exactly(max(grain, to))
		case s.exact != nil:
			wait -= coarse
		}
	}
	s.timer.Reset(wait)
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s.wake:
	case <-s.timer.C:
	}
	return nil
}

// exactly waits for a timer of the kernel's, which wakes the runtime as a connection would.
func (s *sleep) exactly(d time.Duration) error {
	t := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(d))}
	if err := unix.TimerfdSettime(s.fd, 0, &t, nil); err != nil {
		return fmt.Errorf("workloads: set a timer: %w", err)
	}
	var fired [8]byte
	if _, err := s.exact.Read(fired[:]); err != nil {
		return fmt.Errorf("workloads: wait for a timer: %w", err)
	}
	return nil
}

func (s *sleep) end() {
	s.timer.Stop()
	if s.exact != nil {
		_ = s.exact.Close()
	}
}
