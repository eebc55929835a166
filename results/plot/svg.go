package plot

import (
	"bytes"
	"fmt"
	"html"
	"image/color"
	"regexp"
	"strconv"
)

// fontStack names fonts of one width a letter: Liberation Sans, with which figures are laid out, and those that it was made to replace.
const fontStack = "Liberation Sans,Arimo,Helvetica,Arial,sans-serif"

// numbered is the colour that stands for a role until dress knows what to write. Black is left out: the drawing library does not write it.
func numbered(r Role) color.Color { return color.RGBA{R: 0x5f, B: uint8(r) + 1, A: 0xff} }

var (
	// Quotation marks in words are escaped, so that these match attributes only.
	styled      = regexp.MustCompile(`style="[^"]*"`)
	numberOf    = regexp.MustCompile(`#5F00([0-9A-F]{2})`)
	fontDetails = regexp.MustCompile(`font-family:[^;]*;font-variant:[^;]*;(font-weight:normal;)?|font-style:normal;`)
)

// dress turns what the drawing library wrote into an element that can stand in a page or a file: a head of our own, colours by what the
// caller calls them, one font for all. Neither ids nor scripts are in it.
func dress(raw []byte, f Figure, w, h float64, ink func(Role) string, ground string) []byte {
	if i := bytes.Index(raw, []byte("<g ")); i >= 0 {
		raw = raw[i:]
	}
	raw = styled.ReplaceAllFunc(raw, func(style []byte) []byte {
		style = fontDetails.ReplaceAll(style, nil)
		return numberOf.ReplaceAllFunc(style, func(n []byte) []byte {
			i, err := strconv.ParseUint(string(n[5:]), 16, 8)
			if err != nil || i == 0 || int(i) > len(Palette()) {
				return n
			}
			return []byte(ink(Role(i - 1)))
		})
	})
	var out bytes.Buffer
	if ground != "" {
		out.WriteString("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")
	}
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%g" height="%g" viewBox="0 0 %g %g" role="img" aria-label="%s" font-family="%s">`,
		w, h, w, h, html.EscapeString(printable(f.Title+". "+f.Alt)), fontStack)
	out.WriteByte('\n')
	out.Write(raw)
	return out.Bytes()
}
