package edn

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// all reads every form of a text.
func all(text string) (out []Value, err error) {
	r := NewReader(strings.NewReader(text))
	for {
		v, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		out = append(out, v)
	}
}

func TestFormsAreReadAsClojurePrintsThem(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"nil true false", "nil true false"},
		{"0 -7 +7 42N 9223372036854775807", "0 -7 7 42 9223372036854775807"},
		{"9223372036854775808 1.5 1e9 2.50M 22/7 ##NaN ##-Inf", "9223372036854775808 1.5 1e9 2.50M 22/7 ##NaN ##-Inf"},
		{`"a\n\"b\" \u00e4 \\"`, "\"a\n\\\"b\\\" ä \\\\\""},
		{`\a \newline \space \u0041 \( \)`, `\a \newline \space \A \( \)`},
		{":send :a/b :+ sym - -x a.b/c", ":send :a/b :+ sym - -x a.b/c"},
		{"[1 [2 (3)] #{4 5}]", "[1 [2 (3)] #{4 5}]"},
		{"{:a 1, :b [2]}", "{:a 1 :b [2]}"},
		{`#jepsen.history.Op{:index 0} #inst "2026-11-21"`, `#jepsen.history.Op {:index 0} #inst "2026-11-21"`},
		{"#:a{:b 1}", "#:a {:b 1}"},
		{"; nothing\n1 #_ 2 3 #_[4 #_5] ; the end", "1 3"},
		{" ,, ", ""},
	} {
		got, err := all(c.text)
		var words []string
		for _, v := range got {
			words = append(words, v.String())
		}
		if diff := cmp.Diff(c.want, strings.Join(words, " ")); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", c.text, err, diff)
		}
	}
}

func TestWhatIsMalformedIsNamedByLineAndColumn(t *testing.T) {
	for _, c := range []struct {
		text         string
		line, column int
		says         string
	}{
		{"[1 2", 1, 1, "never closed"},
		{"{:a 1\n :b}", 1, 1, "no value"},
		{"{:a 1\n :a 2}", 2, 2, "twice"},
		{"{1 2 1 3}", 1, 6, "twice"},
		{"1\n\n  ]", 3, 3, "closes nothing"},
		{"[1 2)", 1, 5, "closes nothing"},
		{"\n \"abc", 2, 2, "never ends"},
		{`"ä\q"`, 1, 3, "no escape"},
		{`"\u12g4"`, 1, 2, "hexadecimal"},
		{`\nothing`, 1, 1, "no character"},
		{"1x", 1, 1, "no number"},
		{"[0x1F]", 1, 2, "no number"},
		{":", 1, 1, "without a name"},
		{"[1 #]", 1, 4, "needs a tag"},
		{"#tag", 1, 1, "ends before"},
		{"1 #_", 1, 3, "ends before"},
		{"ab\n\xff", 2, 1, "UTF-8"},
		{"a\x00", 1, 2, "zero byte"},
		{strings.Repeat("[", maxDepth+1), 1, maxDepth + 1, "deeper"},
	} {
		_, err := all(c.text)
		var at *SyntaxError
		if !errors.As(err, &at) || at.Line != c.line || !strings.Contains(at.What, c.says) {
			t.Errorf("%.40q: %v, want %q at line %d", c.text, err, c.says, c.line)
			continue
		}
		if d := at.Column - c.column; d != 0 && !(d == 1 && strings.Contains(c.says, "byte")) {
			t.Errorf("%.40q: column %d, want %d", c.text, at.Column, c.column)
		}
	}
}

func TestAVectorCanBeEnteredAndReadFormByForm(t *testing.T) {
	for _, c := range []struct {
		text    string
		entered bool
		forms   int
		wrong   bool
	}{
		{"[{:a 1} {:b 2}]", true, 2, false},
		{"; first\n({:a 1}\n{:b 2})\n", true, 2, false},
		{"{:a 1} {:b 2} {:c 3}", false, 3, false},
		{"#op{:a 1} {:b 2}", false, 2, false},
		{"[]", true, 0, false},
		{"", false, 0, false},
		{"[{:a 1}", true, 1, true},
	} {
		r := NewReader(strings.NewReader(c.text))
		entered, err := r.Enter()
		n := 0
		for err == nil {
			if _, err = r.Next(); err == nil {
				n++
			}
		}
		if entered != c.entered || n != c.forms || c.wrong == errors.Is(err, io.EOF) {
			t.Errorf("%q: entered %v and read %d forms, then %v", c.text, entered, n, err)
		}
	}
}

func TestAnErrorOfTheSourceIsNoSyntaxError(t *testing.T) {
	broken := errors.New("broken")
	r := NewReader(io.MultiReader(strings.NewReader("[1 2"), iotest.ErrReader(broken)))
	for range 2 { // it stays
		if _, err := r.Next(); !errors.Is(err, broken) {
			t.Errorf("%v, want %v", err, broken)
		}
	}
}

// anyValue draws a form that can be written.
func anyValue(depth int) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		last := int(Tagged)
		if depth == 0 {
			last = int(Symbol)
		}
		v := Value{Kind: Kind(rapid.IntRange(0, last).Draw(t, "kind"))}
		word := rapid.StringMatching(`[a-z][a-z0-9*!?.-]{0,5}`)
		switch v.Kind {
		case Bool:
			v.Int = rapid.Int64Range(0, 1).Draw(t, "bool")
		case Int:
			v.Int = rapid.Int64().Draw(t, "int")
		case Number:
			v.Text = rapid.StringMatching(`-?[1-9][0-9]{0,3}(\.[0-9]{1,3}M?|/[1-9])`).Draw(t, "number")
		case String:
			v.Text = strings.ReplaceAll(strings.ToValidUTF8(rapid.String().Draw(t, "string"), ""), "\x00", "")
		case Char:
			v.Text = rapid.SampledFrom([]string{"a", "\n", " ", "ä", ")", "\t"}).Draw(t, "char")
		case Keyword, Symbol:
			v.Text = word.Draw(t, "word")
			if v.Text == "nil" || v.Text == "true" || v.Text == "false" {
				v.Text += "x"
			}
		case Vector, List, Set:
			v.Items = rapid.SliceOfN(anyValue(depth-1), 0, 4).Draw(t, "items")
		case Map:
			for i := range rapid.IntRange(0, 3).Draw(t, "entries") {
				v.Items = append(v.Items, Value{Kind: Int, Int: int64(i)}, anyValue(depth-1).Draw(t, "value"))
			}
		case Tagged:
			v.Text, v.Items = word.Draw(t, "tag"), []Value{anyValue(depth-1).Draw(t, "tagged")}
		}
		return v
	})
}

// bare is a form without its place, so that it can be compared.
func bare(v Value) Value {
	v.Line, v.Column = 0, 0
	var items []Value
	for _, x := range v.Items {
		items = append(items, bare(x))
	}
	v.Items = items
	return v
}

func TestWhatIsWrittenIsReadBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := anyValue(3).Draw(rt, "form")
		got, err := all(want.String())
		if err != nil || len(got) != 1 {
			rt.Fatalf("%s: %v, %d forms", want, err, len(got))
		}
		if diff := cmp.Diff(bare(want), bare(got[0])); diff != "" {
			rt.Fatalf("%s (-want +got):\n%s", want, diff)
		}
	})
}

// FuzzReader holds that no input ends the program or the reader's patience, that every error has its place inside the text, and that
// what was read can be written and read again.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"[1 2]", `{:a "b\n" #t [1.5 \x]}`, "#_ 1 ##NaN 22/7 #{1}", "(\"", "{:a", "#", "\\u12", "; c\n:k", "\xff", "[[[["} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		values, err := all(text)
		var at *SyntaxError
		if err != nil && (!errors.As(err, &at) || at.Line < 1 || at.Column < 1 || at.Line > strings.Count(text, "\n")+1) {
			t.Fatalf("%q: %v", text, err)
		}
		for _, v := range values {
			again, err := all(v.String())
			if err != nil || len(again) != 1 || cmp.Diff(bare(v), bare(again[0])) != "" {
				t.Fatalf("%q was read as %s, and that as %v: %v", text, v, again, err)
			}
		}
	})
}
