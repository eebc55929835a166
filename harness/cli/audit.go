package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/results"
)

func auditCommand(s screen) *cobra.Command {
	var write bool
	var source string
	var from fromJepsen
	c := &cobra.Command{
		Use:   "audit DIR",
		Short: "Repeat the verdict of a run from its directory",
		Long: `Audits the history in a run directory again and prints the verdict, with the same exit code as the
run had. It starts nothing and needs no broker. A segment that was cut short is read up to the cut
and what rests on it is inconclusive; one that was changed in the middle is an error.

` + fromJepsenHelp + exitHelp,
		Example: `  waybill audit results/runs/nats/20261121T081500Z-7
  waybill audit --write results/runs/nats/20261121T081500Z-7    and write verdict, JUnit and report again
  waybill audit --from jepsen history.edn
  waybill audit --from jepsen history.edn --promise stored=at-least-once --drained --out results/runs`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&write, "write", false, "write verdict.json, junit.xml, the report and the plots again")
	c.Flags().StringVar(&source, "from", "", "read a history of another tool instead of a run directory: jepsen")
	c.Flags().StringSliceVar(&from.promises, "promise", nil, "with --from: what is promised, as above; default: what Jepsen demands")
	c.Flags().BoolVar(&from.options.Drained, "drained", false, "with --from: the history polls until nothing more comes, so that what it never polls is lost")
	c.Flags().BoolVar(&from.options.FailsUnknown, "fails-unknown", false, "with --from: what :fail ends may have happened")
	c.Flags().StringVar(&from.out, "out", "", "with --from: folder to make a run directory in, for explain and report; default: none is kept")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		switch {
		case source == "jepsen":
			return auditJepsen(cmd.Context(), s, args[0], from)
		case source != "":
			return fmt.Errorf("--from %q: want jepsen", source)
		}
		for _, name := range []string{"promise", "drained", "fails-unknown", "out"} {
			if cmd.Flags().Changed(name) {
				return fmt.Errorf("--%s is for a history of another tool: want --from jepsen with it", name)
			}
		}
		d, err := results.OpenDir(args[0])
		if err != nil {
			return err
		}
		v, err := campaign.Judge(cmd.Context(), d)
		if err != nil {
			if errors.Is(err, history.ErrCorrupt) {
				return fmt.Errorf("%w\nthe history was changed after it was written: no verdict can rest on it", err)
			}
			return err
		}
		var warning error
		if write {
			if warning, err = campaign.Publish(d, v); err != nil {
				return err
			}
		}
		show(s, v, d, warning)
		return exitWith(v)
	}
	return c
}

func reportCommand(s screen) *cobra.Command {
	var markdown bool
	c := &cobra.Command{
		Use:   "report DIR...",
		Short: "Draw the report and plots of run directories again, or one table of several runs",
		Long: `Draws report.html and plots/ of each run directory from its history and its verdict.json. The verdict
is not changed; a run that was never audited is audited first.

With --markdown it draws nothing, and prints what each fault did to each guarantee in all of the runs
together: how often a promise came out how, and the smallest and largest count of one run.

Exit codes: 0 it is drawn, whatever the verdict was; 3 bad usage or run directory.`,
		Example: `  waybill report results/runs/nats/*
  waybill report --markdown results/runs/nats/* > nats.md`,
		Args: cobra.MinimumNArgs(1),
	}
	c.Flags().BoolVar(&markdown, "markdown", false, "print one table of all runs, in Markdown")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var all []semantics.Verdict
		for _, a := range args {
			d, err := results.OpenDir(a)
			if err != nil {
				return err
			}
			v, err := verdictOf(cmd.Context(), d)
			if err != nil {
				return err
			}
			if all = append(all, v); markdown {
				continue
			}
			if err := campaign.Report(d, v); err != nil {
				return err
			}
			fmt.Fprintln(s.out, d.Report())
		}
		if markdown {
			return results.WriteAcross(s.out, all)
		}
		return nil
	}
	return c
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
