package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"waybill/harness/lab"
	"waybill/nemesis"
	"waybill/targets"
)

func doctorCommand(s screen) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine permits, and how to permit the rest",
		Long: `Tries each step that the lab and the faults need, for real, and says for each step and each fault
whether it can be done here, because of what not, and what would permit it; then, for each target, the
software of this machine that it needs. Exit code 4 if there is a fault that cannot be had.`,
		Example: "  waybill doctor",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			steps := lab.Probe(cmd.Context())
			fmt.Fprintln(s.out, "steps")
			for _, step := range steps {
				if step.Can {
					fmt.Fprintf(s.out, "  can     %s\n", step.Name)
					continue
				}
				fmt.Fprintf(s.out, "  cannot  %s, because %s\n", step.Name, printable(step.Why))
				if step.Remedy != "" {
					fmt.Fprintf(s.out, "          to permit it: %s\n", step.Remedy)
				}
			}
			fmt.Fprintln(s.out, "faults")
			refused := 0
			for _, fault := range nemesis.Names() {
				missing := lacking(steps, fault)
				if len(missing) == 0 {
					fmt.Fprintf(s.out, "  can     %s\n", fault)
					continue
				}
				refused++
				fmt.Fprintf(s.out, "  cannot  %s, because of: %s\n", fault, strings.Join(missing, ", "))
			}
			fmt.Fprintln(s.out, "targets")
			for _, name := range targets.Names() {
				if t, ok := targets.Find(name); ok {
					showRequirements(cmd.Context(), s, name, t)
				}
			}
			if refused > 0 {
				return coded{ExitRun, fmt.Errorf("%d of %d faults cannot be had here", refused, len(nemesis.Names()))}
			}
			return nil
		},
	}
}

// showRequirements says what a target needs of this machine, and has.
func showRequirements(ctx context.Context, s screen, name string, t targets.Target) {
	r, ok := t.(targets.Requirer)
	if !ok {
		fmt.Fprintf(s.out, "  can     %s: needs nothing of this machine\n", name)
		return
	}
	limit, cancel := context.WithTimeout(ctx, requirementsLimit)
	defer cancel()
	needs := r.Requirements(limit)
	verdict := "can   "
	for _, n := range needs {
		if !n.Have {
			verdict = "cannot"
		}
	}
	fmt.Fprintf(s.out, "  %s  %s\n", verdict, name)
	for _, n := range needs {
		if n.Have {
			fmt.Fprintf(s.out, "          has %s\n", printable(strings.TrimSuffix(n.Name+": "+n.Version, ": ")))
		} else {
			fmt.Fprintf(s.out, "          lacks %s; to get it: %s\n", printable(n.Name), printable(n.Get))
		}
	}
}

// requirementsLimit is how long a target may take to look around.
const requirementsLimit = 20 * time.Second

// lacking names the steps that a fault needs and that cannot be done here.
func lacking(steps []lab.Step, fault string) []string {
	var names []string
	for _, step := range steps {
		if !step.Can && slices.Contains(step.Faults, fault) {
			names = append(names, step.Name)
		}
	}
	return names
}
