package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
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
		if base, variant, is := strings.Cut(spec, ":"); is {
			fmt.Fprintf(w, "%s%s\tthe same as %s, with %s\n", spec, mark, base, variant)
		} else {
			fmt.Fprintf(w, "%s%s\t%s\n", spec, mark, f.Summary)
			for _, p := range f.Params {
				fmt.Fprintf(w, "  :%s=%s\t  %s\n", p.Name, strings.Join(p.Values, "|"), p.Meaning)
			}
		}
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
	fmt.Fprintln(w, "\n* in the default tour. Parameters follow a fault's name, the first value is the default: drop-confirms:share=0.01:count=3")
	return w.Flush()
}
