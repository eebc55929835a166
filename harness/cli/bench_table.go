package cli

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"waybill/harness/campaign"
	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/bench/publish"
)

// benchTable writes what came of a benchmark as text.
type benchTable struct {
	w   io.Writer
	s   screen
	sum bench.Summary
}

// showBench prints the end of a benchmark: what each mode does and costs, what the harness costs, what that is worth, and where the rest is.
func showBench(s screen, end campaign.BenchEnd) {
	w := bufio.NewWriter(s.out)
	defer w.Flush()
	t := benchTable{w: w, s: s, sum: end.Summary}
	fmt.Fprintln(w)
	t.modes()
	t.harness()
	t.noise()
	t.baseline(end.Against)
	t.warnings(end)
	var tests []string
	for _, x := range end.Tested {
		tests = append(tests, x.Dir)
	}
	for _, line := range [][2]string{{"tests", strings.Join(tests, ", ")}, {"seed", fmt.Sprint(end.Summary.Plan.Seed)}, {"repeat", end.Repeat()}, {"data", string(end.Dir)}, {"report", end.Report()}} {
		if line[1] != "" {
			fmt.Fprintf(w, "%-7s %s\n", line[0], printable(line[1]))
		}
	}
	if end.Warning != nil {
		fmt.Fprintf(s.err, "waybill: not everything could be written, the figures stand: %v\n", end.Warning)
	}
}

// cell is text of a table with its colour.
type cell struct{ text, color string }

func (t *benchTable) paint(code, text string) string {
	if !t.s.color || code == "" || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (t *benchTable) head(text string) { fmt.Fprintln(t.w, t.paint("1", text)) }

// Names may be as long as somebody made them: what a table has room for.
const (
	widestMode  = 22
	widestRatio = 56
)

func cut(text string, width int) string {
	runes := []rune(printable(text))
	if len(runes) <= width {
		return string(runes)
	}
	return string(runes[:width-1]) + "…"
}

// rows writes aligned columns: the first to the left, all others to the right. No row: nothing.
func (t *benchTable) rows(head []string, rows [][]cell) {
	if len(rows) == 0 {
		return
	}
	width := make([]int, len(head))
	for i, h := range head {
		width[i] = utf8.RuneCountInString(h)
		for _, r := range rows {
			width[i] = max(width[i], utf8.RuneCountInString(r[i].text))
		}
	}
	line := func(text func(i int) cell) {
		var b strings.Builder
		b.WriteString("  ")
		for i := range head {
			c := text(i)
			gap := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c.text))
			switch i {
			case 0:
				b.WriteString(t.paint(c.color, c.text) + gap)
			default:
				b.WriteString("  " + gap + t.paint(c.color, c.text))
			}
		}
		fmt.Fprintln(t.w, strings.TrimRight(b.String(), " "))
	}
	line(func(i int) cell { return cell{head[i], "2"} })
	for _, r := range rows {
		line(func(i int) cell { return r[i] })
	}
	fmt.Fprintln(t.w)
}

// modes are throughput, what it is beside the weakest, latency and verdict, target by target.
func (t *benchTable) modes() {
	for _, target := range t.sum.Plan.Targets {
		var rows [][]cell
		share := t.middleShare(target.Name)
		for _, l := range t.sum.Levels {
			if l.Arm.Target != target.Name {
				continue
			}
			p50, p99 := t.latency(l.Arm, share)
			color := ""
			if l.Struck {
				color = "9" // struck out
			}
			rows = append(rows, []cell{{cut(label(l.Arm), widestMode), "1"}, {level(l.Goodput), color}, {spread(l.Goodput, short), color}, {fmt.Sprint(l.Goodput.N), ""},
				t.ratioTo(l.Arm), {p50, color}, {p99, color}, markOf(l)})
		}
		if len(rows) == 0 {
			continue
		}
		title := target.Title + " " + target.Version
		if share > 0 {
			title += fmt.Sprintf("; latency at %.4g %% of what each mode sustains", 100*share)
		}
		t.head(printable(title))
		t.rows([]string{"mode", "messages/s", "95 % interval", "n", "of the weakest", "p50", "p99", "promise"}, rows)
	}
	if len(t.sum.Levels) > 0 {
		t.say("", "● kept here and in every test under faults; ○ kept here, not tested; ✗ broken; [ ] an interval; ( ) the smallest and the largest of too few runs")
		fmt.Fprintln(t.w)
	}
}

// say writes a sentence over as many lines as it needs.
func (t *benchTable) say(color, text string) {
	for i, l := range folded(printable(text), t.s.width-4) {
		indent := "  "
		if i > 0 {
			indent = "    "
		}
		fmt.Fprintln(t.w, indent+t.paint(color, l))
	}
}

// label is a mode's name without its target's.
func label(a bench.Arm) string { return strings.TrimPrefix(a.Name, a.Target+"/") }

func level(i bench.Interval) string {
	if i.N == 0 {
		return "-"
	}
	return short(i.Estimate)
}

// spread is an interval, or, where there are too few runs for one, the smallest and the largest value, in other brackets.
func spread(i bench.Interval, number func(float64) string) string {
	switch {
	case i.N == 0:
		return "-"
	case !i.Enough:
		return fmt.Sprintf("(%s,%s)", number(i.Low), number(i.High))
	}
	return fmt.Sprintf("[%s,%s]", number(i.Low), number(i.High))
}

func ratio(x float64) string { return fmt.Sprintf("%.3f", x) }

// ratioTo is an arm's ratio to the weakest mode of its target. Only one that may be claimed is not faint.
func (t *benchTable) ratioTo(a bench.Arm) cell {
	for _, r := range t.sum.Ratios {
		if r.About == bench.OfModes && r.Over == a.Name {
			return t.ratioCell(r)
		}
	}
	return cell{"1", "2"}
}

func (t *benchTable) ratioCell(r bench.Ratio) cell {
	c := cell{ratio(r.Ratio.Estimate) + " " + spread(r.Ratio, ratio), ""}
	if !r.Claims {
		c.color = "2"
	}
	if r.Struck {
		c.color = "9"
	}
	return c
}

// middleShare is the offered load of a target whose latency the table shows: half, or what is nearest to it; 0: none was measured.
func (t *benchTable) middleShare(target string) (share float64) {
	for _, l := range t.sum.Loads {
		if l.Arm.Target == target && (share == 0 || math.Abs(l.Arm.Share-0.5) < math.Abs(share-0.5)) {
			share = l.Arm.Share
		}
	}
	return share
}

// latency is that of the farthest stage that was observed, from the intended instant.
func (t *benchTable) latency(a bench.Arm, share float64) (p50, p99 string) {
	rank := []string{"confirmed", "delivered", "applied", "visible"}
	best := -1
	p50, p99 = "-", "-"
	for _, l := range t.sum.Loads {
		if l.Arm.Target != a.Target || l.Arm.Mode != a.Mode || l.Arm.Profile != a.Profile || l.Arm.Share != share {
			continue
		}
		for _, s := range l.Stages {
			for i, name := range rank {
				if s.To == name && s.Corrected && i > best && s.N > 0 {
					best, p50, p99 = i, quantile(s, "p50"), quantile(s, "p99")
				}
			}
		}
	}
	return p50, p99
}

// quantile is the median of the runs' own.
func quantile(s bench.StageLatency, name string) string {
	if s.PerRun[name].N == 0 {
		return "-"
	}
	return micros(s.PerRun[name].Estimate)
}

// micros is a time in microseconds as it is read.
func micros(us float64) string {
	switch {
	case us < 999.5:
		return fmt.Sprintf("%.0f µs", us)
	case us < 99_950:
		return fmt.Sprintf("%.1f ms", us/1e3)
	case us < 999_500:
		return fmt.Sprintf("%.0f ms", us/1e3)
	}
	return fmt.Sprintf("%.2f s", us/1e6)
}

// markOf is what is known of a mode's promises.
func markOf(l bench.Level) cell {
	switch m := l.Mark; {
	case m.Broken:
		return cell{"✗ broken", "1;31"}
	case m.Held:
		return cell{"● kept", "32"}
	case m.Runs == semantics.Kept:
		return cell{"○ kept", "32"}
	case m.Runs == "":
		return cell{"not judged", "2"}
	default:
		return cell{string(m.Runs), "33"}
	}
}

// harness are the ratios of the harness to itself and to the products' own tools.
func (t *benchTable) harness() {
	var rows [][]cell
	for _, r := range t.sum.Ratios {
		if r.About != bench.OfHarness {
			continue
		}
		goal := cell{"", ""}
		if r.Goal != nil {
			goal.text = fmt.Sprintf("%.2f", r.Goal.Median)
			if r.Goal.Low > 0 {
				goal.text += fmt.Sprintf(", %.2f", r.Goal.Low)
			}
			switch {
			case r.Goal.Met:
				goal.text, goal.color = goal.text+" met", "32"
			case !r.Ratio.Enough:
				goal.text, goal.color = goal.text+" ?", "2"
			default:
				goal.text, goal.color = goal.text+" missed", "33"
			}
		}
		target, _, _ := strings.Cut(r.Over, "/")
		rows = append(rows, []cell{{cut(target+"/"+r.Name, widestRatio), ""}, {ratio(r.Ratio.Estimate), ""}, {spread(r.Ratio, ratio), ""}, {fmt.Sprint(r.Ratio.N), ""}, goal})
	}
	if c := t.sum.Ceiling; c != nil {
		for _, x := range []struct {
			name string
			i    bench.Interval
		}{{"on no broker, messages/s and core", c.Plain}, {"the same in batches", c.Batched}} {
			if x.i.N > 0 {
				rows = append(rows, []cell{{x.name, ""}, {short(x.i.Estimate), ""}, {spread(x.i, short), ""}, {fmt.Sprint(x.i.N), ""}, {}})
			}
		}
	}
	if len(rows) > 0 {
		t.head("what the harness itself costs")
		t.rows([]string{"ratio", "median", "95 % interval", "n", "goal, low end"}, rows)
	}
}

// noise are the arms that ran under two names.
func (t *benchTable) noise() {
	var rows [][]cell
	for _, r := range t.sum.Ratios {
		if r.About == bench.OfItself {
			c := cell{"", ""}
			if r.Ratio.Excludes(1) {
				c = cell{"misses 1", "1;31"}
			}
			rows = append(rows, []cell{{cut(r.Under, widestRatio), ""}, {ratio(r.Ratio.Estimate), ""}, {spread(r.Ratio, ratio), ""}, {fmt.Sprint(r.Ratio.N), ""}, c})
		}
	}
	if len(rows) == 0 {
		return
	}
	t.head("the same under two names")
	t.rows([]string{"arm", "ratio", "95 % interval", "n", ""}, rows)
	said := false
	for _, n := range t.sum.Smallest {
		if n.Enough {
			how := ""
			if n.Turns {
				how = ", by turns"
			}
			fmt.Fprintf(t.w, "  %s%s: a difference below %.1f %% says nothing here.\n", printable(n.Target), how, 100*n.Smallest)
			said = true
		}
	}
	if said {
		fmt.Fprintln(t.w)
	}
}

// baseline is what changed since another benchmark.
func (t *benchTable) baseline(a *publish.Against) {
	if a == nil {
		return
	}
	regressed := map[string]bool{}
	if a.Limit > 0 {
		for _, x := range a.Regressions(a.Limit) {
			regressed[x.Over+x.Figure] = true
		}
	}
	var rows [][]cell
	for _, x := range a.Against {
		better := x.Ratio.Ratio.Estimate > 1
		if x.Figure != "goodput" {
			better = !better
		}
		c := cell{"no difference seen", "2"}
		switch {
		case x.Unlike != "":
			c = cell{"not the same load", "2"}
		case !x.Ratio.Ratio.Enough:
			c = cell{"too few runs", "33"}
		case regressed[x.Over+x.Figure]:
			c = cell{fmt.Sprintf("worse by more than %.4g%%", 100*a.Limit), "1;31"}
		case x.Claims && better:
			c = cell{"better", "32"}
		case x.Claims:
			c = cell{"worse", "33"}
		}
		rows = append(rows, []cell{{cut(x.Over, widestRatio), ""}, {x.Figure, ""}, {ratio(x.Ratio.Ratio.Estimate), ""}, {spread(x.Ratio.Ratio, ratio), ""}, {fmt.Sprint(x.Ratio.Ratio.N), ""}, c})
	}
	t.head("against the baseline: new / old")
	t.rows([]string{"arm", "of", "ratio", "95 % interval", "n", ""}, rows)
	t.sum.Warnings = append(t.sum.Warnings, a.Warnings...)
}

// warnings are what must be known before the figures are used.
func (t *benchTable) warnings(end campaign.BenchEnd) {
	n := len(t.sum.Warnings)
	for _, w := range t.sum.Warnings {
		color := ""
		if w.Grave {
			color = "33"
		}
		t.say(color, "! "+w.Text)
	}
	if end.CutShort {
		t.say("33", "! It was asked to end before its time: what is shown is of the blocks until then.")
		n++
	}
	if n > 0 {
		fmt.Fprintln(t.w)
	}
}
