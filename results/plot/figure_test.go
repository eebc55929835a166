package plot

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"waybill/harness/golden"
	"waybill/results/bench"
)

// word is a text of an SVG in pixels from its upper left corner.
type word struct {
	text       string
	x, y       float64 // of its base
	style      style
	ink        string
	x0, x1     float64
	top, under float64
}

// read is what an SVG holds: its size, its texts and how many elements of each kind. It fails on what is not well formed.
func read(t fataler, svg []byte) (w, h float64, words []word, elements map[string]int) {
	t.Helper()
	elements = map[string]int{}
	d := xml.NewDecoder(bytes.NewReader(svg))
	var open *word
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			return w, h, words, elements
		}
		if err != nil {
			t.Fatalf("the figure is not well formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			elements[tok.Name.Local]++
			at := map[string]string{}
			for _, a := range tok.Attr {
				at[a.Name.Local] = a.Value
			}
			switch tok.Name.Local {
			case "svg":
				w, h = number(t, at["width"]), number(t, at["height"])
			case "text":
				words = append(words, word{x: number(t, at["x"]), y: h + number(t, at["y"])})
				open = &words[len(words)-1]
				open.style = style{size: number(t, between(at["style"], "font-size:", "px")), bold: strings.Contains(at["style"], "font-weight:bold")}
				open.ink = between(at["style"], "fill:", "")
			}
		case xml.CharData:
			if open != nil {
				open.text += string(tok)
			}
		case xml.EndElement:
			if tok.Name.Local == "text" {
				open.x0, open.x1 = open.x, open.x+open.style.width(open.text)
				open.top, open.under = open.y-0.72*open.style.size, open.y+0.2*open.style.size
				open = nil
			}
		}
	}
}

type fataler interface {
	Helper()
	Fatalf(string, ...any)
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	if to == "" {
		to = ";"
	}
	s, _, _ = strings.Cut(s, to)
	return s
}

func number(t fataler, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatalf("%q is no number", s)
	}
	return v
}

// tidy fails when words overlap each other or leave the figure.
func tidy(t fataler, name string, width int, svg []byte) {
	t.Helper()
	w, h, words, _ := read(t, svg)
	if w != float64(width) || len(words) == 0 {
		t.Fatalf("%s at %d is %v wide and has %d words", name, width, w, len(words))
	}
	for i, a := range words {
		if a.x0 < -0.5 || a.x1 > w+0.5 || a.top < 0 || a.under > h+0.5 {
			t.Fatalf("%s at %d: %q leaves the figure: %.0f to %.0f of %.0f, base %.0f of %.0f", name, width, a.text, a.x0, a.x1, w, a.y, h)
		}
		for _, b := range words[:i] {
			if a.x0 < b.x1-1 && b.x0 < a.x1-1 && a.top < b.under-1 && b.top < a.under-1 {
				t.Fatalf("%s at %d: %q at (%.0f, %.0f) covers %q at (%.0f, %.0f)", name, width, a.text, a.x, a.y, b.text, b.x, b.y)
			}
		}
	}
}

var widths = []int{Least, Phone, 680, Wide}

func TestNoWordsCoverEachOtherAtAnyWidth(t *testing.T) {
	for name, fs := range sampleFigures() {
		t.Run(name, func(t *testing.T) {
			for _, f := range fs {
				for _, w := range widths {
					svg, err := f.SVG(Light, w)
					if err != nil {
						t.Fatal(err)
					}
					tidy(t, f.Name, w, svg)
				}
			}
		})
	}
}

func TestNoWordsCoverEachOtherWhateverTheNamesAndNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringOfN(rapid.RuneFrom([]rune("abcW-_ :/<é漢\u202e\x1b")), 0, 40, -1)
		var modes []sampleMode
		for i := range rapid.IntRange(1, 14).Draw(t, "modes") {
			modes = append(modes, sampleMode{fmt.Sprintf("%d%s", i, name.Draw(t, "mode")), name.Draw(t, "guarantee"), name.Draw(t, "sync"),
				rapid.Float64Range(0.5, 5e7).Draw(t, "rate"), rapid.IntRange(0, 4).Draw(t, "survives"), standing(rapid.IntRange(0, 2).Draw(t, "standing"))})
		}
		ts := []sampleTarget{{"t", name.Draw(t, "title"), "1.2", modes}}
		if rapid.Bool().Draw(t, "two") {
			ts = append(ts, oneTarget...)
		}
		s, reps := sampleSummary(ts, rapid.IntRange(1, 8).Draw(t, "n"))
		fs := Of(s, reps, nil)
		if f, ok := Faults(sampleVerdicts(ts)); ok {
			fs = append(fs, f)
		}
		fs = append(fs, Silences(sampleSilences(ts))...)
		fs = append(fs, OfRun(sampleRun(modes, rapid.IntRange(1, 20).Draw(t, "faults")))...)
		w := rapid.IntRange(Least, 1400).Draw(t, "width")
		f := rapid.SampledFrom(fs).Draw(t, "figure")
		svg, err := f.SVG(Dark, w)
		if err != nil {
			t.Fatal(err)
		}
		tidy(t, f.Name, w, svg)
	})
}

func TestFiguresSayTheSameAsBefore(t *testing.T) {
	s, reps := sampleSummary(twoTargets, 10)
	fs := Of(s, reps, nil)
	if f, ok := Faults(sampleVerdicts(oneTarget)); ok {
		fs = append(fs, f)
	}
	fs = append(append(fs, Silences(sampleSilences(oneTarget))...), OfRun(sampleRun(natsModes, 3))...)
	var b strings.Builder
	for _, f := range fs {
		svg, err := f.SVG(Light, Page)
		if err != nil {
			t.Fatal(err)
		}
		_, _, words, elements := read(t, svg)
		fmt.Fprintf(&b, "%s: %d paths\n", f.Name, elements["path"])
		for _, w := range words {
			fmt.Fprintf(&b, "  %s\n", w.text)
		}
	}
	golden.Compare(t, "words.txt", []byte(b.String()))
}

func TestThemesShareTheirGeometry(t *testing.T) {
	colour := regexp.MustCompile(`#[0-9a-f]{6}|var\([^)]*\)`)
	for _, name := range []string{"hostile", "single"} {
		for _, f := range sampleFigures()[name] {
			light, err := f.SVG(Light, Page)
			if err != nil {
				t.Fatal(err)
			}
			dark, err := f.SVG(Dark, Page)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Equal(light, dark) {
				t.Errorf("%s %s: light and dark are one", name, f.Name)
			}
			if !bytes.Equal(colour.ReplaceAll(light, nil), colour.ReplaceAll(dark, nil)) {
				t.Errorf("%s %s: light and dark differ in more than colours", name, f.Name)
			}
			if again, _ := f.SVG(Light, Page); !bytes.Equal(light, again) {
				t.Errorf("%s %s: drawn twice, it differs", name, f.Name)
			}
		}
	}
}

func TestEveryModeIsNamed(t *testing.T) {
	s, reps := sampleSummary(twoTargets, 10)
	for _, f := range Of(s, reps, nil) {
		svg, err := f.SVG(Light, Wide)
		if err != nil {
			t.Fatal(err)
		}
		_, _, words, _ := read(t, svg)
		for _, target := range twoTargets {
			if strings.Contains(f.Name, "-") && !strings.HasSuffix(f.Name, target.name) || f.Name == "harness-cost" {
				continue
			}
			for _, m := range target.modes {
				if !slices.ContainsFunc(words, func(w word) bool { return strings.HasPrefix(w.text, m.name) }) {
					t.Errorf("%s does not name %s", f.Name, m.name)
				}
			}
		}
	}
}

// crossed is the stroke of a cross.
const crossedStroke = `stroke-width:2.2`

func TestOnlyABrokenPromiseIsCrossed(t *testing.T) {
	for st, want := range map[standing]int{held: 0, untested: 0, broke: 2} { // at its level, and in the key
		modes := slices.Clone(natsModes[:2])
		modes[0].st, modes[1].st = held, st
		s, _ := sampleSummary([]sampleTarget{{"t", "T", "", modes}}, 10)
		f, ok := Cost(s)
		svg, err := f.SVG(Light, Page)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		if got := bytes.Count(svg, []byte(crossedStroke)); got != want {
			t.Errorf("standing %d: %d crosses, want %d", st, got, want)
		}
	}
}

func TestFiguresThatDoNotCountAreStruckOut(t *testing.T) {
	s, _ := sampleSummary(oneTarget, 10)
	for i := range s.Levels {
		s.Levels[i].Struck = false
	}
	for i := range s.Ratios {
		s.Ratios[i].Struck = false
	}
	lines := func() int {
		f, _ := Cost(s)
		svg, err := f.SVG(Light, Wide)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Count(svg, []byte(`stroke:`+Light.Hex(Ink)+`;stroke-width:1.2`))
	}
	if got := lines(); got != 0 {
		t.Fatalf("%d lines through figures that count", got)
	}
	s.Levels[0].Struck = true
	if got := lines(); got != 2 {
		t.Errorf("%d lines, want one through the figure and one in the key", got)
	}
}

func TestNamesStayText(t *testing.T) {
	const evil = "</text>\u202e\x1b<script>alert(1)</script>\"'&#5F0001"
	modes := slices.Clone(natsModes)
	for i := range modes {
		modes[i].name += evil
	}
	s, reps := sampleSummary([]sampleTarget{{"t", evil, evil, modes}}, 10)
	for _, f := range Of(s, reps, nil) {
		inline, err := f.Inline(Wide)
		if err != nil {
			t.Fatal(err)
		}
		_, _, words, elements := read(t, []byte(inline))
		for _, bad := range []string{"script", "style", "a", "image", "foreignObject", "defs", "title"} {
			if elements[bad] > 0 {
				t.Errorf("%s has a <%s>", f.Name, bad)
			}
		}
		for _, bad := range []string{" id=", "<?xml", "href", "#5F00", " on"} {
			if strings.Contains(regexp.MustCompile(`>[^<]*<|aria-label="[^"]*"`).ReplaceAllString(string(inline), ""), bad) {
				t.Errorf("%s inline holds %q", f.Name, bad)
			}
		}
		if !slices.ContainsFunc(words, func(w word) bool { return strings.Contains(w.text, "</text>") || strings.Contains(w.text, "</te…") }) {
			t.Errorf("%s does not show the name as it is", f.Name)
		}
		if i := strings.IndexFunc(string(inline), func(r rune) bool { return r != '\n' && r != '\t' && !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%s inline holds %q at %d", f.Name, string(inline)[i:i+3], i)
		}
	}
}

func TestAPictureIsTwoDotsAPixel(t *testing.T) {
	s, _ := sampleSummary(oneTarget, 3)
	f, _ := Cost(s)
	b, err := f.PNG(Dark, Phone)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil || img.Bounds().Dx() != 2*Phone {
		t.Fatalf("%v wide: %v", img.Bounds(), err)
	}
	for _, p := range [][2]int{{0, 0}, {img.Bounds().Dx() - 1, img.Bounds().Dy() - 1}} {
		r, g, bl, _ := img.At(p[0], p[1]).RGBA()
		if got := fmt.Sprintf("#%02x%02x%02x", r>>8, g>>8, bl>>8); got != Dark.Hex(Ground) {
			t.Errorf("the corner %v is %s, want the ground %s", p, got, Dark.Hex(Ground))
		}
	}
}

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	s, _ := sampleSummary(oneTarget, 3)
	f, _ := Cost(s)
	broken := Figure{Name: "broken", plan: func(float64) sketch { panic("no such glyph") }}
	for name, draw := range map[string]func() error{
		"too narrow":             func() error { _, err := f.SVG(Light, Least-1); return err },
		"too wide":               func() error { _, err := f.PNG(Light, Utmost+1); return err },
		"no figure":              func() error { _, err := Figure{}.Inline(Page); return err },
		"a panic of the library": func() error { _, err := broken.SVG(Light, Page); return err },
	} {
		if err := draw(); !errors.Is(err, ErrCannotDraw) {
			t.Errorf("%s: error %v, want %v", name, err, ErrCannotDraw)
		}
	}
}

func TestWhatHasNothingToShowIsLeftOut(t *testing.T) {
	target := bench.Target{Name: "nats"}
	empty := bench.Summary{Plan: bench.Plan{Targets: []bench.Target{target}}}
	if fs := Of(empty, nil, nil); len(fs) != 0 {
		t.Errorf("a benchmark of nothing has %d figures, the first %s", len(fs), fs[0].Name)
	}
	if fs := append(OfRun(Run{}), Silences([]Silence{{Acked: -1, Delivered: -1}})...); len(fs) != 0 {
		t.Errorf("a run of nothing has %d figures", len(fs))
	}
	if _, ok := Faults(nil); ok {
		t.Error("no verdicts have a matrix")
	}
}
