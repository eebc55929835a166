// Command matrix shows which check catches which bug: it runs the planted broker once with each of its bugs, and without, compares what the
// audit names with what the brokers say they harmed, and prints the result as Markdown.
//
// It ends with code 1 if a bug was missed, if a message was accused that nobody had harmed, or if the run without a bug was not clean. It
// judges nothing by itself: verdicts are those of the command that it runs.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"waybill/targets"
	_ "waybill/targets/planted" // registers the broker and its bugs
)

// few are the bugs of the short matrix: one of each kind of harm.
var few = []string{"lose-acked", "store-twice", "reorder", "corrupt", "tear"}

func main() {
	var o options
	bugs := flag.String("plants", "few", "few, all, or names, comma separated; none is the run without a bug")
	flag.StringVar(&o.waybill, "waybill", "bin/waybill", "the command to run")
	flag.StringVar(&o.out, "out", "results/runs", "folder that run directories are made in")
	flag.Float64Var(&o.rate, "rate", 1e-2, "share of messages that a bug harms")
	flag.Uint64Var(&o.seed, "seed", 1, "of every run")
	flag.BoolVar(&o.again, "again", false, "read the run directories of an earlier matrix in the same folder again, and run nothing")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	code, err := run(ctx, o, *bugs)
	if err != nil {
		fmt.Fprintln(os.Stderr, "matrix:", err)
	}
	os.Exit(code) //nolint:gocritic // the signals end with the process
}

type options struct {
	waybill, out string
	rate         float64
	seed         uint64
	again        bool
}

// run makes all rows and prints them as they come, then which check caught what.
func run(ctx context.Context, o options, which string) (int, error) {
	plants, err := choose(which)
	if err != nil {
		return 3, err
	}
	code := 0
	var rows []row
	fmt.Println("| bug | harms one in | modes, fault | messages | harmed | found | accused unharmed | findings that break a promise | exit | time |")
	fmt.Println("|---|--:|---|--:|--:|--:|--:|---|--:|--:|")
	for _, p := range plants {
		r, err := one(ctx, o, p)
		if err != nil {
			return 4, err
		}
		rows = append(rows, r)
		fmt.Println(r)
		if !r.good() {
			code = 1
		}
	}
	fmt.Println()
	fmt.Print(table(rows))
	return code, nil
}

// none stands for the run without a bug: the broker's whole default tour.
var none = targets.Plant{Name: "none", Summary: "no bug, all modes, the default tour"}

func choose(which string) ([]targets.Plant, error) {
	t, _ := targets.Find("planted") // linked in
	all := append([]targets.Plant{none}, t.(targets.Planter).Plants()...)
	names := strings.Split(which, ",")
	switch which {
	case "all":
		return all, nil
	case "few":
		names = few
	}
	var out []targets.Plant
	for _, n := range names {
		i := slices.IndexFunc(all, func(p targets.Plant) bool { return p.Name == n })
		if i < 0 {
			return nil, fmt.Errorf("no bug %q: want few, all, or some of the list of waybill list targets planted", n)
		}
		out = append(out, all[i])
	}
	return out, nil
}
