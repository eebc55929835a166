package serve

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/results"
)

const (
	// lookEvery is how often a run in progress is looked at.
	lookEvery = time.Second
	// lingers is how long a run is followed on when nobody looks: a page without script comes back every few seconds.
	lingers = 15 * time.Second
	// remembers is how many looks are kept, for drawing.
	remembers = 120
)

// lives are the runs in progress that somebody looks at. Each is followed once, however many look.
type lives struct {
	auditor Auditor

	mu     sync.Mutex
	of     map[string]*live
	closed bool
}

func newLives(a Auditor) *lives { return &lives{auditor: a, of: map[string]*live{}} }

// live is one run in progress, followed. Methods are safe for concurrent use.
type live struct {
	all    *lives
	path   string
	dir    results.Dir
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu       sync.Mutex
	looking  int           // pages that show it
	left     *time.Timer   // runs while nobody looks
	changed  chan struct{} // closed, and replaced, with every change
	progress progress
}

// progress is what is known of a run in progress.
type progress struct {
	Stage    stage
	Lanes    []laneRate
	Found    []Found
	Warnings []string
	Seen     time.Time // when it was last seen to do something
	Trouble  string    // why it cannot be followed
}

// laneRate is how a lane fares.
type laneRate struct {
	Name                             string
	Mode                             string
	Confirm                          bool // acknowledgements are counted; else what was sent counts as that
	Sent                             int64
	Acked                            int64
	Applied                          int64
	Flying                           int64
	SentRate, AckedRate, AppliedRate float64 // messages a second; NaN before the second look
	AckedPast, AppliedPast           []float64
}

// join follows a run, or goes on following it. The caller must leave.
func (a *lives) join(path string, d results.Dir) *live {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.of[path]
	if l == nil {
		ctx, cancel := context.WithCancel(context.Background())
		l = &live{all: a, path: path, dir: d, cancel: cancel, changed: make(chan struct{})}
		if a.closed {
			cancel()
		} else {
			a.of[path] = l
		}
		first := newFollower(l)
		first.look() // so that whoever joins sees something at once
		l.done.Go(func() { first.follow(ctx) })
		if a.auditor != nil {
			l.done.Go(func() { l.audit(ctx) })
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.looking++
	if l.left != nil {
		l.left.Stop()
		l.left = nil
	}
	return l
}

// leave says that a page does not show it any more. When none does for a while, it is not followed any more.
func (l *live) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.looking--; l.looking == 0 {
		l.left = time.AfterFunc(lingers, l.drop)
	}
}

func (l *live) drop() {
	l.all.mu.Lock()
	defer l.all.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.looking == 0 && l.all.of[l.path] == l {
		delete(l.all.of, l.path)
		l.cancel()
	}
}

// close ends everything that is followed, and waits for it.
func (a *lives) close() {
	a.mu.Lock()
	a.closed = true
	of := a.of
	a.of = map[string]*live{}
	a.mu.Unlock()
	for _, l := range of {
		l.cancel()
	}
	for _, l := range of {
		l.done.Wait()
	}
}

// change changes what is known, and tells those who wait for that.
func (l *live) change(f func(*progress)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.progress)
	close(l.changed)
	l.changed = make(chan struct{})
}

// now is what is known, and a channel that is closed when there is more. Its slices are never written to.
func (l *live) now() (progress, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.progress, l.changed
}

// audit asks for findings as they come.
func (l *live) audit(ctx context.Context) {
	err := l.all.auditor.Follow(ctx, l.dir,
		func(f Found) { l.change(func(p *progress) { p.Found = append(slices.Clip(p.Found), f) }) },
		func(w string) { l.change(func(p *progress) { p.Warnings = append(slices.Clip(p.Warnings), w) }) })
	if err != nil && ctx.Err() == nil {
		l.change(func(p *progress) { p.Warnings = append(slices.Clip(p.Warnings), "live audit: "+err.Error()) })
	}
}

// follower reads the files of one run in progress.
type follower struct {
	live     *live
	lanes    []experiment.Lane
	sched    experiment.Schedule
	segments map[string]segment
	journal  *history.Tail
	stage    stage
	rates    []laneRate
	at       int64 // ticks of the last look; 0: there was none
	started  bool
}

// segment is one that is counted.
type segment struct {
	lane string
	live *history.Live
}

func newFollower(l *live) *follower { return &follower{live: l, segments: map[string]segment{}} }

// follow looks until ctx ends.
func (f *follower) follow(ctx context.Context) {
	defer f.close()
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		f.look()
	}
}

func (f *follower) close() {
	for _, s := range f.segments {
		s.live.Close() // only read from
	}
	if f.journal != nil {
		f.journal.Close()
	}
}

// look reads what there is now, and tells.
func (f *follower) look() {
	err := f.read()
	f.live.change(func(p *progress) {
		p.Trouble = ""
		if err != nil {
			p.Trouble = err.Error()
			return
		}
		p.Stage, p.Lanes = f.stage.copy(), slices.Clone(f.rates)
		if seen := lastSign(f.live.dir, time.Now()); seen.After(p.Seen) {
			p.Seen = seen
		}
	})
}

func (f *follower) read() error {
	if !f.started {
		e, err := f.live.dir.LoadExperiment()
		if err != nil {
			return err
		}
		if f.sched, err = f.live.dir.LoadSchedule(); err != nil {
			return err
		}
		f.lanes, f.started = e.Lanes, true
		f.stage = newStage(f.sched)
		for _, l := range f.lanes {
			f.rates = append(f.rates, laneRate{Name: l.Name, Mode: l.Mode.Name, Confirm: l.Mode.Traits.Confirms,
				SentRate: math.NaN(), AckedRate: math.NaN(), AppliedRate: math.NaN()})
		}
	}
	if err := f.discover(); err != nil {
		return err
	}
	f.count()
	if f.journal == nil {
		return nil
	}
	return f.journal.Read(context.Background(), history.FloorTicks(history.Clock()), func(e *history.Event) error {
		f.stage.see(e)
		return nil
	})
}

// discover finds segments that were not there yet.
func (f *follower) discover() error {
	entries, err := os.ReadDir(f.live.dir.History())
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	for _, e := range entries {
		path := filepath.Join(f.live.dir.History(), e.Name())
		if _, known := f.segments[path]; known || !e.Type().IsRegular() || filepath.Ext(path) != history.Extension {
			continue
		}
		h, err := history.Open(path)
		if err != nil {
			return err
		}
		info := h.Segments()[0]
		if info.Header.Role == "" {
			continue // it is only just being made
		}
		if info.Header.Role == "controller" && f.journal == nil {
			f.journal = history.Follow(path)
		}
		live, err := history.WatchCounters(path)
		if err != nil {
			continue // as above
		}
		f.segments[path] = segment{lane: info.Header.Lane, live: live}
	}
	return nil
}

// count sums up the live figures of each lane. Those of lives that ended stay in their segments, so that sums only grow.
func (f *follower) count() {
	now := history.FloorTicks(history.Clock())
	span := float64(now-f.at) / history.TicksPerSecond
	for i := range f.rates {
		r := &f.rates[i]
		before := *r
		sum := func(c history.Counter) (n int64) {
			for _, s := range f.segments {
				if s.lane == r.Name {
					n += int64(s.live.Load(c)) // a gauge counts down by what overflows: the sum is right again
				}
			}
			return n
		}
		r.Sent, r.Acked, r.Applied, r.Flying = sum(history.Sent), sum(history.AckedSends), sum(history.Applied), sum(history.InFlight)
		if !r.Confirm {
			r.Acked, r.Flying = r.Sent, 0
		}
		if f.at == 0 || span <= 0 {
			continue
		}
		rate := func(now, before int64) float64 { return max(0, float64(now)-float64(before)) / span }
		r.SentRate, r.AckedRate, r.AppliedRate = rate(r.Sent, before.Sent), rate(r.Acked, before.Acked), rate(r.Applied, before.Applied)
		r.AckedPast, r.AppliedPast = remember(r.AckedPast, r.AckedRate), remember(r.AppliedPast, r.AppliedRate)
	}
	f.at = now
}

// remember appends a rate in memory of its own, since others hold what was before.
func remember(past []float64, now float64) []float64 {
	past = append(slices.Clip(past), now)
	return past[max(0, len(past)-remembers):]
}
