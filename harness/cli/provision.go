package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/targets"
)

func provisionCommand(s screen) *cobra.Command {
	var version, dist string
	var tools bool
	c := &cobra.Command{
		Use:   "provision TARGET...",
		Short: "Fetch what a target needs, ahead of a run",
		Long: `Finds or fetches what the brokers need, outside the lab, and says what it found and where. 'test' does
the same when it has to; afterwards neither needs a network. What is there already is not fetched
again, and what was interrupted goes on. With --tools the product's own benchmark tool is fetched or built
as well, against which 'bench' holds the harness.

Exit code 3 for a target that there is not, or a version or distribution that it cannot run; 4 if something
cannot be fetched or must be installed first: the message says how.`,
		Example: `  waybill provision kafka rabbitmq
  waybill provision kafka --version 3.9.1
  waybill provision rabbitmq --dist ~/rabbitmq_server-4.1.0
  waybill provision nats --tools`,
		Args: cobra.MinimumNArgs(1),
	}
	c.Flags().StringVar(&version, "version", "", "version of the product; default: the target's")
	c.Flags().StringVar(&dist, "dist", "", "folder of an unpacked distribution of the product to use, instead of one that is found or fetched")
	c.Flags().BoolVar(&tools, "tools", false, "the product's own benchmark tool as well")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := oneTarget(args, map[string]string{"version": version, "dist": dist}); err != nil {
			return err
		}
		for _, name := range args {
			began := time.Now()
			var d targets.Distribution
			var tool targets.Tool
			err := provisioning(cmd.Context(), s, func(ctx context.Context, log func(string, ...any)) (err error) {
				if d, err = campaign.Fetch(ctx, name, version, dist, log); err == nil && tools {
					tool, err = campaign.FetchTool(ctx, name, version, dist, log)
				}
				return err
			})
			if err != nil {
				return err
			}
			if err := showDistribution(s, name, d, tool, time.Since(began)); err != nil {
				return err
			}
		}
		return nil
	}
	return c
}

// oneTarget checks the names before anything is fetched, and that what is said of one product is not said of several.
func oneTarget(names []string, flags map[string]string) error {
	for _, name := range names {
		if _, ok := targets.Find(name); !ok {
			return fmt.Errorf("no target %q: want some of %s", name, strings.Join(targets.Names(), ", "))
		}
	}
	for _, flag := range slices.Sorted(maps.Keys(flags)) {
		if flags[flag] != "" && len(names) > 1 {
			return fmt.Errorf("--%s %s: of which? want one target with it, got %s", flag, flags[flag], strings.Join(names, ", "))
		}
	}
	return nil
}

func showDistribution(s screen, name string, d targets.Distribution, tool targets.Tool, took time.Duration) error {
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s\t%s\n", name, d.Version)
	if d.Dir != "" {
		fmt.Fprintf(w, "  where\t%s\n", d.Dir)
	}
	for _, over := range slices.Sorted(maps.Keys(d.Overlay)) {
		fmt.Fprintf(w, "  over %s\t%s\n", over, d.Overlay[over])
	}
	for _, fact := range slices.Sorted(maps.Keys(d.Facts)) {
		for i, line := range folded(printable(d.Facts[fact]), s.width-20) {
			if i > 0 {
				fact = ""
			}
			fmt.Fprintf(w, "  %s\t%s\n", fact, line)
		}
	}
	if tool.Name != "" {
		fmt.Fprintf(w, "  %s\t%s in %s\n", tool.Name, tool.Version, tool.Dir)
	}
	fmt.Fprintf(w, "  took\t%s\n", took.Round(100*time.Millisecond))
	return w.Flush()
}

// folded is text in lines of at most width columns, where its words allow that.
func folded(text string, width int) (lines []string) {
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

// provisioning calls fetch, shows its progress, and cancels it at the first SIGINT or SIGTERM.
func provisioning(ctx context.Context, s screen, fetch func(ctx context.Context, log func(string, ...any)) error) error {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, release := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer release()
	began := time.Now()
	err := fetch(ctx, func(format string, args ...any) {
		fmt.Fprintf(s.err, "%s  %s\n", clock(time.Since(began)), printable(fmt.Sprintf(format, args...)))
	})
	if ctx.Err() != nil {
		return coded{ExitRun, errors.Join(errors.New("interrupted while provisioning; nothing was started, and what has been fetched is used the next time"), err)}
	}
	return err
}
