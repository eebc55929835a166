package plot

import (
	"fmt"
	"image/color"
	"strings"
)

// Role is what a colour is for. Every mark, word and area of a figure has one, so that a theme is a list of colours and nothing else.
type Role int

// Roles, in the order of Palette.
const (
	Ground Role = iota
	Ink
	Muted
	Grid
	Soft
	Kept
	KeptGround
	KeptEdge
	Broken
	BrokenGround
	BrokenEdge
	Inconclusive
	InconclusiveGround
	InconclusiveEdge
	Observed
	ObservedGround
	ObservedEdge
	Absent
	AbsentGround
	AbsentEdge
	Sent
	Acked
	Applied
	Strike
	Heal
	Hatch
	Series1
	Series2
	Series3
	Series4
	Series5
	Series6
	Series7
)

// SeriesCount is how many series have a colour of their own; those after share them, with other shapes and dashes.
const SeriesCount = 7

// Colour is a role's colour in both themes, as #rrggbb, and the CSS variable that stands for it on a page.
type Colour struct {
	Name        string // of the CSS variable, without its dashes
	Light, Dark string
}

// Palette holds the colour of every role: the only place where figures and pages take theirs from. The hues are those that Okabe and Ito
// proposed for readers who do not see all colours. Of those for series, lightness and saturation are moved a little, so that marks have a contrast
// of 3 to 1 with the ground of either theme and every two series stay apart for those who lack one kind of cone.
func Palette() []Colour {
	return []Colour{
		{"bg", "#ffffff", "#14181c"},
		{"fg", "#1c2126", "#e4e8ec"},
		{"muted", "#5a646e", "#9aa5b0"},
		{"line", "#d6dce2", "#343c44"},
		{"soft", "#f4f6f8", "#1c2228"},
		{"kept", "#00694c", "#7fdcbd"},
		{"kept-bg", "#e0f3ec", "#12332a"},
		{"kept-edge", "#009e73", "#009e73"},
		{"broken", "#943800", "#ffb08a"},
		{"broken-bg", "#fde3d6", "#46210c"},
		{"broken-edge", "#d55e00", "#d55e00"},
		{"inconclusive", "#6b4a00", "#f6cf7a"},
		{"inconclusive-bg", "#fdf1d3", "#3b2e0c"},
		{"inconclusive-edge", "#e69f00", "#e69f00"},
		{"observed", "#004f86", "#93cdf5"},
		{"observed-bg", "#e0effa", "#122f45"},
		{"observed-edge", "#0072b2", "#3f9bd4"},
		{"na", "#5a646e", "#8d98a3"},
		{"na-bg", "#f4f6f8", "#1c2228"},
		{"na-edge", "#c3cad1", "#434c55"},
		{"sent", "#7d838a", "#8a939c"},
		{"acked", "#0072b2", "#56b4e9"},
		{"applied", "#d55e00", "#f08a4b"},
		{"strike", "#c6cad0", "#454e57"},
		{"heal", "#e6e8eb", "#2a3138"},
		{"hatch", "#a9b0b7", "#59636d"},
		{"series-1", "#2d66a5", "#0872b2"},
		{"series-2", "#c85206", "#d55c00"},
		{"series-3", "#3d926c", "#079f6e"},
		{"series-4", "#904d6d", "#d079ab"},
		{"series-5", "#1c2126", "#e4e8ec"},
		{"series-6", "#cc8407", "#e6a321"},
		{"series-7", "#019fcf", "#55b3e9"},
	}
}

// Theme is one of the two sets of colours.
type Theme string

// Themes.
const (
	Light Theme = "light"
	Dark  Theme = "dark"
)

// Themes are all of them.
func Themes() []Theme { return []Theme{Light, Dark} }

// Hex is the colour of a role, as #rrggbb.
func (t Theme) Hex(r Role) string {
	c := Palette()[r]
	if t == Dark {
		return c.Dark
	}
	return c.Light
}

// color is the same for drawing.
func (t Theme) color(r Role) color.Color {
	var c color.RGBA
	// The palette is ours and a test reads every one of its colours.
	_, _ = fmt.Sscanf(t.Hex(r), "#%02x%02x%02x", &c.R, &c.G, &c.B)
	c.A = 0xff
	return c
}

// CSS declares the palette as variables of a page: light, and dark where the reader prefers that. Inline figures use them.
func CSS() string {
	var light, dark strings.Builder
	for _, c := range Palette() {
		fmt.Fprintf(&light, "--%s:%s;", c.Name, c.Light)
		fmt.Fprintf(&dark, "--%s:%s;", c.Name, c.Dark)
	}
	return ":root{color-scheme:light dark;" + light.String() + "}\n@media screen and (prefers-color-scheme:dark){:root{" + dark.String() + "}}\n"
}
