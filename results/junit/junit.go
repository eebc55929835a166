// Package junit writes verdicts for machines that collect test results.
//
// It knows the format and how a result is told in it, and no more: what a suite and a case are is said by those who have verdicts.
package junit

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"waybill/harness/semantics"
	"waybill/results/look"
)

// Suites is a file.
type Suites struct {
	XMLName  xml.Name `xml:"testsuites"`
	Name     string   `xml:"name,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Suites   []Suite  `xml:"testsuite"`
}

// Add appends a suite and counts what is in it.
func (a *Suites) Add(s Suite) {
	a.Suites = append(a.Suites, s)
	a.Tests += s.Tests
	a.Failures += s.Failures
	a.Errors += s.Errors
	a.Skipped += s.Skipped
}

// Write writes the file.
func (a *Suites) Write(w io.Writer) error {
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("junit: write: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(a); err != nil {
		return fmt.Errorf("junit: write: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// Suite is cases that belong together.
type Suite struct {
	Name       string      `xml:"name,attr"`
	Tests      int         `xml:"tests,attr"`
	Failures   int         `xml:"failures,attr"`
	Errors     int         `xml:"errors,attr"`
	Skipped    int         `xml:"skipped,attr"`
	Time       string      `xml:"time,attr"`
	Properties *Properties `xml:"properties"`
	Cases      []Case      `xml:"testcase"`
}

// Add appends a case and counts it.
func (s *Suite) Add(c Case) {
	s.Cases = append(s.Cases, c)
	s.Tests++
	switch {
	case c.Failure != nil:
		s.Failures++
	case c.Error != nil:
		s.Errors++
	case c.Skipped != nil:
		s.Skipped++
	}
}

// Properties are what else is known of a suite.
type Properties struct {
	All []Property `xml:"property"`
}

// Property is one of them.
type Property struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

// Case is one thing that was judged. Time is in seconds.
type Case struct {
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *Message `xml:"failure"`
	Error   *Message `xml:"error"`
	Skipped *Message `xml:"skipped"`
	Out     string   `xml:"system-out,omitempty"`
}

// Message says why a case did not pass.
type Message struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// Judged puts a result where collectors look for it: broken is a failure, inconclusive an error, n/a and observed are skipped. Nothing that was
// not judged looks passed.
func (c Case) Judged(r semantics.Result, why, text string) Case {
	m := &Message{Message: why, Type: look.Visible(string(r)), Text: text}
	switch r {
	case semantics.Kept:
		c.Out = text
	case semantics.Broken:
		c.Failure = m
	case semantics.NotAffected, semantics.Observed:
		m.Message, m.Type = strings.TrimSuffix(look.Visible(string(r))+": "+why, ": "), ""
		c.Skipped = m
	default: // inconclusive, and any word this version does not know
		c.Error = m
	}
	return c
}

// Pairs are properties, names and values in turn.
func Pairs(pairs ...string) *Properties {
	p := &Properties{}
	for i := 0; i+1 < len(pairs); i += 2 {
		p.All = append(p.All, Property{Name: pairs[i], Value: pairs[i+1]})
	}
	return p
}
