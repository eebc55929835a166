package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/history"
	"waybill/results"
)

func auditCommand(s screen) *cobra.Command {
	var write bool
	c := &cobra.Command{
		Use:   "audit DIR",
		Short: "Repeat the verdict of a run from its directory",
		Long: `Audits the history in a run directory again and prints the verdict, with the same exit code as the
run had. It starts nothing and needs no broker. A segment that was cut short is read up to the cut
and what rests on it is inconclusive; one that was changed in the middle is an error.

` + exitHelp,
		Example: `  waybill audit results/runs/nats/20261121T081500Z-7
  waybill audit --write results/runs/nats/20261121T081500Z-7    and write verdict, JUnit and report again`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&write, "write", false, "write verdict.json, junit.xml, the report and the plots again")
	c.RunE = func(cmd *cobra.Command, args []string) error {
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
	return &cobra.Command{
		Use:   "report DIR...",
		Short: "Draw the report and plots of run directories again",
		Long: `Draws report.html and plots/ of each run directory from its history and its verdict.json. The verdict
is not changed; a run that was never audited is audited first.

Exit codes: 0 it is drawn, whatever the verdict was; 3 bad usage or run directory.`,
		Example: "  waybill report results/runs/nats/*",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for _, a := range args {
				d, err := results.OpenDir(a)
				if err != nil {
					return err
				}
				v, err := d.LoadVerdict()
				if err != nil {
					if v, err = campaign.Judge(cmd.Context(), d); err != nil {
						return err
					}
					if err := d.SaveVerdict(v); err != nil {
						return err
					}
				}
				if err := campaign.Report(d, v); err != nil {
					return err
				}
				fmt.Fprintln(s.out, d.Report())
			}
			return nil
		},
	}
}
