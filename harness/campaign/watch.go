package campaign

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"waybill/checkers"
	"waybill/harness/history"
)

// Watch says what is made of a run while it goes on.
type Watch struct {
	Live         bool // audit it meanwhile, and tell what is certain
	StopOnBroken bool // end it in good order at the first finding that breaks a promise; needs Live
}

// Certain is a finding of the live audit.
type Certain = checkers.Certain

const (
	watchEvery = time.Second
	// watchLag is how far the live audit keeps behind the recorders. It is about order alone (see history.Tail); where an event came
	// later than that, it doubles, up to watchLagMost.
	watchLag     = time.Second
	watchLagMost = 30 * time.Second
	// watchRest is how long it rests after looking, by how long that took: it is never given more than a fifth of one processor.
	watchRest = 4
)

// watched is something that the live audit has to say.
type watched struct {
	found   checkers.Certain
	warning string // instead
}

// watcher audits a history while it is being recorded.
type watcher struct {
	tail *history.Tail
	live *checkers.Live
	tell func(watched)
	lag  time.Duration
	late int64
}

// watch audits the history in dir until ctx ends. It runs at the lowest priority, in a thread of its own, outside the lab: the run comes
// first, and a verdict does not wait for it. An error ends it, and is told; the run goes on.
func watch(ctx context.Context, p Plan, dir string, tell func(watched)) {
	runtime.LockOSThread() // for good: the thread ends with the goroutine, and its priority with it
	if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19); err != nil {
		tell(watched{warning: fmt.Sprintf("live audit: it runs at ordinary priority: %v", err)})
	}
	w := newWatcher(p, dir, tell)
	defer w.tail.Close() // only read from
	t := time.NewTimer(watchEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		began := time.Now()
		if err := w.look(ctx, history.FloorTicks(history.Clock())); err != nil {
			if !errors.Is(err, context.Canceled) {
				tell(watched{warning: fmt.Sprintf("live audit: it ends here, and the verdict will rest on the whole history: %v", err)})
			}
			return
		}
		t.Reset(max(watchEvery, watchRest*time.Since(began)))
	}
}

func newWatcher(p Plan, dir string, tell func(watched)) *watcher {
	in := checkers.Input{Experiment: p.Experiment, Schedule: p.Schedule}
	before := func(until int64) history.Source { return history.Before{Dir: dir, Until: until} }
	return &watcher{tail: history.Follow(dir), live: checkers.NewLive(in, before), tell: tell, lag: watchLag}
}

// look takes what was recorded up to some time before now (ticks), and tells what is new and certain.
func (w *watcher) look(ctx context.Context, now int64) error {
	until := now - w.lag.Microseconds()
	if err := w.tail.Read(ctx, until, w.live.See); err != nil {
		return err
	}
	if late := w.tail.Late(); late > w.late {
		if w.late == 0 {
			w.tell(watched{warning: fmt.Sprintf("live audit: %d events were recorded more than %s late: it keeps further behind, and reads everything again before it accuses", late, w.lag)})
		}
		w.late, w.lag = late, min(2*w.lag, watchLagMost)
		w.live.Missed()
	}
	news, err := w.live.Certain(ctx, until)
	for _, c := range news {
		w.tell(watched{found: c})
	}
	return err
}
