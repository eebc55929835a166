package publish

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/look"
)

// Markdown writes a summary for the page of a job: warnings on top, then a table of modes with intervals and numbers of runs, the harness's own
// cost, and what changed against an earlier benchmark, if c is not nil. Figures of a mode that broke a promise are struck through.
func Markdown(w io.Writer, s bench.Summary, c *Against) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "## What a guarantee costs: %s\n\n", targets(s.Plan))
	fmt.Fprintf(b, "%d block%s%s, %s measured in each replicate, seed %d. A figure is a median with its 95 %% interval and number of runs; goodput is unique messages applied.\n\n",
		s.Plan.Blocks, map[bool]string{true: "s"}[s.Plan.Blocks != 1], map[bool]string{true: " (quick)"}[s.Plan.Quick], s.Plan.Measure, s.Plan.Seed)
	warnings(b, s.Warnings)
	levels(b, s)
	loads(b, s)
	ratios(b, s)
	if c != nil {
		compared(b, *c)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("publish: write Markdown: %w", err)
	}
	return nil
}

func targets(p bench.Plan) string {
	var names []string
	for _, t := range p.Targets {
		names = append(names, cell(strings.TrimSpace(t.Name+" "+t.Version)))
	}
	return strings.Join(names, ", ")
}

func warnings(b *bufio.Writer, ws []bench.Warning) {
	for _, grave := range []bool{true, false} {
		for _, w := range ws {
			if w.Grave != grave {
				continue
			}
			if grave {
				fmt.Fprintf(b, "> ⚠ **%s**\n>\n", cell(w.Text))
			} else {
				fmt.Fprintf(b, "> %s\n>\n", cell(w.Text))
			}
		}
	}
	if len(ws) > 0 {
		b.WriteString("\n")
	}
}

func levels(b *bufio.Writer, s bench.Summary) {
	if len(s.Levels) == 0 {
		return
	}
	b.WriteString("| | target | mode | guarantee | fsync | goodput, messages a second |\n|---|---|---|---|---|---:|\n")
	hatched := false
	for _, l := range s.Levels {
		figure := rate(l.Goodput)
		if l.Hatched {
			figure, hatched = figure+" ▨", true
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", mark(l.Mark, l.Struck), cell(l.Arm.Target), cell(l.Arm.Mode), cell(l.Place.Guarantee), cell(l.Place.Sync), struck(figure, l.Struck))
	}
	b.WriteString("\n✓ kept in every run here and under every fault tested; ○ kept here, not tested under faults; ? not concluded; ✗ broken, figures struck through.")
	if hatched {
		b.WriteString(" ▨: above half of what the harness itself can do, so that the harness may be what was measured.")
	}
	b.WriteString("\n\n")
}

// mark says in a glyph what is known of a mode's promises.
func mark(m bench.Mark, struck bool) string {
	switch {
	case m.Broken || struck:
		return look.Glyph(semantics.Broken)
	case m.Runs != semantics.Kept && m.Runs != semantics.Observed:
		return look.Glyph(semantics.Inconclusive)
	case m.Held && m.Runs == semantics.Kept:
		return look.Glyph(semantics.Kept)
	}
	return look.Glyph(semantics.Observed)
}

func loads(b *bufio.Writer, s bench.Summary) {
	if len(s.Loads) == 0 {
		return
	}
	b.WriteString("<details><summary>Latency at offered loads, from the intended instant, in milliseconds</summary>\n\n")
	b.WriteString("| target | mode | offered a second | to | p50 | p99 |\n|---|---|---:|---|---:|---:|\n")
	for _, l := range s.Loads {
		stage, ok := last(l.Stages)
		if !ok {
			continue
		}
		quantile := func(name string) string {
			q, ok := stage.PerRun[name]
			if !ok {
				return "–"
			}
			return struck(millis(q), l.Struck)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", cell(l.Arm.Target), cell(l.Arm.Mode), look.Rate(l.Offered), cell(stage.To), quantile("p50"), quantile("p99"))
	}
	b.WriteString("\n</details>\n\n")
}

// last is the corrected latency to the last stage that there is one of.
func last(stages []bench.StageLatency) (found bench.StageLatency, ok bool) {
	for _, to := range []string{"visible", "applied", "delivered", "confirmed"} {
		for _, s := range stages {
			if s.To == to && s.Corrected {
				return s, true
			}
		}
	}
	return found, false
}

func ratios(b *bufio.Writer, s bench.Summary) {
	for _, part := range []struct {
		about bench.About
		title string
	}{{bench.OfModes, "What a guarantee costs beside the weakest of its target"}, {bench.OfHarness, "What the harness costs"}, {bench.OfItself, "The same arm under two names (A/A)"}} {
		first := true
		for _, r := range s.Ratios {
			if r.About != part.about {
				continue
			}
			if first {
				fmt.Fprintf(b, "<details><summary>%s</summary>\n\n| ratio | estimate, 95 %% interval, pairs | |\n|---|---:|---|\n", part.title)
				first = false
			}
			fmt.Fprintf(b, "| %s | %s | %s |\n", cell(r.Name), struck(interval(r.Ratio), r.Struck), claim(r))
		}
		if !first {
			b.WriteString("\n</details>\n\n")
		}
	}
}

// claim says what a ratio amounts to.
func claim(r bench.Ratio) string {
	switch {
	case r.Struck:
		return "struck out"
	case r.About == bench.OfItself && r.Ratio.Excludes(1):
		return "misses 1"
	case r.Goal != nil && r.Goal.Met:
		return fmt.Sprintf("goal reached: %s", r.Goal)
	case r.Goal != nil && !r.Ratio.Enough:
		return fmt.Sprintf("too few for the goal: %s", r.Goal)
	case r.Goal != nil:
		return fmt.Sprintf("goal missed: %s", r.Goal)
	case r.About == bench.OfItself:
		return ""
	case r.Claims:
		return "a difference"
	}
	return "no difference that could be told from noise"
}

func compared(b *bufio.Writer, c Against) {
	fmt.Fprintf(b, "### Against the benchmark of %s\n\n", c.Baseline.UTC().Format("2006-01-02 15:04 UTC"))
	warnings(b, c.Warnings)
	for _, x := range c.Changes {
		matters := ""
		if x.Matters {
			matters = ", which may move figures"
		}
		fmt.Fprintf(b, "- %s: %s → %s%s\n", cell(x.What), cell(orNone(x.Was)), cell(orNone(x.Is)), matters)
	}
	if len(c.Comparison.Against) == 0 {
		b.WriteString("\n")
		return
	}
	b.WriteString("\n| | arm | figure | new / baseline, 95 % interval, runs of both |\n|---|---|---|---:|\n")
	regressed := map[string]bool{}
	if c.Limit > 0 {
		for _, r := range c.Regressions(c.Limit) {
			regressed[r.Over+"\x00"+r.Figure] = true
		}
	}
	for _, a := range c.Comparison.Against {
		glyph := ""
		switch {
		case regressed[a.Over+"\x00"+a.Figure]:
			glyph = "✗ worse by more than " + percent(c.Limit)
		case a.Unlike != "":
			glyph = "not comparable: " + cell(a.Unlike)
		case a.Claims:
			glyph = "a difference"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s |\n", glyph, cell(a.Over), cell(a.Figure), struck(interval(a.Ratio.Ratio), a.Struck))
	}
	b.WriteString("\n")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// rate is a goodput with its interval.
func rate(i bench.Interval) string {
	if !i.Enough {
		return fmt.Sprintf("%s, no interval (n=%d)", look.Rate(i.Estimate), i.N)
	}
	return fmt.Sprintf("%s [%s, %s] (n=%d)", look.Rate(i.Estimate), look.Rate(i.Low), look.Rate(i.High), i.N)
}

// millis is a time in microseconds with its interval, in milliseconds.
func millis(i bench.Interval) string {
	ms := func(micros float64) string { return strconv.FormatFloat(micros/1e3, 'g', 4, 64) }
	if !i.Enough {
		return fmt.Sprintf("%s, no interval (n=%d)", ms(i.Estimate), i.N)
	}
	return fmt.Sprintf("%s [%s, %s] (n=%d)", ms(i.Estimate), ms(i.Low), ms(i.High), i.N)
}

func struck(s string, yes bool) string {
	if yes {
		return "~~" + s + "~~"
	}
	return s
}

// cell is text from elsewhere in Markdown: it starts no markup, no line and no column.
func cell(s string) string {
	var b strings.Builder
	for _, r := range look.Visible(s) {
		switch {
		case r == '<':
			b.WriteString("&lt;")
		case r == '>':
			b.WriteString("&gt;")
		case r == '&':
			b.WriteString("&amp;")
		case strings.ContainsRune("\\`*_[]#|~$@", r):
			b.WriteByte('\\')
			b.WriteRune(r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
