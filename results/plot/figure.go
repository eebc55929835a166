package plot

import (
	"bytes"
	"errors"
	"fmt"
	"html/template"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// ErrCannotDraw marks a figure that could not be drawn.
var ErrCannotDraw = errors.New("cannot be drawn")

// Widths in pixels of CSS between which a figure can be laid out, and those that are worth having: of a phone, of a page, of a wide page.
const (
	Least  = 300
	Phone  = 360
	Page   = 760
	Wide   = 1120
	Utmost = 2400
)

// Figure is one plot, not yet laid out.
type Figure struct {
	Name    string // of its files, without ending: lower case, digits and dashes
	Title   string
	Caption string // how to read it, in one or two sentences
	Alt     string // what it shows, in words, for those who do not see it

	plan func(width float64) sketch
}

// sketch is a figure laid out for a width.
type sketch struct {
	height float64
	draw   func(s *sheet)
}

// SVG draws the figure as a file of its own, with its title and the theme's ground, width pixels wide.
func (f Figure) SVG(t Theme, width int) ([]byte, error) {
	raw, w, h, err := f.vector(width, true)
	if err != nil {
		return nil, err
	}
	return dress(raw, f, w, h, t.Hex, t.Hex(Ground)), nil
}

// Inline draws the figure as an element for a page: no title, no ground, no identifiers, no script, and the colours are the variables that CSS
// declares, so that it follows the page's theme.
func (f Figure) Inline(width int) (template.HTML, error) {
	raw, w, h, err := f.vector(width, false)
	if err != nil {
		return "", err
	}
	variable := func(r Role) string { c := Palette()[r]; return "var(--" + c.Name + "," + c.Light + ")" }
	return template.HTML(dress(raw, f, w, h, variable, "")), nil // every name in it went through the drawing library's escape
}

// PNG draws the figure as SVG does, with two dots a pixel of CSS.
func (f Figure) PNG(t Theme, width int) (b []byte, err error) {
	const dots = 2
	err = f.drawn(width, true, t.color, func(w, h vg.Length) (vg.CanvasSizer, error) {
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(72*dots))}, nil
	}, func(c vg.CanvasSizer) error {
		var out bytes.Buffer
		_, err := c.(vgimg.PngCanvas).WriteTo(&out)
		b = out.Bytes()
		return err
	})
	return b, err
}

// vector draws the figure with a number in place of each colour; see dress.
func (f Figure) vector(width int, titled bool) (raw []byte, w, h float64, err error) {
	err = f.drawn(width, titled, numbered, func(w, h vg.Length) (vg.CanvasSizer, error) {
		return vgsvg.New(w, h), nil
	}, func(c vg.CanvasSizer) error {
		var out bytes.Buffer
		_, err := c.(*vgsvg.Canvas).WriteTo(&out)
		cw, ch := c.Size()
		raw, w, h = out.Bytes(), cw.Points(), ch.Points()
		return err
	})
	return raw, w, h, err
}

// drawn lays the figure out, draws it on a new canvas and hands that over. The drawing library panics on what it cannot draw; a figure must
// never end a benchmark or an audit, so that a panic is an error here.
func (f Figure) drawn(width int, titled bool, ink func(Role) color.Color, canvas func(w, h vg.Length) (vg.CanvasSizer, error), done func(vg.CanvasSizer) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("plot: %s: %w: %v", f.Name, ErrCannotDraw, p)
		}
	}()
	if f.plan == nil || width < Least || width > Utmost {
		return fmt.Errorf("plot: %s: %w: %d pixels wide; a figure of this package can be %d to %d wide", f.Name, ErrCannotDraw, width, Least, Utmost)
	}
	w := float64(width)
	k := f.plan(w - 2*margin)
	top := margin
	var title []string
	if titled {
		title = wrap(f.Title, titleStyle, w-2*margin, 3)
		top += float64(len(title))*titleStyle.leading() + 8
	}
	h := math.Ceil(top + k.height + margin)
	c, err := canvas(vg.Points(w), vg.Points(h))
	if err != nil {
		return fmt.Errorf("plot: %s: %w", f.Name, err)
	}
	s := &sheet{c: draw.New(c), height: h, ink: ink}
	if titled {
		s.area(Ground, 0, 0, w, h)
		for i, line := range title {
			s.text(titleStyle, margin, margin+float64(i)*titleStyle.leading()+titleStyle.size, line)
		}
	}
	s.x, s.y = margin, top
	k.draw(s)
	if err := done(c); err != nil {
		return fmt.Errorf("plot: %s: %w", f.Name, err)
	}
	return nil
}

// File is a figure as it is kept beside a page.
type File struct {
	Name string // NAME-light.svg and so on
	Draw func() ([]byte, error)
}

// Files are a figure's files at a width: SVG and PNG, light and dark.
func (f Figure) Files(width int) []File {
	var fs []File
	for _, t := range Themes() {
		fs = append(fs,
			File{f.Name + "-" + string(t) + ".svg", func() ([]byte, error) { return f.SVG(t, width) }},
			File{f.Name + "-" + string(t) + ".png", func() ([]byte, error) { return f.PNG(t, width) }})
	}
	return fs
}
