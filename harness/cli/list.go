package cli

import (
	"fmt"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"waybill/harness/semantics"
	"waybill/nemesis"
	"waybill/targets"
)

func listCommand(s screen) *cobra.Command {
	views := map[string]func(*tabwriter.Writer){"targets": listTargets, "modes": listModes, "faults": listFaults}
	return &cobra.Command{
		Use:       "list targets|modes|faults",
		Short:     "List what there is: targets, their modes with promises, faults",
		Example:   "  waybill list modes\n  waybill list faults",
		ValidArgs: []string{"targets", "modes", "faults"},
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 || views[args[0]] == nil {
				return fmt.Errorf("list %s: want one of targets, modes, faults", strings.Join(args, " "))
			}
			return nil
		},
		RunE: func(_ *cobra.Command, args []string) error {
			w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
			views[args[0]](w)
			return w.Flush()
		},
	}
}

func listTargets(w *tabwriter.Writer) {
	for _, n := range targets.Names() {
		t, _ := targets.Find(n)
		d := t.Describe()
		fmt.Fprintf(w, "%s\t%s %s\n", n, d.Title, d.Version)
		keys := make([]string, 0, len(d.Settings))
		for k := range d.Settings {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		for _, k := range keys {
			fmt.Fprintf(w, "  %s\t%s\n", k, d.Settings[k])
		}
	}
}

func listModes(w *tabwriter.Writer) {
	for _, n := range targets.Names() {
		t, _ := targets.Find(n)
		for _, m := range t.Describe().Modes {
			fmt.Fprintf(w, "%s/%s\t%s\n", n, m.Name, m.Summary)
			for _, p := range m.Promises {
				if p.Guarantee == semantics.None {
					continue
				}
				fmt.Fprintf(w, "  %s\t%s%s\n", p.Stage, p.Guarantee, scopeOf(p))
				fmt.Fprintf(w, "  \t“%s”\n  \t%s (%s)\n", p.Source.Quote, p.Source.URL, p.Source.Version)
			}
		}
	}
}

func scopeOf(p semantics.Promise) string {
	var s string
	if p.Ordered {
		s += ", ordered"
	}
	if p.Scope != "" {
		s += "; scope: " + p.Scope
	}
	return s
}

func listFaults(w *tabwriter.Writer) {
	tour := map[string]bool{}
	for _, n := range nemesis.Tour() {
		tour[n] = true
	}
	for _, spec := range nemesis.All() {
		f, _, err := nemesis.Find(spec)
		if err != nil {
			continue // All names only what Find knows
		}
		mark := ""
		if tour[spec] {
			mark = "*"
		}
		fmt.Fprintf(w, "%s%s\t%s\n", spec, mark, f.Summary)
	}
	fmt.Fprintln(w, "\n* in the default tour")
}
