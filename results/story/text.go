package story

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"waybill/harness/semantics"
)

// Options say how stories are written as text. The caller decides on colour: it knows the terminal.
type Options struct {
	Color bool
	Width int // columns; 0: 100
}

// Colours, as SGR codes.
const (
	bold   = "1"
	dim    = "2"
	red    = "1;31"
	green  = "32"
	yellow = "33"
)

// text writes lines. Errors stay in the bufio.Writer until Flush.
type text struct {
	w *bufio.Writer
	o Options
}

func newText(w io.Writer, o Options) *text {
	o.Width = max(60, cmp.Or(o.Width, 100))
	return &text{bufio.NewWriter(w), o}
}

// Text writes a story.
func (s Story) Text(w io.Writer, o Options) error {
	t := newText(w, o)
	t.line("", bold, s.Token)
	head := s.Summary
	if s.Lane != "" {
		head = "lane " + s.Lane + ": " + head
	}
	t.wrapped("", "", "", upper(head)+".")
	if s.Fine {
		t.line("", green, "Nothing is wrong with it: no finding names it.")
	}
	for _, f := range s.Said() {
		t.told(f)
	}
	if len(s.Lines) > 0 {
		t.blank()
		t.line("", bold, "its life")
		t.wrapped("", "", dim, legend(s))
	}
	for _, l := range s.Lines {
		t.life(l)
	}
	if s.LeftOut != "" {
		t.wrapped("", "", dim, s.LeftOut)
	}
	return t.w.Flush()
}

// Said is the findings, each without promises that were quoted just before it.
func (s Story) Said() []Told {
	out := slices.Clone(s.Findings)
	for i := range out {
		if i > 0 && reflect.DeepEqual(s.Findings[i].Promises, s.Findings[i-1].Promises) {
			out[i].Promises = nil
		}
	}
	return out
}

// legend says how the lines are read.
func legend(s Story) string {
	out := "seconds of the run"
	for _, l := range s.Lines {
		if l.Strike != nil {
			out += " · before (−) and after (+) the strike of that episode"
			break
		}
	}
	if len(s.Findings) > 0 {
		out += " · ▶ what proves the finding"
	}
	return out + " · positions count from 1"
}

func (t *text) told(f Told) {
	t.blank()
	code, verb := dim, "breaks nothing"
	if f.Breaks {
		code, verb = red, "breaks the promise"
	}
	t.line("", code, fmt.Sprintf("#%d %s: %s", f.ID, printable(f.Anomaly), verb))
	label := func(name, s string) {
		if s != "" {
			t.wrapped(fmt.Sprintf("  %-10s ", name), strings.Repeat(" ", 13), "", s)
		}
	}
	var said semantics.Source
	for _, p := range f.Promises {
		label("promised", PromiseWords(p))
		if p.Source != said {
			said = p.Source
			t.wrapped(strings.Repeat(" ", 13), strings.Repeat(" ", 13), dim, "“"+printable(p.Source.Quote)+"”")
			t.wrapped(strings.Repeat(" ", 13), strings.Repeat(" ", 13), dim, printable(p.Source.URL)+version(p.Source))
		}
	}
	label("means", f.Definition)
	label("here", f.Because)
	label("", f.Detail)
	visible := fmt.Sprintf("after episode %d", f.Episode)
	if f.Fault != "" {
		visible += " (" + f.Fault + ")"
	}
	label("first seen", visible)
}

func version(s semantics.Source) string {
	if s.Version == "" {
		return ""
	}
	return " (" + printable(s.Version) + ")"
}

// PromiseWords says a promise in a phrase.
func PromiseWords(p semantics.Promise) string {
	s := p.Stage.String() + " " + p.Guarantee.String()
	if p.Guarantee == semantics.None {
		s = "nothing about how often a message is " + p.Stage.String()
	}
	if p.Ordered {
		s += ", in order"
	}
	if p.Linearizable {
		s += ", linearizable"
	}
	if p.Atomic {
		s += ", all of a transaction or nothing"
	}
	if p.Scope != "" {
		s += ", within " + printable(p.Scope)
	}
	return s
}

// life writes one line of a life, its time to the left of its words.
func (t *text) life(l Line) {
	mark := "  "
	if len(l.Proof) > 0 {
		mark = "▶ "
	}
	since := ""
	if l.Strike != nil {
		since = Signed(*l.Strike)
	}
	left := fmt.Sprintf("%s%11s %9s  ", mark, strings.TrimSuffix(seconds(l.At), " s"), since)
	code := ""
	switch {
	case len(l.Proof) > 0:
		code = bold
	case l.Act == Fault:
		code = yellow
	case !l.Act.own():
		code = dim
	}
	t.wrapped(left, strings.Repeat(" ", utf8.RuneCountInString(left)), code, l.Words())
}

// Words is what a line says: who, what, and how long it took.
func (l Line) Words() string {
	s := l.What
	if l.Who != "" {
		s = l.Who + ": " + s
	}
	switch {
	case l.Open:
		s += " → no end was recorded"
	case l.Until > l.At:
		s += fmt.Sprintf(" [%s]", length(l.Until-l.At))
	}
	return s
}

// Signed is a distance in microseconds, in words, with its sign.
func Signed(ticks int64) string {
	if ticks >= 0 {
		return "+" + length(ticks)
	}
	return length(ticks)
}

func (t *text) blank() { t.w.WriteByte('\n') }

func (t *text) paint(code, s string) string {
	if !t.o.Color || code == "" || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *text) line(left, code, s string) {
	t.w.WriteString(strings.TrimRight(left+t.paint(code, s), " "))
	t.w.WriteByte('\n')
}

// wrapped writes words over as many lines as they need, continued lines behind rest. A word longer than a line gets one of its own.
func (t *text) wrapped(first, rest, code, s string) {
	left, line := first, ""
	room := t.o.Width - max(utf8.RuneCountInString(first), utf8.RuneCountInString(rest))
	for _, word := range strings.Fields(s) {
		if line != "" && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room {
			t.line(left, code, line)
			left, line = rest, ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	t.line(left, code, line)
}
