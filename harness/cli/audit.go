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
