package campaign

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/page"
)

// CompareJob is several directories, of runs and of benchmarks, that are to be shown on one page.
type CompareJob struct {
	Dirs     []string
	Baseline []string // those that the others are held against; they need not be in Dirs
	Out      string   // path of the page: links lead from there
	Command  []string // as given, program first
	Verdict  func(context.Context, results.Dir) (semantics.Verdict, error)
	Warn     func(error) // what could not be read of one directory, and is missing on the page
}

// Compare writes the page. Errors are of the first directory that is of neither kind or cannot be read.
func Compare(ctx context.Context, w io.Writer, job CompareJob) error {
	c := page.Comparison{Repeat: results.Command(job.Command...)}
	base, err := job.baseline(ctx, &c)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, path := range job.Baseline {
		known[filepath.Clean(path)] = true
	}
	for _, path := range job.Dirs {
		if known[filepath.Clean(path)] {
			continue // named twice, such as by a pattern that the baseline matches too
		}
		known[filepath.Clean(path)] = true
		if err := job.add(ctx, &c, path, false, base); err != nil {
			return err
		}
	}
	return page.WriteComparison(w, c)
}

// baseline adds what the others are held against. Of several benchmarks it is the first that throughput is compared with.
func (job CompareJob) baseline(ctx context.Context, c *page.Comparison) (*bench.Edition, error) {
	var base *bench.Edition
	for _, path := range job.Baseline {
		if err := job.add(ctx, c, path, true, nil); err != nil {
			return nil, err
		}
		d, err := bench.OpenDir(path)
		if err != nil || base != nil {
			continue
		}
		e, err := edition(d, c.Benches[len(c.Benches)-1].Manifest)
		if err != nil {
			return nil, err
		}
		base = &e
	}
	return base, nil
}

// add reads one directory.
func (job CompareJob) add(ctx context.Context, c *page.Comparison, path string, baseline bool, base *bench.Edition) error {
	if b, err := bench.OpenDir(path); err == nil {
		m, err := job.measured(b, path, baseline, base)
		c.Benches = append(c.Benches, m)
		return err
	}
	d, err := results.OpenDir(path)
	if err != nil {
		return err
	}
	r, err := job.run(ctx, d, path, baseline)
	c.Runs = append(c.Runs, r)
	return err
}

func (job CompareJob) measured(d bench.Dir, path string, baseline bool, base *bench.Edition) (m page.Measured, err error) {
	m = page.Measured{Dir: path, Baseline: baseline, Link: job.link(d.Report())}
	if m.Summary, _, err = d.Load(); err != nil {
		return m, err
	}
	if m.Manifest, err = results.Dir(d).LoadManifest(); err != nil || base == nil {
		return m, err
	}
	e, err := edition(d, m.Manifest)
	if err != nil {
		return m, err
	}
	compared := bench.Compare(e, *base)
	m.Compared = &compared
	return m, nil
}

func (job CompareJob) run(ctx context.Context, d results.Dir, path string, baseline bool) (r page.Run, err error) {
	r = page.Run{Dir: path, Baseline: baseline, Link: job.link(d.Report())}
	if r.Verdict, err = job.Verdict(ctx, d); err != nil {
		return r, err
	}
	if r.Experiment, err = d.LoadExperiment(); err != nil {
		return r, err
	}
	if r.Manifest, err = d.LoadManifest(); err != nil {
		return r, err
	}
	// A verdict stands without its history; only how long a fault silenced a mode is not known then.
	h, err := history.Open(d.History())
	if err != nil {
		job.Warn(fmt.Errorf("%s: unavailability is not shown: %w", path, err))
		return r, nil
	}
	t, err := results.ReadTimeline(h, r.Experiment)
	if err != nil {
		job.Warn(fmt.Errorf("%s: unavailability is not shown: %w", path, err))
		return r, nil
	}
	r.Silences = results.Silences(r.Verdict, t)
	return r, nil
}

// link is the address of a report from the page; "" if there is no such report.
func (job CompareJob) link(report string) string {
	if _, err := os.Stat(report); err != nil {
		return ""
	}
	from, err := filepath.Abs(filepath.Dir(job.Out))
	if err != nil {
		return ""
	}
	to, err := filepath.Abs(report)
	if err != nil {
		return ""
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return ""
	}
	return filepath.ToSlash(rel)
}
