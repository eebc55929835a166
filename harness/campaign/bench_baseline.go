package campaign

import (
	"fmt"
	"os"

	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/bench/publish"
)

// Baseline is a benchmark that another is compared with; nil: none.
type Baseline struct {
	dir     bench.Dir
	edition bench.Edition
	limit   float64
}

// OpenBaseline reads a bench directory to compare with; "" is none. limit is by how large a share a figure may be worse; 0: by any.
func OpenBaseline(path string, limit float64) (*Baseline, error) {
	if path == "" {
		return nil, nil
	}
	d, err := bench.OpenDir(path)
	if err != nil {
		return nil, err
	}
	m, err := results.Dir(d).LoadManifest()
	if err != nil {
		return nil, err
	}
	e, err := edition(d, m)
	if err != nil {
		return nil, err
	}
	if len(e.Replicates) == 0 {
		return nil, fmt.Errorf("campaign: the benchmark in %s has measured nothing: want one that has", path)
	}
	return &Baseline{dir: d, edition: e, limit: limit}, nil
}

// edition is a benchmark as it is compared.
func edition(d bench.Dir, m results.Manifest) (e bench.Edition, err error) {
	if e.Plan, err = d.LoadPlan(); err != nil {
		return e, err
	}
	if e.Replicates, err = d.LoadReplicates(); err != nil {
		return e, err
	}
	e.Facts = map[string]string{"waybill": m.Waybill, "revision": m.Revision, "kernel": m.Host.Kernel, "processor": m.Host.CPU, "cores": fmt.Sprint(m.Host.Cores)}
	return e, nil
}

// compare holds a benchmark against the baseline; nil where there is none.
func (b *Baseline) compare(d bench.Dir, m results.Manifest) (*publish.Against, error) {
	if b == nil {
		return nil, nil
	}
	now, err := edition(d, m)
	if err != nil {
		return nil, err
	}
	return &publish.Against{Comparison: bench.Compare(now, b.edition), Limit: b.limit}, nil
}

// CheckTested finds paths that are no run directories with a verdict.
func CheckTested(paths []string) error {
	for _, path := range paths {
		if _, err := testIn(path); err != nil {
			return fmt.Errorf("campaign: tested: %w", err)
		}
	}
	return nil
}

// Unproven are the audited arms of which no replicate was kept, in the order of the plan. Where nothing is promised nothing is to be kept.
func (e BenchEnd) Unproven() (names []string) {
	good := map[string]bool{}
	for _, r := range e.Replicates {
		if r.Failed == "" && (r.Verdict.Result == semantics.Kept || r.Verdict.Result == semantics.Observed) {
			good[r.Arm] = true
		}
	}
	for _, a := range e.Summary.Plan.Arms {
		if (a.Kind == bench.Audited || a.Kind == bench.Again) && !good[a.Name] {
			names = append(names, a.Name)
		}
	}
	return names
}

// Report is the page, if it was written.
func (e BenchEnd) Report() string {
	if _, err := os.Stat(e.Dir.Report()); err != nil {
		return ""
	}
	return e.Dir.Report()
}

// Repeat is the command that repeats the benchmark, with its seed.
func (e BenchEnd) Repeat() string {
	m, err := results.Dir(e.Dir).LoadManifest()
	if err != nil {
		return ""
	}
	return m.Repeat()
}
