package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
)

// reportFlags are the flags of report.
type reportFlags struct {
	markdown bool
	each     bool
	out      string
	baseline []string
}

func reportCommand(s screen) *cobra.Command {
	var with reportFlags
	c := &cobra.Command{
		Use:   "report DIR...",
		Short: "Draw reports again, or several runs and benchmarks side by side",
		Long: `Of one directory, draws report.html and plots/ again: of a run from its history and its verdict.json,
of a benchmark from its replicates. No verdict is changed; a run that was never audited is audited first.

Of several, draws one page that holds them side by side: brokers, versions or settings. Runs of the same
product with the same settings, such as those of several seeds, are brought together. With --baseline the
others are held against it: what changed, and whether it matters. Ratios between benchmarks are printed
with their interval and number, and only against a baseline.

With --markdown it draws nothing, and prints what each fault did to each guarantee in all of the runs
together: how often a promise came out how, and the smallest and largest count of one run.

Exit codes: 0 it is drawn, whatever the verdict was; 3 bad usage or directory.`,
		Example: `  waybill report results/runs/nats/20261121T081500Z-7            its report, again
  waybill report results/runs/kafka/* results/runs/rabbitmq/*    side by side, into results/compare.html
  waybill report results/runs/bench/NEW --baseline results/runs/bench/OLD -o new.html
  waybill report --each results/runs/nats/*                      every report, again
  waybill report --markdown results/runs/nats/* > nats.md`,
		Args: cobra.MinimumNArgs(1),
	}
	c.Flags().BoolVar(&with.markdown, "markdown", false, "print one table of all runs, in Markdown")
	c.Flags().BoolVar(&with.each, "each", false, "draw the report of each directory, and no comparison")
	c.Flags().StringVarP(&with.out, "out", "o", "", "file of the comparison; default results/compare.html")
	c.Flags().StringArrayVar(&with.baseline, "baseline", nil, "directory that the others are held against; may be given several times, such as for several seeds")
	c.MarkFlagsMutuallyExclusive("markdown", "each", "out")
	c.MarkFlagsMutuallyExclusive("markdown", "each", "baseline")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case with.markdown:
			return reportAcross(cmd.Context(), s, args)
		case with.each || len(args) == 1 && len(with.baseline) == 0 && with.out == "":
			return reportEach(cmd.Context(), s, args)
		default:
			return reportCompared(cmd.Context(), s, args, with)
		}
	}
	return c
}

// reportEach draws the report of every directory.
func reportEach(ctx context.Context, s screen, dirs []string) error {
	for _, path := range dirs {
		b, err := bench.OpenDir(path)
		if err == nil {
			if err := campaign.ReportBench(b); err != nil {
				return err
			}
			fmt.Fprintln(s.out, b.Report())
			continue
		}
		d, openErr := results.OpenDir(path)
		if openErr != nil {
			return neither(openErr, err)
		}
		v, err := verdictOf(ctx, d)
		if err != nil {
			return err
		}
		if err := campaign.Report(d, v); err != nil {
			return err
		}
		fmt.Fprintln(s.out, d.Report())
	}
	return nil
}

// reportAcross prints what faults did in all runs together.
func reportAcross(ctx context.Context, s screen, dirs []string) error {
	var all []semantics.Verdict
	for _, path := range dirs {
		d, err := results.OpenDir(path)
		if err != nil {
			return err
		}
		v, err := verdictOf(ctx, d)
		if err != nil {
			return err
		}
		all = append(all, v)
	}
	return results.WriteAcross(s.out, all)
}

// reportCompared draws one page of all directories.
func reportCompared(ctx context.Context, s screen, dirs []string, with reportFlags) error {
	out := with.out
	if out == "" {
		out = filepath.Join("results", "compare.html")
	}
	var page bytes.Buffer
	if err := campaign.Compare(ctx, &page, campaign.CompareJob{
		Dirs: dirs, Baseline: with.baseline, Out: out, Command: os.Args,
		Verdict: verdictOf, Warn: func(err error) { fmt.Fprintf(s.err, "waybill: %s\n", printable(err.Error())) },
	}); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	if err := os.WriteFile(out, page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the comparison: %w", err)
	}
	fmt.Fprintln(s.out, out)
	return nil
}

// neither explains why a path is no directory of either kind: what a bench directory lacks is told only of one.
func neither(run, bench error) error {
	if errors.Is(run, results.ErrNotRunDir) {
		return run
	}
	return errors.Join(run, bench)
}

// verdictOf is the verdict that a run directory holds; a run that was never audited is audited first.
func verdictOf(ctx context.Context, d results.Dir) (semantics.Verdict, error) {
	v, err := d.LoadVerdict()
	if err == nil {
		return v, nil
	}
	if v, err = campaign.Judge(ctx, d); err != nil {
		return v, err
	}
	return v, d.SaveVerdict(v)
}
