package results

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// TermOptions say how and for whom a verdict is written as text. The caller decides on colour: it knows the terminal.
type TermOptions struct {
	Color  bool
	Width  int    // columns; 0: 100
	Repeat string // the command that repeats the run; empty: built from target and seed
	Report string // where the HTML report is; empty: not said
	Dir    string // the run directory; empty: not said
}

// labelWidth is that of "  exactly once", the longest common promise, and a gap.
const labelWidth = 16

// Matrix writes a verdict as text: matrix, liveness, ledgers, findings, reasons, and the verdict as the last line.
// Widths are in runes: names are expected to be narrow ones.
func Matrix(w io.Writer, v semantics.Verdict, opt TermOptions) error {
	t := &term{w: bufio.NewWriter(w), opt: opt}
	t.opt.Width = max(40, cmp.Or(opt.Width, 100))
	t.matrix(v)
	t.ledgers(v)
	t.findings(v)
	t.reasons(v)
	t.foundation(v)
	t.verdict(v)
	return t.w.Flush()
}

// term writes text. Errors stay in the bufio.Writer until Flush.
type term struct {
	w   *bufio.Writer
	opt TermOptions
}

func (t *term) line(s string) {
	t.w.WriteString(strings.TrimRight(s, " "))
	t.w.WriteByte('\n')
}

// wrapped writes words over as many lines as they need, continued lines with a deeper indent.
func (t *term) wrapped(first, rest, s string) {
	for i, l := range wrap(s, t.opt.Width-max(utf8.RuneCountInString(first), utf8.RuneCountInString(rest))) {
		if i == 0 {
			t.line(first + l)
		} else {
			t.line(rest + l)
		}
	}
}

func (t *term) head(s string) { t.line(""); t.line(t.paint("1", s)) }

// paint puts s between SGR codes when colour was asked for.
func (t *term) paint(code, s string) string {
	if !t.opt.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func colorOf(r semantics.Result) string {
	switch r {
	case semantics.Kept:
		return "32"
	case semantics.Broken:
		return "1;31"
	case semantics.Inconclusive:
		return "33"
	case semantics.Observed:
		return "36"
	default:
		return "2"
	}
}

// word is the result as the matrix shows it: what breaks a run is the only one in capitals.
func word(r semantics.Result) string {
	if r == semantics.Broken {
		return "BROKEN"
	}
	return look.Visible(string(r))
}

// wrap breaks s at spaces into lines of at most width runes; a longer word gets a line of its own.
func wrap(s string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(s) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return append(lines, line)
}

// pad fills s to width runes, or cuts it, ending in an ellipsis.
func pad(s string, width int) string {
	n := utf8.RuneCountInString(s)
	if n > width {
		return string([]rune(s)[:width-1]) + "…"
	}
	return s + strings.Repeat(" ", width-n)
}

func (t *term) ledgers(v semantics.Verdict) {
	t.head("ledger, in messages")
	for _, l := range v.Lanes {
		g := l.Ledger
		stored := "stored not observable"
		if g.Observable {
			stored = fmt.Sprintf("stored %s (%s twice, dedup answered %s)", look.Count(g.Stored), look.Count(g.StoredTwice), look.Count(g.DedupStore))
		}
		var lost []string
		for _, c := range losses(g.Lost) {
			if c.n != 0 {
				lost = append(lost, look.Count(c.n)+" "+c.what)
			}
		}
		loss := "lost 0"
		if g.Lost.Sum() != 0 {
			loss = fmt.Sprintf("lost %s (%s)", look.Count(g.Lost.Sum()), strings.Join(lost, ", "))
		}
		t.line("  " + t.paint("1", look.Visible(l.Name)))
		t.wrapped("    ", "      ", fmt.Sprintf(
			"sent %s in %s: %s acked, %s rejected, %s unknown → %s → delivered %s (%s) → applied %s (%s twice, dedup hit %s); %s; missing %s",
			look.Count(g.Sent), look.Plural(g.Attempts, "attempt"), look.Count(g.Acked), look.Count(g.Rejected), look.Count(g.Unknown), stored,
			look.Count(g.Delivered), redelivered(g.Redeliveries), look.Count(g.Applied), look.Count(g.AppliedTwice), look.Count(g.DedupEffect),
			loss, look.Count(g.Missing)))
	}
}

func redelivered(n int64) string {
	if n == 1 {
		return "1 redelivery"
	}
	return look.Count(n) + " redeliveries"
}

// shownTokens is how many tokens of a finding are written; verdict.json and the report have more.
const shownTokens = 3

func (t *term) findings(v semantics.Verdict) {
	if len(v.Findings) == 0 {
		return
	}
	t.head("findings")
	for _, f := range gatherFindings(v) {
		code := "2"
		if f.Breaks {
			code = "1;31"
		}
		t.wrapped("  "+f.ids()+" ", "     ", fmt.Sprintf("%s · %s ×%s · %s · first visible after %s%s",
			look.Visible(f.Lane), look.Visible(f.Anomaly), look.Count(f.Count), t.paint(code, findingVerb(v, f.Finding)), f.episodes(), f.fault(v)))
		if f.Detail != "" {
			t.wrapped("     ", "     ", look.Visible(f.Detail))
		}
		shown := f.Tokens[:min(len(f.Tokens), shownTokens)]
		for _, tok := range shown {
			t.line("     " + look.Visible(tok))
		}
		if more := f.Count - int64(len(shown)); more > 0 && len(shown) > 0 {
			t.line("     … and " + look.Count(more) + " more")
		}
	}
	if t.opt.Dir != "" {
		t.line("  explain: " + look.Visible(ExplainCommand(t.opt.Dir, v.Findings[0].ID)))
	}
}

func faultOf(v semantics.Verdict, episode int) string {
	for _, e := range v.Episodes {
		if e.Number == episode {
			return " (" + look.Visible(e.Fault) + ")"
		}
	}
	return ""
}

// reasons say why for every cell that is neither kept nor broken: once per reason, since many cells share one.
func (t *term) reasons(v semantics.Verdict) {
	for _, kind := range []struct {
		result semantics.Result
		head   string
	}{
		{semantics.Inconclusive, "inconclusive, because"},
		{semantics.Observed, "observed and not judged, because"},
		{semantics.NotAffected, "n/a, because"},
	} {
		rs := reasonsFor(v, kind.result)
		if len(rs) > 0 {
			t.head(kind.head)
		}
		for _, r := range rs {
			t.wrapped("  ", "    ", r.Why+": "+strings.Join(r.Places, ", "))
		}
	}
}

// foundation lists what the verdict could not rest on; what held is silent here and listed in the report.
func (t *term) foundation(v semantics.Verdict) {
	said := troubles(v)
	if len(said) > 0 {
		t.head("what this verdict could not rest on")
	}
	for _, s := range said {
		t.wrapped("  ", "    ", s)
	}
}

func (t *term) verdict(v semantics.Verdict) {
	t.line("")
	if slices.ContainsFunc(newGrid(v).rows, hasBound) {
		t.wrapped("", "", boundNote+" "+liveNote)
		t.line("")
	}
	repeat := t.opt.Repeat
	if repeat == "" {
		repeat = Manifest{Target: v.Target, Seed: v.Seed}.Repeat()
	}
	t.line("seed    " + fmt.Sprint(v.Seed))
	t.line("repeat  " + look.Visible(repeat))
	if t.opt.Dir != "" {
		t.line("audit   waybill audit " + look.Visible(quoteArg(t.opt.Dir)))
	}
	if t.opt.Report != "" {
		t.line("report  " + look.Visible(t.opt.Report))
	}
	t.line("verdict " + t.paint(colorOf(v.Result), word(v.Result)) + fmt.Sprintf(": exit code %d, %s", v.ExitCode, exitMeaning(v.ExitCode)))
}

func hasBound(r gridRow) bool {
	for _, c := range r.cells {
		if bounded(c) {
			return true
		}
	}
	return false
}
