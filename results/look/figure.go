package look

import (
	"html/template"

	"waybill/results/plot"
)

// Figure is a plot in the layouts that a page has room for: the template "figure" shows it, and the style sheet picks the one that fits.
type Figure struct {
	Name, Title, Caption string
	Phone, Page, Wide    template.HTML
}

// phoneWidth is what is left of a narrow screen beside the margins.
const phoneWidth = plot.Phone - 24

// NewFigure lays a plot out.
func NewFigure(f plot.Figure) (Figure, error) {
	out := Figure{Name: f.Name, Title: f.Title, Caption: f.Caption}
	for _, l := range []struct {
		into  *template.HTML
		width int
	}{{&out.Phone, phoneWidth}, {&out.Page, plot.Page}, {&out.Wide, plot.Wide}} {
		drawn, err := f.Inline(l.width)
		if err != nil {
			return Figure{}, err
		}
		*l.into = drawn
	}
	return out, nil
}
