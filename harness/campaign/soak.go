package campaign

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results"
)

// RoundSeed is the seed of the n-th round of a soak. No two rounds of one soak have the same: the step is odd, so that n takes every
// value of 32 bits once.
func RoundSeed(seed uint64, n int) uint64 {
	const step = 0x9E3779B1 // 2^32 by the golden ratio
	return uint64(uint32(seed*0x9E3779B97F4A7C15>>32)+uint32(n)*step) + 1
}

// SoakOptions say how long a soak lasts and how its rounds are made known.
type SoakOptions struct {
	Length  time.Duration                             // no round begins that would end later, by the longest until then; but for the first
	Out     string                                    // folder that the soak's directory is made in
	Command func(seed uint64) []string                // that repeats a round
	Watch   Watch                                     // of each round
	Began   func(round int) Listener                  // for what happens in it
	Ended   func(r results.Round, soFar results.Soak) // after it was judged
	Stop    <-chan struct{}                           // ends the soak with the round under way, healed and judged
	Kill    <-chan struct{}                           // ends it at once
}

// Soak repeats a test for a time, every round with a seed, a lab, brokers and queues of its own, so that a round needs no more memory or disk than
// any other, and n injections of a fault in n rounds are independent of each other. (It does not show what only brokers that grow old
// together would.) A round that kept every promise leaves a line in rounds.jsonl; one that is inconclusive also its verdict; one that
// broke a promise, or failed, all of its run directory. An error that wraps ErrRun or ErrFull ends the soak.
func Soak(ctx context.Context, s experiment.Spec, site Site, o SoakOptions) (results.Soak, results.SoakDir, error) {
	sum := results.Soak{Seed: s.Seed}
	began := time.Now()
	dir, err := results.NewSoakDir(o.Out, began, s.Seed)
	if err != nil {
		return sum, dir, err
	}
	longest := time.Duration(0)
	for n := 1; ; n++ {
		at := time.Now()
		r, err := round(ctx, s, site, o, dir, n)
		longest = max(longest, time.Since(at))
		if len(r.Result) > 0 {
			sum.Add(r)
			o.Ended(r, sum)
			err = errors.Join(err, dir.Note(r), dir.SaveSummary(sum))
		}
		switch {
		case err != nil:
			return sum, dir, err
		case r.CutShort != "", time.Since(began)+longest > o.Length:
			return sum, dir, nil
		}
	}
}

// round carries out one round. Its Result is "" if nothing was judged.
func round(ctx context.Context, s experiment.Spec, site Site, o SoakOptions, dir results.SoakDir, n int) (results.Round, error) {
	s.Seed = RoundSeed(s.Seed, n)
	command := o.Command(s.Seed)
	r := results.Round{Number: n, Seed: s.Seed, Command: results.Manifest{Command: command, Seed: s.Seed}.Repeat()}
	plans, err := site.Resolve(s, nil)
	if err != nil {
		return r, err
	}
	began := time.Now()
	peak := measurePeak(ctx)
	for _, p := range plans {
		l := &placed{Listener: o.Began(n)}
		v, testErr := Test(ctx, p, site, string(dir), command, o.Watch, l, o.Stop, o.Kill)
		if v.Result != "" {
			r.Take(v)
		}
		kept, err := thin(l.dir, v.Result, testErr)
		if kept {
			r.Dirs = append(r.Dirs, l.dir)
		}
		if err = errors.Join(testErr, err); err != nil {
			peak()
			return r, err
		}
		if v.CutShort != "" {
			break
		}
	}
	r.Seconds = time.Since(began).Seconds()
	r.Memory = results.Memory{Lab: peak(), Parent: residentAfterwards()}
	r.Disk, err = diskUse(string(dir))
	return r, err
}

// placed notes where a run is.
type placed struct {
	Listener
	dir results.Dir
}

func (p *placed) Planned(plan Plan, d results.Dir) {
	p.dir = d
	p.Listener.Planned(plan, d)
}

// left is what is left of an inconclusive run.
var left = []string{"verdict.json", "manifest.json", "experiment.yaml", "schedule.yaml"}

// thin removes of a run directory what nobody needs, and says whether anything is left. Of a run that broke a promise, or failed, that is all.
func thin(d results.Dir, result semantics.Result, failed error) (kept bool, err error) {
	switch {
	case failed != nil || result == semantics.Broken || d == "":
		return d != "", nil
	case result == semantics.Kept:
		return false, os.RemoveAll(string(d))
	}
	entries, err := os.ReadDir(string(d))
	if err != nil {
		return true, fmt.Errorf("campaign: %w", err)
	}
	for _, e := range entries {
		if !slices.Contains(left, e.Name()) {
			err = errors.Join(err, os.RemoveAll(d.Path(e.Name())))
		}
	}
	return true, err
}

// diskUse is how many bytes the files below dir have.
func diskUse(dir string) (n int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			n += info.Size()
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("campaign: %w", err)
	}
	return n, nil
}
