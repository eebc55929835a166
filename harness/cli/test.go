package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

func testCommand(s screen) *cobra.Command {
	spec := experiment.DefaultSpec()
	var schedule, out, expect string
	var planted []string
	var watch watching
	c := &cobra.Command{
		Use:   "test [EXPERIMENT.yaml]",
		Short: "Run a broker, break it, and audit every message",
		Long: `Provisions what the target needs, starts a real cluster in a lab of its own, drives one lane for each
mode through a seeded tour of faults, audits the histories, and prints which promise held under which
fault. The run directory keeps everything that the verdict rests on. What flags say wins over the
experiment file. Modes of several broker profiles are run one profile after another.

With --cluster external it audits a cluster that you run: only clients are harmed, other faults are
refused with the reason. It is connected to before anything else: what cannot be reached ends with
exit code 4 within seconds. The experiment file holds what is needed to reach it (access: user,
password, tls, ca, cert, key, mechanism), or the environment does (WAYBILL_USER, WAYBILL_PASSWORD);
neither is written to a run directory.

While the run goes on, every message is audited already: what is certain to be found in the end is
told at once, and --stop-on broken then ends the run in good order, with exit code 1. That audit runs
outside the lab at the lowest priority; --live=false does without.

--soak 24h repeats the test for that time, each round with a seed, brokers and queues of its own, so
that memory and disk stay flat. Of a round that kept every promise one line is left; one that broke a
promise leaves its run directory and the command that repeats it alone. Ctrl-C ends it with the round.

Ctrl-C heals what is broken, drains, audits what there is and says that it was cut short; a second
one ends everything at once. While provisioning there is nothing to heal: it ends with exit code 4.

` + exitHelp,
		Example: `  waybill test                                   the representative tour of NATS, about two minutes
  waybill test --fault all                       every fault, about seven minutes
  waybill test --mode jetstream,jetstream-dedup --fault lose-confirms
  waybill test --fault kill-leader:of=consumer --seed 42
  waybill test --target kafka --fault drop-confirms:share=0.01,drop-acks,drop-commits
  waybill test --fault power-failure --mode jetstream-sync
  waybill test --time 60s                        as many faults as fit into a minute
  waybill test --fault all --stop-on broken      no longer than until a promise is seen broken
  waybill test --soak 24h                        round after round, for a night and a day

  waybill test --target kafka --fault all
  waybill test --target kafka --version 3.9.1    fetched once, by Maven
  waybill test --target kafka --dist ~/kafka_2.13-4.1.0
  waybill test --target kafka --profile combined
  waybill test --target rabbitmq --mode quorum,mirrored --profile all
  waybill test --target rabbitmq --dist ~/rabbitmq_server-4.1.0

  waybill test --target kafka --cluster external --brokers 10.0.0.1:9092,10.0.0.2:9092,10.0.0.3:9092
  WAYBILL_USER=auditor WAYBILL_PASSWORD=... waybill test --target rabbitmq --cluster external
  waybill test --mode jetstream-ledger --ledger postgres://waybill:PASSWORD@db/effects

  waybill test --target planted --plant lose-acked=1e-5   a broker of ours with a bug: the audit finds it

  waybill test --schedule results/runs/nats/RUN/schedule.yaml
  waybill test nightly.yaml --out /var/tmp/runs`,
		Args: cobra.MaximumNArgs(1),
	}
	f := c.Flags()
	f.StringVar(&spec.Target, "target", spec.Target, "broker to test (waybill list targets)")
	f.StringVar(&spec.Version, "version", "", "version of the product; default: the target's, or what an external cluster says that it is")
	f.StringVar(&spec.Dist, "dist", "", "folder of an unpacked distribution of the product to use, instead of one that is found or fetched")
	f.StringVar(&spec.Cluster, "cluster", experiment.Lab, "lab, or external: audit a cluster that you run, with faults of clients only")
	f.StringSliceVar(&spec.Brokers, "brokers", nil, "addresses of an external cluster, host:port, comma separated; default: those of docker-compose.yml")
	f.StringVar(&spec.Ledger, "ledger", "", "postgres://USER:PASSWORD@HOST/DATABASE to keep the effect ledger in; default: SQLite on a host of its own")
	f.StringVar(&spec.Profile, "profile", "", "broker settings to run under (waybill list targets), or 'all'; default: for each mode named the first that has it, and the target's first if none is named")
	f.StringSliceVar(&spec.Modes, "mode", nil, "modes to run, comma separated (waybill list modes); default: all")
	f.StringSliceVar(&spec.Faults, "fault", nil, "faults, comma separated (waybill list faults), 'all' or 'none'; default: a representative tour")
	f.DurationVar(&spec.Time, "time", 0, "how long the episodes may take together; faults that do not fit are named; default: no limit")
	f.Uint64Var(&spec.Seed, "seed", 0, "everything random follows it; default: chosen and printed")
	f.Float64Var(&spec.Load.Rate, "rate", spec.Load.Rate, "messages a second and lane, open loop")
	f.IntVar(&spec.Load.Size, "size", spec.Load.Size, "bytes of a message, its token among them")
	f.IntVar(&spec.Load.Producers, "producers", spec.Load.Producers, "producers a lane")
	f.IntVar(&spec.Load.Consumers, "consumers", spec.Load.Consumers, "members of each consumer group")
	f.BoolVar(&spec.Proxy, "proxy", false, "let faults of single frames act in a transparent proxy beside each client, not in its own dialer")
	f.BoolVar(&spec.FastHeal, "fast-heal", false, "TCP settings that notice a mended link within a second, instead of the kernel's")
	f.StringSliceVar(&planted, "plant", nil, "of the target planted: bugs to start its brokers with, NAME=RATE, comma separated (waybill list targets planted); the run is made long enough to see them")
	f.StringVar(&schedule, "schedule", "", "run this schedule file instead of one made from the seed")
	f.StringVar(&out, "out", "results/runs", "folder that run directories are made in")
	f.StringVar(&expect, "expect", "", "verdict to expect (kept, broken, inconclusive): exit 0 exactly when it is that")
	watch.flags(f)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if len(planted) > 0 {
			var err error
			if spec.Plant, err = experiment.ParsePlants(planted); err != nil {
				return err
			}
		}
		if len(args) == 1 {
			fromFile, err := experiment.ReadSpec(args[0])
			if err != nil {
				return err
			}
			spec = overrule(fromFile, spec, cmd.Flags().Changed)
		}
		if !validExpectation(expect) {
			return fmt.Errorf("--expect %q: want kept, broken or inconclusive", expect)
		}
		if err := watch.check(schedule); err != nil {
			return err
		}
		if spec.Seed == 0 {
			spec.Seed = campaign.NewSeed()
		}
		var replay *experiment.Schedule
		if schedule != "" {
			sched, err := experiment.ReadSchedule(schedule)
			if err != nil {
				return err
			}
			replay = &sched
		}
		return test(cmd.Context(), s, spec, replay, out, expect, watch)
	}
	return c
}

// overrule takes what flags said over what the file says.
func overrule(file, flags experiment.Spec, changed func(string) bool) experiment.Spec {
	for name, set := range map[string]func(){
		"target":    func() { file.Target = flags.Target },
		"version":   func() { file.Version = flags.Version },
		"dist":      func() { file.Dist = flags.Dist },
		"cluster":   func() { file.Cluster = flags.Cluster },
		"brokers":   func() { file.Brokers = flags.Brokers },
		"ledger":    func() { file.Ledger = flags.Ledger },
		"profile":   func() { file.Profile = flags.Profile },
		"mode":      func() { file.Modes = flags.Modes },
		"fault":     func() { file.Faults = flags.Faults },
		"time":      func() { file.Time = flags.Time },
		"seed":      func() { file.Seed = flags.Seed },
		"rate":      func() { file.Load.Rate = flags.Load.Rate },
		"size":      func() { file.Load.Size = flags.Load.Size },
		"producers": func() { file.Load.Producers = flags.Load.Producers },
		"consumers": func() { file.Load.Consumers = flags.Load.Consumers },
		"proxy":     func() { file.Proxy = flags.Proxy },
		"plant":     func() { file.Plant = flags.Plant },
		"fast-heal": func() { file.FastHeal = flags.FastHeal },
	} {
		if changed(name) {
			set()
		}
	}
	return file
}

func validExpectation(s string) bool {
	switch semantics.Result(s) {
	case "", semantics.Kept, semantics.Broken, semantics.Inconclusive:
		return true
	}
	return false
}

// test carries the plans out one after another. The exit code is the worst of them: a broken promise is never masked.
func test(ctx context.Context, s screen, spec experiment.Spec, replay *experiment.Schedule, out, expect string, watch watching) error {
	if ctx == nil {
		ctx = context.Background()
	}
	var site campaign.Site
	spec, chosen := campaign.Plant(spec)
	err := provisioning(ctx, s, func(ctx context.Context, log func(string, ...any)) (err error) {
		site, err = campaign.Provision(ctx, spec, log)
		return err
	})
	if err != nil {
		return err
	}
	plans, err := site.Resolve(spec, replay)
	if err != nil {
		return err
	}
	for _, line := range chosen {
		fmt.Fprintln(s.out, line)
	}
	stop, kill, release := interrupts(s, "Interrupted: healing, draining and auditing what there is. Once more ends it at once.", "Ended at once: auditing what there is.")
	defer release()
	if watch.soak > 0 {
		worst, err := soak(ctx, s, spec, site, out, watch, stop, kill)
		if err != nil {
			return err
		}
		return compare(s, worst, expect)
	}
	worst := semantics.Kept
	for _, p := range plans {
		l := newProgress(s, p)
		v, err := campaign.Test(ctx, p, site, out, os.Args, watch.options(), l, stop, kill)
		l.close()
		if err != nil {
			v.Result = worse(worst, v.Result) // what an earlier run broke stays broken
			return coded{exitAfter(v, err), err}
		}
		worst = worse(worst, v.Result)
		if v.CutShort != "" {
			break
		}
	}
	return compare(s, worst, expect)
}

// compare is the command's end: the worst result's exit code, or whether it is what was expected.
func compare(s screen, worst semantics.Result, expect string) error {
	if expect != "" {
		if worst == semantics.Result(expect) {
			fmt.Fprintf(s.out, "As expected: %s.\n", expect)
			return nil
		}
		return coded{ExitBroken, fmt.Errorf("expected %s, but the verdict is %s", expect, worst)}
	}
	return exitWith(semantics.Verdict{ExitCode: exitOf(worst)})
}

// exitAfter is the code of a run that did not come to its end. A promise seen broken stays broken, whatever ended the run.
func exitAfter(v semantics.Verdict, err error) int {
	switch {
	case v.Result == semantics.Broken:
		return ExitBroken
	case errors.Is(err, campaign.ErrFull):
		return ExitInconclusive
	case errors.Is(err, campaign.ErrRun):
		return ExitRun
	}
	return ExitUsage
}

func worse(a, b semantics.Result) semantics.Result {
	if exitRank(b) > exitRank(a) {
		return b
	}
	return a
}

func exitRank(r semantics.Result) int {
	return map[semantics.Result]int{semantics.Inconclusive: 1, semantics.Broken: 2}[r]
}

func exitOf(r semantics.Result) int {
	return map[semantics.Result]int{semantics.Inconclusive: ExitInconclusive, semantics.Broken: ExitBroken}[r]
}

// interrupts turns the first SIGINT or SIGTERM into stop and the second into kill, and says so.
func interrupts(s screen, stopping, killing string) (stop, kill <-chan struct{}, release func()) {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	first, second, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		for _, then := range []struct {
			c    chan struct{}
			line string
		}{
			{first, stopping},
			{second, killing},
		} {
			select {
			case <-signals:
				fmt.Fprintln(s.err, then.line)
				close(then.c)
			case <-done:
				return
			}
		}
	}()
	return first, second, func() { signal.Stop(signals); close(done) }
}
