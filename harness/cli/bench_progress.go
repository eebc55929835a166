package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"waybill/harness/campaign"
	"waybill/harness/run"
	"waybill/results/bench"
)

// benchProgress shows a benchmark as it goes: on a terminal one repainted line below the lines of what happened, elsewhere a line for each
// replicate.
type benchProgress struct {
	s       screen
	blocks  int
	started time.Time
	step    campaign.Step
	since   time.Time // of the step
	rate    string
	bottom  repainted
}

// Planned says what is going to run, and how long that takes.
func (p *benchProgress) Planned(b *campaign.Bench, d bench.Dir) {
	p.started, p.blocks = time.Now(), b.Plan.Blocks
	for _, t := range b.Plan.Targets {
		var names []string
		for _, m := range t.Modes {
			names = append(names, m.Name)
		}
		line := fmt.Sprintf("%s %s", t.Title, t.Version)
		if t.Tool != "" {
			line += ", against " + t.Tool
		}
		fmt.Fprintln(p.s.out, printable(line))
		for _, l := range folded(strings.Join(names, ", "), p.s.width-4) {
			fmt.Fprintln(p.s.out, "    "+l)
		}
	}
	fmt.Fprintf(p.s.out, "%s, %s measured after at most %s of warm-up; seed %d\n\n", some(b.Plan.Blocks, "block"), b.Plan.Measure, b.Plan.Warm, b.Plan.Seed)
	w := tabwriter.NewWriter(p.s.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	var all time.Duration
	for _, x := range b.Lengths() {
		arms := ""
		if x.Arms > 0 {
			arms = some(x.Arms, "arm")
		}
		fmt.Fprintf(w, "  %s\t%s\tabout %s\t\n", x.What, arms, roughly(x.Takes))
		all += x.Takes
	}
	fmt.Fprintf(w, "  together\t%s\tabout %s\t\n", some(len(b.Plan.Arms), "arm"), roughly(all))
	w.Flush()
	fmt.Fprintf(p.s.out, "\nbench directory %s\n\n", d)
}

// roughly is a length as people say it.
func roughly(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", max(1, int(d.Seconds()+0.5)))
	case d < 90*time.Minute:
		return fmt.Sprintf("%d min", int(d.Minutes()+0.5))
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}

func some(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Said prints something that stays.
func (p *benchProgress) Said(text string) { p.line(text) }

func (p *benchProgress) line(text string) {
	p.clear()
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		fmt.Fprintf(p.s.out, "%s  %s\n", clock(time.Since(p.started)), printable(l))
	}
	p.paint()
}

// Began notes what is under way.
func (p *benchProgress) Began(s campaign.Step) {
	newBlock := s.Block > 0 && s.Block != p.step.Block || s.Target != p.step.Target
	p.step, p.since, p.rate = s, time.Now(), ""
	if newBlock && s.Block > 0 {
		p.line(fmt.Sprintf("%s, block %d of %d: %s, about %s left in all", s.Target, s.Block, s.Blocks, some(s.Places, "replicate"), roughly(s.Left)))
		return
	}
	p.paint()
}

// Told takes one report of the lab.
func (p *benchProgress) Told(x run.Progress) {
	if x.Warning != "" {
		p.line("! " + x.Warning)
	}
	for _, l := range x.Lanes {
		p.rate = fmt.Sprintf("%s→%s/s", short(l.Acked), short(l.Applied))
	}
	p.paint()
}

// Measured tells of a replicate, where nothing is repainted, and of one whose promise was not kept everywhere.
func (p *benchProgress) Measured(r bench.Replicate) {
	what := ""
	switch {
	case r.Failed != "":
		what = "not measured: " + r.Failed
	case r.Verdict.Result != "":
		what = string(r.Verdict.Result)
		if r.Verdict.Why != "" {
			what += ": " + r.Verdict.Why
		}
	default:
		what = "not audited"
	}
	kept := r.Failed == "" && (r.Verdict.Why == "" || r.Verdict.Result == "observed")
	switch {
	case !kept:
		p.line(fmt.Sprintf("! %s, block %d: %s", r.Arm, r.Block, what))
	case !p.s.terminal:
		p.line(fmt.Sprintf("block %d  %-44s %9s/s  %s", r.Block, r.Arm, short(r.Goodput), what))
	}
}

// short is a rate in four characters or so.
func short(x float64) string {
	switch {
	case x >= 999_500:
		return fmt.Sprintf("%.2fM", x/1e6)
	case x >= 99_950:
		return fmt.Sprintf("%.0fk", x/1e3)
	case x >= 9_995:
		return fmt.Sprintf("%.1fk", x/1e3)
	}
	return fmt.Sprintf("%.0f", x)
}

func (p *benchProgress) paint() {
	if !p.s.terminal || p.step.Target == "" {
		return
	}
	where := fmt.Sprintf("searching the rate of %s", p.step.Arm)
	if p.step.Block > 0 {
		where = fmt.Sprintf("block %d/%d  %d/%d  %s", p.step.Block, p.step.Blocks, p.step.Place, p.step.Places, p.step.Arm)
	}
	left := ""
	if p.step.Left > 0 {
		left = fmt.Sprintf("  %s left", roughly(max(time.Second, p.step.Left-time.Since(p.since))))
	}
	p.bottom.paint(p.s, fmt.Sprintf("%s  %s  %s%s", clock(time.Since(p.started)), where, p.rate, left))
}

func (p *benchProgress) clear() { p.bottom.clear(p.s) }
