package campaign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"waybill/checkers"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
)

// Judge audits a run directory: the history, the experiment and the schedule in it and nothing else. It writes nothing.
func Judge(ctx context.Context, d results.Dir) (semantics.Verdict, error) {
	in, err := input(d)
	if err != nil {
		return semantics.Verdict{}, err
	}
	return checkers.Audit(ctx, in)
}

// JudgeNamed is Judge, with all messages of each finding.
func JudgeNamed(ctx context.Context, d results.Dir) (semantics.Verdict, checkers.Named, error) {
	in, err := input(d)
	if err != nil {
		return semantics.Verdict{}, checkers.Named{}, err
	}
	return checkers.AuditNamed(ctx, in)
}

// input is what a run directory holds for an audit, its history verified.
func input(d results.Dir) (checkers.Input, error) {
	var in checkers.Input
	e, err := d.LoadExperiment()
	if err != nil {
		return in, err
	}
	s, err := d.LoadSchedule()
	if err != nil {
		return in, err
	}
	h, err := history.Open(d.History())
	if err != nil {
		return in, err
	}
	if err := h.Verify(); err != nil {
		return in, err
	}
	in = checkers.Input{Source: h, Experiment: e, Schedule: s}
	for _, x := range h.Segments() {
		in.Segments = append(in.Segments, checkers.Segment{Name: filepath.Base(x.Path), Life: x.Header.Life, Cut: x.Cut, Sealed: x.Sealed != history.Unsealed})
	}
	return in, nil
}

// Publish writes every view of a verdict into the run directory. What it cannot draw is returned as a warning: it never changes the verdict.
func Publish(d results.Dir, v semantics.Verdict) (warning, err error) {
	if err := d.SaveVerdict(v); err != nil {
		return nil, err
	}
	junit, err := os.Create(d.JUnit())
	if err != nil {
		return nil, fmt.Errorf("campaign: %w", err)
	}
	if err := errors.Join(results.JUnit(junit, v, string(d)), junit.Close()); err != nil {
		return nil, err
	}
	return Report(d, v), nil
}

// Report draws report.html and the plots of a run directory.
func Report(d results.Dir, v semantics.Verdict) error {
	e, err := d.LoadExperiment()
	if err != nil {
		return err
	}
	s, err := d.LoadSchedule()
	if err != nil {
		return err
	}
	m, err := d.LoadManifest()
	if err != nil {
		return err
	}
	h, err := history.Open(d.History())
	if err != nil {
		return err
	}
	t, err := results.ReadTimeline(h, e)
	if err != nil {
		return err
	}
	drawn := results.WriteWindows(d, h, e, v)
	told, err := tell(d, v)
	return errors.Join(drawn, err, results.WriteReport(d, v, t, e, s, m, told))
}
