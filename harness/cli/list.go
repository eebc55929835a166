package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/semantics"
	"waybill/targets"
)

func listCommand(s screen) *cobra.Command {
	var version, target, cluster string
	c := &cobra.Command{
		Use:   "list targets|modes|faults [TARGET]",
		Short: "List what there is: targets, their modes with promises, faults",
		Long: `Lists targets with profiles and timeouts, modes with their promises and the vendor's sentence behind
each, or faults and where they can be had: of all targets, or of one.`,
		Example: `  waybill list targets
  waybill list modes kafka
  waybill list modes rabbitmq --version 4.1.0
  waybill list faults rabbitmq
  waybill list faults kafka --cluster external`,
		Args: cobra.RangeArgs(0, 2),
	}
	f := c.Flags()
	f.StringVar(&version, "version", "", "of the product, whose modes depend on it; default: the target's")
	f.StringVar(&target, "target", "", "the same as TARGET: what this target has; default: all")
	f.StringVar(&cluster, "cluster", "", "lab or external: faults that can be had there; default: lab")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		view := ""
		if len(args) > 0 {
			view = args[0]
		}
		names := targets.Names()
		if !slices.Contains([]string{"targets", "modes", "faults"}, view) {
			return fmt.Errorf("%q cannot be listed: want one of targets, modes, faults", view)
		}
		if len(args) == 2 {
			names = args[1:]
		}
		if target != "" {
			names = []string{target}
		}
		if err := oneTarget(names, nil); err != nil {
			return err
		}
		if version != "" {
			if len(names) > 1 {
				return errors.New("--version: of which product? name a target")
			}
			t, _ := targets.Find(names[0]) // oneTarget has seen that it exists
			if err := campaign.CheckVersion(t, version); err != nil {
				return err
			}
		}
		switch view {
		case "targets":
			return listTargets(s.out, names, version)
		case "modes":
			return listModes(s.out, names, version)
		}
		return listFaults(s.out, names, version, cluster)
	}
	return c
}

// describe is what a target says of itself; oneTarget has seen that it exists.
func describe(name, version string) targets.Description {
	t, _ := targets.Find(name)
	return t.Describe(version)
}

func listTargets(out io.Writer, names []string, version string) error {
	for _, n := range names {
		d := describe(n, version)
		fmt.Fprintf(out, "%s  %s %s\n", n, d.Title, d.Version)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for i, p := range d.Profiles {
			mark := ""
			if i == 0 {
				mark = " (default)"
			}
			fmt.Fprintf(w, "  profile %s%s\t%s\n", p.Name, mark, p.Summary)
			var modes []string
			for _, m := range d.Modes {
				if m.Profile == p.Name {
					modes = append(modes, m.Name)
				}
			}
			fmt.Fprintf(w, "  \tmodes: %s\n", strings.Join(modes, ", "))
		}
		if err := w.Flush(); err != nil {
			return err
		}
		for _, k := range slices.Sorted(maps.Keys(d.Settings)) {
			fmt.Fprintf(w, "  %s\t%s\n", k, d.Settings[k])
		}
		listPlants(w, n)
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// listModes prints each mode once, with all profiles that have it.
func listModes(out io.Writer, names []string, version string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, n := range names {
		d := describe(n, version)
		profiles := map[string][]string{}
		for _, m := range d.Modes {
			profiles[m.Name] = append(profiles[m.Name], m.Profile)
		}
		for _, m := range d.Modes {
			if profiles[m.Name][0] != m.Profile {
				continue
			}
			fmt.Fprintf(w, "%s/%s\t%s\n", n, m.Name, m.Summary)
			if len(d.Profiles) > 1 {
				fmt.Fprintf(w, "  \tin profile %s\n", strings.Join(profiles[m.Name], ", "))
			}
			if m.Traits.Sync != "" {
				fmt.Fprintf(w, "  synced\t%s\n", m.Traits.Sync)
			}
			for _, p := range m.Promises {
				if p.Guarantee == semantics.None {
					continue
				}
				fmt.Fprintf(w, "  %s\t%s%s\n", p.Stage, p.Guarantee, scopeOf(p))
				fmt.Fprintf(w, "  \t“%s”\n  \t%s (%s)\n", p.Source.Quote, p.Source.URL, p.Source.Version)
			}
		}
	}
	return w.Flush()
}

func scopeOf(p semantics.Promise) string {
	var s string
	if p.Ordered {
		s += ", ordered"
	}
	if p.Linearizable {
		s += ", linearizable"
	}
	if p.Atomic {
		s += ", atomic"
	}
	if p.Scope != "" {
		s += "; scope: " + p.Scope
	}
	if len(p.Faults) > 0 {
		s += "; under " + strings.Join(p.Faults, ", ")
	}
	if len(p.Except) > 0 {
		s += "; not under " + strings.Join(p.Except, ", ")
	}
	return s
}
