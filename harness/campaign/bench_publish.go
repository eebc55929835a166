package campaign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"waybill/harness/experiment"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/bench/publish"
	"waybill/results/page"
	"waybill/results/plot"
)

// PublishBench analyses a bench directory and writes every view of it. tested are run directories of tests under faults; nil stands for the
// newest test of each target and version below out. against may be nil. What could not be read or drawn is returned as a warning beside what
// could.
func PublishBench(d bench.Dir, out string, tested []string, against *publish.Against) (bench.Summary, error) {
	p, err := d.LoadPlan()
	if err != nil {
		return bench.Summary{}, err
	}
	var ts []bench.Tested
	if tested == nil {
		ts = newestTests(out, p)
	}
	for _, path := range tested {
		t, err := testIn(path)
		if err != nil {
			return bench.Summary{}, err
		}
		ts = append(ts, t)
	}
	warning := d.SaveTested(ts)
	s, rs, err := d.Load()
	if err != nil {
		return s, errors.Join(warning, err)
	}
	return s, errors.Join(warning, views(d, s, rs, ts, against))
}

// ReportBench draws every view of a bench directory again. What it was compared with when it was measured is not drawn again.
func ReportBench(d bench.Dir) error {
	s, rs, err := d.Load()
	if err != nil {
		return err
	}
	ts, err := d.LoadTested()
	if err != nil {
		return err
	}
	return views(d, s, rs, ts, nil)
}

// Files of a bench directory for other programs, and for the page of a job.
const (
	goFile       = "bench.txt"
	markdownFile = "summary.md"
	junitFile    = "junit.xml"
)

// views writes everything that people and programs look at. One that cannot be written keeps none of the others from it.
func views(d bench.Dir, s bench.Summary, rs []bench.Replicate, ts []bench.Tested, against *publish.Against) error {
	m, err := results.Dir(d).LoadManifest()
	if err != nil {
		return err
	}
	all := []error{d.SaveSummary(s)}
	for _, x := range []struct {
		name string
		to   func(w io.Writer) error
	}{
		{goFile, func(w io.Writer) error { return publish.Go(w, s.Plan, rs, goFacts(m)) }},
		{markdownFile, func(w io.Writer) error { return publish.Markdown(w, s, against) }},
		{junitFile, func(w io.Writer) error { return publish.JUnit(w, s, rs, against) }},
		{filepath.Base(d.Report()), func(w io.Writer) error {
			return page.WriteBench(w, page.Bench{Dir: string(d), Summary: s, Replicates: rs, Manifest: m, Beside: []string{"summary.json", "replicates.jsonl", "bench.yaml", goFile, markdownFile}})
		}},
	} {
		var text bytes.Buffer
		err := x.to(&text)
		if err == nil {
			err = os.WriteFile(d.Path(x.name), text.Bytes(), 0o644)
		}
		if err != nil {
			all = append(all, fmt.Errorf("campaign: %s: %w", x.name, err))
		}
	}
	_, err = results.WritePlots(results.Dir(d), plot.Of(s, rs, ts))
	return errors.Join(append(all, err)...)
}

// goFacts are what must be equal for figures to be comparable, as the Go benchmark format calls it.
func goFacts(m results.Manifest) map[string]string {
	return map[string]string{"goos": m.Host.OS, "goarch": m.Host.Arch, "cpu": m.Host.CPU}
}

// testIn is the verdict of a run directory.
func testIn(path string) (t bench.Tested, err error) {
	d, err := results.OpenDir(path)
	if err != nil {
		return t, err
	}
	m, err := d.LoadManifest()
	if err != nil {
		return t, err
	}
	v, err := d.LoadVerdict()
	if err != nil {
		return t, err
	}
	return bench.Tested{Target: m.Target, Version: m.Version, Dir: path, At: m.Started, Verdict: v}, nil
}

// newestTests are the newest test of each target of the plan in its version, and of each of its profiles: the marks of a benchmark whose
// reader named none. What is no run directory, or was never judged, is passed over.
func newestTests(out string, p bench.Plan) (ts []bench.Tested) {
	for _, target := range p.Targets {
		if target.Name == experiment.Null {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(out, target.Name))
		if err != nil {
			continue // nothing was tested
		}
		newest := map[string]bench.Tested{} // by profile
		for _, e := range entries {
			t, err := testIn(filepath.Join(out, target.Name, e.Name()))
			if err != nil || t.Version != target.Version || t.Verdict.Target != target.Name {
				continue
			}
			if had, ok := newest[t.Verdict.Profile]; !ok || had.At.Before(t.At) {
				newest[t.Verdict.Profile] = t
			}
		}
		for _, t := range newest {
			ts = append(ts, t)
		}
	}
	slices.SortFunc(ts, func(a, b bench.Tested) int { return a.At.Compare(b.At) })
	return ts
}
