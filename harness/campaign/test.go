package campaign

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results"
)

// Listener is told what happens. Calls come from one goroutine.
type Listener interface {
	Planned(p Plan, d results.Dir)
	Told(p run.Progress)
	Found(c Certain) // by the live audit
	Judged(v semantics.Verdict, d results.Dir, warning error)
}

// ErrFull says that the disk of the run directory was full. What was recorded until then is there and was judged.
var ErrFull = errors.New("the disk of the run directory is full")

// ErrRun says that the harness or the broker could not be run to the end. What was recorded is in the run directory all the same.
var ErrRun = errors.New("the run could not be carried out")

// ExitRun is the exit code of a run that failed, unless a promise was seen broken before.
const ExitRun = 4

// Test carries one plan out and judges it. stop asks it to heal, drain, judge what there is and return; closing kill ends it at once
// (and judges what there is). With an error the verdict may be one of what was recorded until then; its Result is "" where there is none:
// of a run that failed before its first episode nothing is judged.
func Test(ctx context.Context, p Plan, site Site, out string, command []string, w Watch, l Listener, stop, kill <-chan struct{}) (semantics.Verdict, error) {
	var none semantics.Verdict
	started := time.Now()
	d, err := results.NewDir(out, p.Experiment.Target, started, p.Experiment.Seed)
	if err != nil {
		return none, err
	}
	m := results.NewManifest(p.Experiment.Seed, command, started)
	m.Target, m.Version, m.Facts = p.Experiment.Target, site.Distribution.Version, map[string]string{}
	maps.Copy(m.Facts, site.Distribution.Facts)
	if err := errors.Join(d.SaveExperiment(p.Experiment), d.SaveSchedule(p.Schedule), d.SaveManifest(m)); err != nil {
		return none, err
	}
	l.Planned(p, d)
	began, runErr := carryOut(ctx, p, d, site, w, l, m.Facts, stop, kill)
	m.Ended = time.Now().UTC()
	if runErr != nil && !began {
		return none, errors.Join(fmt.Errorf("%w; what there is to see of it is in %s", runErr, d), d.SaveManifest(m))
	}
	v, err := Judge(ctx, d)
	if err != nil {
		return none, errors.Join(runErr, err)
	}
	if errors.Is(runErr, ErrRun) && v.Result != semantics.Broken {
		v.ExitCode = ExitRun
	}
	// The verdict is printed whatever becomes of its views: the disk may be full. The report reads the manifest.
	unsaved := d.SaveManifest(m)
	warning, err := Publish(d, v)
	l.Judged(v, d, errors.Join(unsaved, warning, err))
	return v, runErr
}

// carryOut runs the lab to its end, and says whether an episode began. To facts it adds what is found out on the way.
func carryOut(ctx context.Context, p Plan, d results.Dir, site Site, w Watch, l Listener, facts map[string]string, stop, kill <-chan struct{}) (began bool, err error) {
	abs, err := filepath.Abs(string(d))
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrRun, err)
	}
	j := run.Job{Dir: abs, Distribution: site.Distribution, Access: site.Access, Ledger: site.Ledger, Experiment: p.Experiment, Schedule: p.Schedule}
	r, err := run.Start(j)
	if err != nil {
		return false, fmt.Errorf("%w: %w", ErrRun, err)
	}
	news, unwatch := observe(ctx, p, j.History(), w)
	defer unwatch()
	interrupt := func() {
		if err := r.Interrupt(); err != nil {
			r.Kill()
		}
	}
	var last run.Progress
	for told := r.Progress(); told != nil; {
		select {
		case x, open := <-told:
			if !open {
				told = nil
				break
			}
			last, began = x, began || x.Episode > 0
			maps.Copy(facts, x.Facts)
			l.Told(x)
		case n := <-news:
			if n.warning != "" {
				l.Told(run.Progress{Warning: n.warning})
				break
			}
			l.Found(n.found)
			if n.found.Breaks && w.StopOnBroken {
				w.StopOnBroken = false
				l.Told(run.Progress{Line: "a promise is broken: healing, draining and auditing what there is"})
				interrupt()
			}
		case <-stop:
			stop = nil
			interrupt()
		case <-kill:
			kill = nil
			r.Kill()
		}
	}
	unwatch() // the verdict is next: nothing else shall take its time
	code, err := r.Wait(j)
	switch {
	case err == nil && code == 0:
		// Brokers' data is as large as the load; the history has what was seen of it.
		if err := os.RemoveAll(j.Lab()); err != nil {
			return began, fmt.Errorf("campaign: remove the lab's folders: %w", err)
		}
		return began, nil
	case last.Full && began:
		return began, fmt.Errorf("%w: %s: make room, or choose another folder with --out", ErrFull, last.Error)
	case last.Error != "":
		return began, fmt.Errorf("%w: %s", ErrRun, last.Error)
	default:
		return began, errors.Join(fmt.Errorf("%w: the controller ended with code %d", ErrRun, code), err)
	}
}

// observe begins the live audit of a run, if it is wanted. What it has to say comes out of the channel until stop, which waits for its end.
func observe(ctx context.Context, p Plan, dir string, w Watch) (news <-chan watched, stop func()) {
	if !w.Live {
		return nil, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	told := make(chan watched)
	var watching sync.WaitGroup
	watching.Go(func() {
		watch(ctx, p, dir, func(n watched) {
			select {
			case told <- n:
			case <-ctx.Done():
			}
		})
	})
	return told, func() { cancel(); watching.Wait() }
}
