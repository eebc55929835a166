package look

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"strings"

	"waybill/results/plot"
)

//go:embed style.css
var sheet string

//go:embed page.js
var script string

//go:embed parts.html
var parts string

// Style is the style sheet of all pages: the colours of the figures as variables, light and dark, and what is made of them.
func Style() template.CSS { return template.CSS(plot.CSS() + sheet) } // ours, embedded: nothing from a run is in it

// Script is the script of all pages: it makes the heads of tables of the class "sortable" into buttons, and opens what is folded for print.
// It contains neither < nor &, so that a page with it in place stays well formed.
func Script() template.JS { return template.JS(script) } // ours, embedded

// Policy permits a page its own styles and the one script, and nothing else: no other script, no address, no form.
func Policy() string {
	sum := sha256.Sum256([]byte(script))
	return "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; script-src 'sha256-" +
		base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Head is what the templates "head" and "foot" need.
type Head struct {
	Title  string
	Policy string
	Style  template.CSS
	Script template.JS
}

// NewHead is the head of a self-contained page.
func NewHead(title string) Head {
	return Head{Title: title, Policy: Policy(), Style: Style(), Script: Script()}
}

// New is an empty template of a page, with the functions of Functions and the templates "head", which belongs into the element of that name,
// and "foot", which closes the body; both are given a Head.
func New(name string) *template.Template {
	return template.Must(template.New(name).Funcs(Functions()).Parse(parts))
}

// Functions write what pages show.
func Functions() template.FuncMap {
	return template.FuncMap{
		"show":    Visible,
		"count":   Count,
		"percent": Percent,
		"ticks":   Ticks,
		"rate":    Rate,
		"bytes":   Bytes,
		"time":    Time,
		"join":    strings.Join,
		"class":   Class,
		"glyph":   Glyph,
	}
}
