package cli

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results"
)

// soak repeats the test. Its error has the exit code of a run that did not come to its end.
func soak(ctx context.Context, s screen, spec experiment.Spec, site campaign.Site, out string, w watching, stop, kill <-chan struct{}) (semantics.Result, error) {
	began := time.Now()
	first := true
	sum, dir, err := campaign.Soak(ctx, spec, site, campaign.SoakOptions{
		Length: w.soak, Out: out, Watch: w.options(), Stop: stop, Kill: kill,
		Command: func(seed uint64) []string { return roundCommand(os.Args, seed) },
		Began: func(n int) campaign.Listener {
			l := &soaking{progress: progress{s: s, started: began, spoke: began}, round: n, seed: spec.Seed, first: first, length: w.soak}
			first = false
			return l
		},
		Ended: func(r results.Round, soFar results.Soak) {
			fmt.Fprintln(s.out, printable(roundLine(time.Since(began), r)))
		},
	})
	if sum.Rounds > 0 {
		fmt.Fprintln(s.out)
		if err := results.WriteSoak(s.out, sum); err != nil {
			fmt.Fprintf(s.err, "waybill: %v\n", err)
		}
		fmt.Fprintf(s.out, "Every round: %s/rounds.jsonl\n", dir)
	}
	worst := sum.Result()
	if err != nil {
		return worst, coded{exitAfter(semantics.Verdict{Result: worst}, err), err}
	}
	return worst, nil
}

// roundLine is what is said of a round.
func roundLine(at time.Duration, r results.Round) string {
	line := fmt.Sprintf("%s  round %d: %s in %.0f s, %d messages; memory %.1f MiB, lab %.1f MiB at most, disk %.1f MiB",
		clock(at), r.Number, r.Result, r.Seconds, r.Sent, mebi(r.Memory.Parent), mebi(r.Memory.Lab), mebi(r.Disk))
	if r.Result == semantics.Broken {
		line += "; repeat it alone: " + r.Command
	}
	return line
}

func mebi(n int64) float64 { return float64(n) / (1 << 20) }

// roundCommand is the command line of one round alone: without what concerns the soak, and with the round's seed.
func roundCommand(args []string, seed uint64) []string {
	var out []string
	for i := 0; i < len(args); i++ {
		name, _, inOne := strings.Cut(args[i], "=")
		if name != "--soak" && name != "--seed" && name != "--expect" && name != "--stop-on" {
			out = append(out, args[i])
			continue
		}
		if !inOne {
			i++ // its value
		}
	}
	return append(out, "--seed", strconv.FormatUint(seed, 10))
}

// soaking shows a round while it goes on: on a terminal the repainted line, and what was found.
type soaking struct {
	progress
	round  int
	seed   uint64 // of the soak
	first  bool
	length time.Duration
}

// Planned introduces the soak with its first round.
func (p *soaking) Planned(plan campaign.Plan, d results.Dir) {
	p.plan = plan
	if p.first {
		e := plan.Experiment
		e.Seed = p.seed
		fmt.Fprintf(p.s.out, "%s\n  soak    for %s; a round takes about %s\n\n", brokers(e), p.length, (plan.Length() + 12*time.Second).Round(time.Second))
	}
}

// Told keeps to what can be repainted.
func (p *soaking) Told(x run.Progress) {
	if !p.s.terminal {
		return
	}
	p.progress.Told(run.Progress{Phase: x.Phase, Episode: x.Episode, Fault: x.Fault, Lanes: x.Lanes})
}

// Found tells a finding, and of which round.
func (p *soaking) Found(c campaign.Certain) {
	p.line(fmt.Sprintf("! round %d: %s", p.round, found(c)))
	p.paint()
}

// Judged leaves the verdict to the round's line.
func (p *soaking) Judged(semantics.Verdict, results.Dir, error) { p.close() }
