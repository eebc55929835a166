package cli

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"

	"waybill/harness/experiment"
	"waybill/nemesis"
)

// listFaults prints every fault, and for which of the targets it cannot be had on such a cluster, and why.
func listFaults(out io.Writer, names []string, version, cluster string) error {
	if cluster != "" && cluster != experiment.Lab && cluster != experiment.External {
		return fmt.Errorf("--cluster %q: want %s or %s", cluster, experiment.Lab, experiment.External)
	}
	refused := map[string]map[string]string{} // target → fault → why
	for _, n := range names {
		own := cluster != experiment.External
		d := describe(n, version)
		_, why, err := nemesis.Available(nemesis.All(), nemesis.Place{Brokers: own, Network: own, Leaders: d.Leaders, Frames: d.Protocol})
		if err != nil {
			return err
		}
		refused[n] = why
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, spec := range nemesis.All() {
		f, _, err := nemesis.Find(spec)
		if err != nil {
			return err
		}
		mark := ""
		if slices.Contains(nemesis.Tour(), spec) {
			mark = "*"
		}
		fmt.Fprintf(w, "%s%s\t%s\n", spec, mark, f.Summary)
		lacking := map[string]string{}
		for _, n := range names {
			if why := refused[n][spec]; why != "" {
				lacking[n] = why
			}
		}
		for _, line := range refusals(lacking) {
			fmt.Fprintf(w, "  \tnot with %s\n", line)
		}
	}
	fmt.Fprintln(w, "\n* in the default tour")
	return w.Flush()
}
