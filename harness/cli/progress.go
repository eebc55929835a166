package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/nemesis"
	"waybill/results"
)

// progress shows a run as it goes: on a terminal one repainted line below the lines of what happened, elsewhere plain lines, seldom.
type progress struct {
	s       screen
	plan    campaign.Plan
	started time.Time
	where   string // episode and phase
	rates   string
	bottom  repainted
	spoke   time.Time
}

// plainEvery is how often rates are printed where nothing can be repainted.
const plainEvery = 15 * time.Second

func newProgress(s screen, p campaign.Plan) *progress { return &progress{s: s, plan: p} }

// Planned prints what is about to happen and how long it takes.
func (p *progress) Planned(plan campaign.Plan, d results.Dir) {
	p.started = time.Now()
	p.spoke = p.started
	e := plan.Experiment
	var modes []string
	for _, l := range e.Lanes {
		modes = append(modes, l.Name)
	}
	fmt.Fprintf(p.s.out, "%s\n", brokers(e))
	fmt.Fprintf(p.s.out, "  modes   %s, %g messages a second each\n", strings.Join(modes, ", "), e.Load.Rate)
	for i, x := range plan.Schedule.Episodes {
		head := "        "
		if i == 0 {
			head = "  faults"
		}
		fmt.Fprintf(p.s.out, "%s  %d. %-26s %4.0f s\n", head, x.Number, x.Fault, nemesis.Lasts(x).Seconds())
	}
	if left := plan.Schedule.LeftOut; len(left) > 0 {
		fmt.Fprintf(p.s.out, "  left out for want of time: %s\n", strings.Join(left, ", "))
	}
	for _, line := range refusals(plan.Schedule.Refused) {
		fmt.Fprintf(p.s.out, "  refused  %s\n", line)
	}
	fmt.Fprintf(p.s.out, "  takes about %s; run directory %s\n\n", (plan.Length() + 12*time.Second).Round(time.Second), d)
}

// brokers says which brokers a run has, and its seed.
func brokers(e experiment.Experiment) string {
	what := strings.TrimSpace(e.Target + " " + e.Version)
	if e.Cluster == experiment.External {
		return fmt.Sprintf("%s, run by somebody else at %s; seed %d", what, strings.Join(e.Brokers, ", "), e.Seed)
	}
	extra := ""
	if len(e.Extra) > 0 {
		extra = " and " + strings.Join(e.Extra, ", ")
	}
	return fmt.Sprintf("%s, profile %s, %d nodes%s; seed %d", what, e.Profile, e.Nodes, extra, e.Seed)
}

// refusals lists what cannot be had, names with the same reason together.
func refusals(refused map[string]string) (lines []string) {
	byReason := map[string][]string{}
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		byReason[refused[name]] = append(byReason[refused[name]], name)
	}
	for _, why := range slices.Sorted(maps.Keys(byReason)) {
		lines = append(lines, strings.Join(byReason[why], ", ")+": "+why)
	}
	return lines
}

// Told takes one report of the run.
func (p *progress) Told(x run.Progress) {
	if x.Warning != "" {
		p.line("! " + x.Warning)
	}
	if x.Phase != "" {
		p.where = x.Phase
		if x.Fault != "" {
			p.where = fmt.Sprintf("episode %d of %d, %s: %s", x.Episode, len(p.plan.Schedule.Episodes), x.Fault, x.Phase)
		}
		if !p.s.terminal {
			p.line(p.where)
		}
	}
	if x.Line != "" && x.Fault != "" {
		p.line(fmt.Sprintf("%s: %s", x.Fault, x.Line))
	} else if x.Line != "" {
		p.line(x.Line)
	}
	if len(x.Lanes) > 0 {
		var parts []string
		for _, l := range x.Lanes {
			part := fmt.Sprintf("%s %.0f→%.0f/s", l.Name, l.Acked, l.Applied)
			if l.Flying > 0 {
				part += fmt.Sprintf(" (%d open)", l.Flying)
			}
			parts = append(parts, part)
		}
		p.rates = strings.Join(parts, "  ")
		if !p.s.terminal && time.Since(p.spoke) >= plainEvery {
			p.line(p.where + "; acked→applied: " + p.rates)
		}
	}
	p.paint()
}

// Found tells a finding of the live audit.
func (p *progress) Found(c campaign.Certain) {
	p.line("! " + found(c))
	p.paint()
}

// found says in a line what was found: whose, what, where, and what that means.
func found(c campaign.Certain) string {
	what := c.Anomaly
	switch {
	case len(c.Tokens) > 0 && c.Count > 1:
		what += fmt.Sprintf(": %d messages, %s first", c.Count, c.Tokens[0])
	case len(c.Tokens) > 0:
		what += ": " + c.Tokens[0]
	case c.Detail != "":
		what += ": " + c.Detail
	}
	where := fmt.Sprintf("episode %d", c.Episode)
	if c.Fault != "" {
		where += ", " + c.Fault
	}
	if c.Cell == "" {
		return fmt.Sprintf("%s: %s (%s) breaks no promise there", c.Lane, what, where)
	}
	return fmt.Sprintf("%s: %s (%s) breaks %s", c.Lane, what, where, c.Cell)
}

// line prints something that stays.
func (p *progress) line(text string) {
	p.clear()
	p.spoke = time.Now()
	for _, l := range strings.Split(strings.TrimSpace(text), "\n") {
		fmt.Fprintf(p.s.out, "%s  %s\n", p.clock(), printable(l))
	}
}

func (p *progress) clock() string { return clock(time.Since(p.started)) }

// clock is minutes and seconds.
func clock(d time.Duration) string {
	d = d.Round(time.Second)
	return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
}

func (p *progress) paint() {
	if !p.s.terminal {
		return
	}
	p.bottom.paint(p.s, fmt.Sprintf("%s  %s  %s", p.clock(), p.where, p.rates))
}

func (p *progress) clear() { p.bottom.clear(p.s) }

// Judged prints the verdict.
func (p *progress) Judged(v semantics.Verdict, d results.Dir, warning error) {
	p.clear()
	fmt.Fprintln(p.s.out)
	show(p.s, v, d, warning)
}

func (p *progress) close() { p.clear() }

// show prints a verdict and where its views are.
func show(s screen, v semantics.Verdict, d results.Dir, warning error) {
	opt := results.TermOptions{Color: s.color, Width: s.width, Dir: string(d), Report: d.Report()}
	if m, err := d.LoadManifest(); err == nil {
		opt.Repeat = m.Repeat()
	}
	if err := results.Matrix(s.out, v, opt); err != nil {
		fmt.Fprintf(s.err, "waybill: %v\n", err)
	}
	if warning != nil {
		fmt.Fprintf(s.err, "waybill: the report is not whole, the verdict stands: %v\n", warning)
	}
}

// printable takes out what could steer a terminal: lines may hold a broker's own words.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) {
			return ' '
		}
		return r
	}, s)
}
