package plot

import (
	"strings"
	"unicode"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/font/liberation"
	"gonum.org/v1/plot/vg"
)

// fonts holds the faces with which text is measured and drawn. It is safe for concurrent use.
var fonts = font.NewCache(liberation.Collection())

// anchor says which part of a text stands at its place.
type anchor float64

const (
	atStart  anchor = 0
	atMiddle anchor = 0.5
	atEnd    anchor = 1
)

// style is how words are written.
type style struct {
	size   float64
	bold   bool
	ink    Role
	anchor anchor
}

var (
	titleStyle = style{size: 15, bold: true, ink: Ink}
	nameStyle  = style{size: 12.5, bold: true, ink: Ink}
	bodyStyle  = style{size: 12, ink: Ink}
	noteStyle  = style{size: 11, ink: Muted}
)

func (t style) as(r Role) style         { t.ink = r; return t }
func (t style) anchored(a anchor) style { t.anchor = a; return t }

// leading is the distance between lines.
func (t style) leading() float64 { return t.size * 1.25 }

func (t style) face() font.Face {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Points(t.size)}
	if t.bold {
		f.Weight = xfont.WeightBold
	}
	return fonts.Lookup(f, f.Size)
}

// width of a text in pixels, as text writes it.
func (t style) width(text string) float64 {
	f := t.face()
	return f.Width(printable(text)).Points()
}

// text writes on one line, y being its base.
func (s *sheet) text(t style, x, y float64, text string) {
	text = printable(text)
	if text == "" {
		return
	}
	f := t.face()
	p := s.at(point{x, y})
	p.X -= f.Width(text) * vg.Length(t.anchor)
	s.c.SetColor(s.ink(t.ink))
	s.c.FillString(f, p, text)
}

// printable replaces what does not print, or would turn the direction of what follows: names are not ours.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\uFFFD'
	}, text)
}

// fit is the text, or as much of it as fits into width with an ellipsis.
func fit(text string, t style, width float64) string {
	text = printable(text)
	if t.width(text) <= width {
		return text
	}
	runes := []rune(text)
	for len(runes) > 0 {
		runes = runes[:len(runes)-1]
		if short := strings.TrimRight(string(runes), " -") + "…"; t.width(short) <= width {
			return short
		}
	}
	return ""
}

// fitEnds is the text, or its beginning and its end with an ellipsis between: names that begin alike stay apart.
func fitEnds(text string, t style, width float64) string {
	text = printable(text)
	if t.width(text) <= width {
		return text
	}
	runes := []rune(text)
	for keep := len(runes) - 1; keep > 1; keep-- {
		if short := string(runes[:keep-keep/2]) + "…" + string(runes[len(runes)-keep/2:]); t.width(short) <= width {
			return short
		}
	}
	return ""
}

// wrap breaks a text at spaces and after dashes and colons into lines of at most width; what does not fit into most lines is cut.
func wrap(text string, t style, width float64, most int) []string {
	var lines []string
	line := ""
	for _, part := range pieces(printable(text)) {
		switch {
		case line == "" || t.width(strings.TrimRight(line+part, " ")) <= width:
			line += part
		default:
			lines = append(lines, strings.TrimRight(line, " "))
			line = part
		}
	}
	lines = append(lines, strings.TrimRight(line, " "))
	if len(lines) > most {
		lines = append(lines[:most-1], strings.Join(lines[most-1:], " "))
	}
	for i, l := range lines {
		lines[i] = fit(l, t, width)
	}
	return lines
}

// pieces splits a text after every place where a line may end.
func pieces(text string) []string {
	return strings.FieldsFunc(strings.NewReplacer(" ", " \x00", "-", "-\x00", ":", ":\x00", "/", "/\x00").Replace(text), func(r rune) bool { return r == 0 })
}
