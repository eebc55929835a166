package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

// benchFlags are the flags of bench beside those that are fields of the spec.
type benchFlags struct {
	out      string
	keep     bool
	tested   []string
	baseline string
	failOn   string
	plant    []string
}

func benchCommand(s screen) *cobra.Command {
	var spec experiment.BenchSpec
	var with benchFlags
	c := &cobra.Command{
		Use:   "bench [BENCH.yaml]",
		Short: "Measure what each guarantee costs, audited, in interleaved blocks",
		Long: `Measures throughput and latency of each mode on a real cluster in a lab of its own. Every replicate is a
run on a new queue with new clients, and is audited as a test is: no figure stands without its verdict.
Every block holds each arm once, in an order drawn from the seed; ratios are made of pairs from one
block. The same arm runs along under a second name: what its ratio to itself strays from 1 is the
smallest difference that may be claimed.

Phases: saturation (as much as goes through, after a search for it), latency (at shares of that, open
loop, from the intended instant), window (with other windows, and other commit intervals), cost (of the
harness itself: the same client audited, unaudited and bare by turns of a moment, and the product's own
tool), ceiling (of the harness on no broker at all). Without --phases all but window are measured. What
is going to run, and how long that takes, is printed first. Modes of several profiles have their labs up
at once where memory allows.

Results are in OUT/bench/TIME-SEED: the plan (bench.yaml), a line for each replicate (replicates.jsonl),
and what follows from these two. Of a replicate whose promise was kept, that line is all that is left;
with --keep its run directory stays, for waybill audit and explain.

Ctrl-C begins nothing new, and publishes what there is; a second one ends everything at once.

Exit codes: 0 measured; 1 a promise was broken in some replicate, or a regression beyond --fail-on is
certain; 2 an arm has no replicate whose promise was kept, there are too few for --fail-on, or it was
interrupted; 3 bad usage; 4 some target could not be run.`,
		Example: `  waybill bench                                       NATS: default profile, ten blocks
  waybill bench --target nats --quick                 three blocks: a look, no intervals
  waybill bench --target nats,kafka,rabbitmq --seed 7
  waybill bench --target kafka --mode acks-all,transactional --phases saturation,window --windows 16,256,4096
  waybill bench --target nats --mode jetstream,jetstream-sync --shares 0.2,0.4,0.6,0.8,0.9
  waybill bench --target kafka --version 3.9.1 --baseline results/runs/bench/OTHER
  waybill bench --target nats --phases saturation --baseline nightly/last --fail-on regression=10%
  waybill bench --target nats --tested results/runs/nats/RUN
  waybill bench nightly-bench.yaml --out /var/tmp/runs`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	f.StringSliceVar(&spec.Targets, "target", nil, "brokers to measure, comma separated, one after another (waybill list targets); default nats")
	f.StringVar(&spec.Version, "version", "", "version of the one product; default: the target's")
	f.StringVar(&spec.Dist, "dist", "", "folder of an unpacked distribution of the one product to use")
	f.StringVar(&spec.Profile, "profile", "", "broker settings to run under, or 'all'; default: for each mode named the first that has it, and the target's first if none is named")
	f.StringSliceVar(&spec.Modes, "mode", nil, "modes to measure, comma separated (waybill list modes); default: all that are not made to lose")
	f.StringSliceVar(&spec.Phases, "phases", nil, "saturation, latency, window, cost, ceiling, or all; default: all but window")
	f.IntVar(&spec.Blocks, "blocks", 0, "how often every arm is run; default 10, with --quick 3")
	f.BoolVar(&spec.Quick, "quick", false, "three blocks, shorter measurements, one offered load")
	f.DurationVar(&spec.Measure, "measure", 0, "how long each replicate is measured; default 3s, with --quick 1.5s")
	f.DurationVar(&spec.Warm, "warm", 0, "the longest that a warm-up may take, which ends when the rate has settled; default 5s")
	f.IntVar(&spec.Load.Size, "size", 0, "bytes of a message, its token among them; default 128")
	f.IntVar(&spec.Load.Window, "window", 0, "messages that a producer leaves without an outcome at most; default 1024")
	f.IntVar(&spec.Load.Batch, "batch", 0, "deliveries that a consumer receives at once at most; default 1024")
	f.IntVar(&spec.Load.Producers, "producers", 0, "producers of each arm; default 2")
	f.IntVar(&spec.Load.Consumers, "consumers", 0, "consumers of each arm; default 2")
	f.Var((*floats)(&spec.Shares), "shares", "offered loads of the phase latency, as shares of what each mode sustains; default 0.1,0.5,0.8, with --quick 0.5")
	f.IntSliceVar(&spec.Windows, "windows", nil, "windows of the phase window; default 16,128")
	f.IntSliceVar(&spec.Commits, "commits", nil, "batches in a transaction, in the phase window; default 1,16")
	f.BoolVar(&spec.NoRival, "no-rival", false, "without the products' own benchmark tools")
	f.Uint64Var(&spec.Seed, "seed", 0, "the order within blocks and everything else that is random follows it; default: chosen and printed")
	f.StringVar(&with.out, "out", "results/runs", "folder that holds run directories; the benchmark goes below bench in it")
	f.BoolVar(&with.keep, "keep", false, "keep the histories of all replicates")
	f.StringSliceVar(&with.tested, "tested", nil, "run directories of tests under faults, whose verdicts mark the modes; default: the newest of each target and version in --out")
	f.StringVar(&with.baseline, "baseline", "", "bench directory to compare with")
	f.StringVar(&with.failOn, "fail-on", "", "regression=10%: exit 1 if a mode's throughput is certainly lower than the baseline's by more than that")
	f.StringSliceVar(&with.plant, "plant", nil, "of the target null: slow=3%, an arm on a broker that is slower by that; pause=1.4s, for which the broker stands still at fixed load")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		var err error
		if spec.Plant, err = parseNullPlant(with.plant); err != nil {
			return err
		}
		if len(args) == 1 {
			fromFile, err := experiment.ReadBench(args[0])
			if err != nil {
				return err
			}
			spec = overruleBench(fromFile, spec, cmd.Flags().Changed)
		}
		return runBench(cmd.Context(), s, spec, with)
	}
	return c
}

// floats is a flag of several numbers.
type floats []float64

func (f *floats) Type() string { return "numbers" }

func (f *floats) String() string {
	var out []string
	for _, x := range *f {
		out = append(out, strconv.FormatFloat(x, 'g', -1, 64))
	}
	return strings.Join(out, ",")
}

func (f *floats) Set(text string) error {
	*f = nil
	for _, part := range strings.Split(text, ",") {
		x, err := share(part)
		if err != nil {
			return err
		}
		*f = append(*f, x)
	}
	return nil
}

// share reads 0.1 or 10%.
func share(text string) (float64, error) {
	digits, percent := strings.CutSuffix(strings.TrimSpace(text), "%")
	x, err := strconv.ParseFloat(digits, 64)
	if err != nil || x != x {
		return 0, fmt.Errorf("%q: want a share, as in 0.1 or 10%%", text)
	}
	if percent {
		x /= 100
	}
	return x, nil
}

// parseNullPlant reads slow=3% and pause=1.4s.
func parseNullPlant(args []string) (p experiment.NullPlant, err error) {
	for _, a := range args {
		name, text, _ := strings.Cut(a, "=")
		switch name {
		case "slow":
			p.Slow, err = share(text)
		case "pause":
			p.Pause, err = time.ParseDuration(text)
		default:
			err = errors.New("want slow=3% or pause=1.4s")
		}
		if err != nil {
			return p, fmt.Errorf("--plant %s: %w", a, err)
		}
	}
	return p, nil
}

// parseFailOn reads regression=10%: by how much less than the baseline is too little. "" is 0, which is not asked for.
func parseFailOn(text, baseline string) (float64, error) {
	if text == "" {
		return 0, nil
	}
	name, value, _ := strings.Cut(text, "=")
	x, err := share(value)
	switch {
	case name != "regression" || err != nil || x <= 0 || x >= 1:
		return 0, fmt.Errorf("--fail-on %q: want regression=10%%", text)
	case baseline == "":
		return 0, errors.New("--fail-on regression compares with a benchmark: want --baseline DIR with it")
	}
	return x, nil
}

// overruleBench takes what flags said over what the file says.
func overruleBench(file, flags experiment.BenchSpec, changed func(string) bool) experiment.BenchSpec {
	for name, set := range map[string]func(){
		"target":    func() { file.Targets = flags.Targets },
		"version":   func() { file.Version = flags.Version },
		"dist":      func() { file.Dist = flags.Dist },
		"profile":   func() { file.Profile = flags.Profile },
		"mode":      func() { file.Modes = flags.Modes },
		"phases":    func() { file.Phases = flags.Phases },
		"blocks":    func() { file.Blocks = flags.Blocks },
		"quick":     func() { file.Quick = flags.Quick },
		"measure":   func() { file.Measure = flags.Measure },
		"warm":      func() { file.Warm = flags.Warm },
		"size":      func() { file.Load.Size = flags.Load.Size },
		"window":    func() { file.Load.Window = flags.Load.Window },
		"batch":     func() { file.Load.Batch = flags.Load.Batch },
		"producers": func() { file.Load.Producers = flags.Load.Producers },
		"consumers": func() { file.Load.Consumers = flags.Load.Consumers },
		"shares":    func() { file.Shares = flags.Shares },
		"windows":   func() { file.Windows = flags.Windows },
		"commits":   func() { file.Commits = flags.Commits },
		"no-rival":  func() { file.NoRival = flags.NoRival },
		"seed":      func() { file.Seed = flags.Seed },
		"plant":     func() { file.Plant = flags.Plant },
	} {
		if changed(name) {
			set()
		}
	}
	return file
}

// runBench plans, provisions, measures and says what came of it. What can be wrong is found before anything is fetched.
func runBench(ctx context.Context, s screen, spec experiment.BenchSpec, with benchFlags) error {
	if ctx == nil {
		ctx = context.Background()
	}
	least, err := parseFailOn(with.failOn, with.baseline)
	if err != nil {
		return err
	}
	b, err := campaign.NewBench(spec)
	if err != nil {
		return err
	}
	baseline, err := campaign.OpenBaseline(with.baseline, least)
	if err != nil {
		return err
	}
	if err := campaign.CheckTested(with.tested); err != nil {
		return err
	}
	if err := provisioning(ctx, s, b.Provision); err != nil {
		return err
	}
	stop, kill, release := interrupts(s,
		"Interrupted: the run under way is the last one, then what there is is published. Once more ends everything at once.",
		"Ended at once: publishing what there is.")
	defer release()
	p := &benchProgress{s: s}
	end, runErr := b.Run(ctx, campaign.BenchOptions{Out: with.out, Command: os.Args, Keep: with.keep, Tested: with.tested, Baseline: baseline, Listener: p, Stop: stop, Kill: kill})
	p.clear()
	if end.Dir == "" {
		return runErr
	}
	showBench(s, end)
	switch code := benchExit(end); {
	case runErr != nil && code != ExitBroken:
		return coded{ExitRun, runErr}
	case code != ExitKept:
		return coded{code: code}
	}
	return nil
}

// benchExit is the exit code of what was measured.
func benchExit(end campaign.BenchEnd) int {
	regressed, unknown := false, false
	if a := end.Against; a != nil && a.Limit > 0 {
		regressed = a.Regression(a.Limit)
		unknown = len(a.Against) == 0
		for _, x := range a.Against {
			unknown = unknown || !x.Ratio.Ratio.Enough
		}
	}
	switch {
	case end.Result == semantics.Broken || regressed:
		return ExitBroken
	case end.CutShort || unknown || len(end.Unproven()) > 0:
		return ExitInconclusive
	}
	return ExitKept
}
