package results

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results/look"
	"waybill/results/plot"
)

// hostile is what a broker or a file might say to whoever shows it.
const hostile = "<script>alert(1)</script>\x1b[31m\x1b]0;t\x07\x00\x9b2J\u202e\"'><img src=x onerror=alert(1)>]]>&amp;\xff\r\njavascript:alert(1){{.}}"

// poison replaces every string below v, those of maps' keys and values included, by a hostile one. Names stay distinct.
func poison(v reflect.Value, n *int) {
	switch v.Kind() {
	case reflect.String:
		*n++
		v.SetString(fmt.Sprintf("javascript:%d%s", *n, hostile))
	case reflect.Pointer:
		poison(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				poison(v.Field(i), n)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), n)
		}
	case reflect.Map:
		fresh := reflect.MakeMap(v.Type())
		for it := v.MapRange(); it.Next(); {
			k, e := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			k.Set(it.Key())
			e.Set(it.Value())
			poison(k, n)
			poison(e, n)
			fresh.SetMapIndex(k, e)
		}
		if v.Len() > 0 {
			v.Set(fresh)
		}
	}
}

type hostileRun struct {
	V semantics.Verdict
	E experiment.Experiment
	S experiment.Schedule
	M Manifest
}

func newHostileRun(t *testing.T) (hostileRun, Timeline) {
	r := hostileRun{sampleVerdict(), sampleExperiment(), sampleSchedule(), sampleManifest()}
	r.V.Cuts, r.V.CutShort, r.V.Episodes[0].Why = []string{"x"}, "x", "x"
	n := 0
	poison(reflect.ValueOf(&r).Elem(), &n)
	if n < 400 {
		t.Fatalf("only %d strings were poisoned: the test has gone blind", n)
	}
	// Results stay themselves, so that every way of drawing one is taken.
	good := sampleVerdict()
	for i := range r.V.Lanes {
		for k := range r.V.Lanes[i].Cells {
			r.V.Lanes[i].Cells[k].Result = good.Lanes[i].Cells[k].Result
		}
	}
	for i := range r.V.Episodes {
		r.V.Episodes[i].Liveness = map[string]semantics.Result{r.V.Lanes[0].Name: semantics.Inconclusive}
		r.V.Episodes[i].LiveWhy = map[string]string{r.V.Lanes[0].Name: hostile}
	}
	tl := sampleTimeline(t)
	poison(reflect.ValueOf(&tl).Elem(), &n)
	return r, tl
}

// harmless fails when text could act on what shows it.
func harmless(t *testing.T, what, s string) {
	t.Helper()
	for i, r := range s {
		if r != '\n' && r != ' ' && r != '\t' && !unicode.IsPrint(r) {
			t.Fatalf("%s holds %q at %d: …%q…", what, r, i, s[max(0, i-40):min(len(s), i+40)])
		}
	}
	if !strings.Contains(s, "alert(1)") {
		t.Errorf("%s does not show the text at all", what)
	}
}

func TestHostileTextsAreHarmlessInTheTerminal(t *testing.T) {
	r, _ := newHostileRun(t)
	harmless(t, "terminal", matrix(t, r.V, TermOptions{Repeat: hostile, Report: hostile, Dir: hostile}))
}

func TestHostileTextsAreHarmlessInJUnit(t *testing.T) {
	r, _ := newHostileRun(t)
	_, b := drawnJUnit(t, r.V)
	harmless(t, "JUnit", string(b))
	if bytes.Contains(b, []byte("<script")) {
		t.Error("JUnit holds an element from a broker's text")
	}
}

func TestHostileTextsAreHarmlessInTheReport(t *testing.T) {
	r, tl := newHostileRun(t)
	p := newPage(Dir(hostile), r.V, tl, r.E, r.S, r.M)
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, p); err != nil {
		t.Fatal(err)
	}
	harmless(t, "report", b.String())
	if got := scripts(t, b.Bytes()); !slices.Equal(got, []string{string(look.Script())}) {
		t.Errorf("the page has the scripts %q, want ours", got)
	}
	walk(t, b.Bytes(), func(tok xml.Token) {
		e, ok := tok.(xml.StartElement)
		if !ok {
			return
		}
		if n := e.Name.Local; n == "img" {
			t.Errorf("the page has a %s", n)
		}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" && strings.HasPrefix(strings.TrimSpace(a.Value), "javascript:") {
				t.Errorf("<%s %s=%q> would act", e.Name.Local, a.Name.Local, a.Value)
			}
		}
	})
}

func TestHostileTextsAreHarmlessInPlots(t *testing.T) {
	run, tl := newHostileRun(t)
	for _, f := range figures(run.V, tl) {
		b, err := f.SVG(plot.Light, plot.Page)
		if err != nil {
			t.Fatal(err)
		}
		harmlessPlot(t, f.Name, b)
	}
}

func harmlessPlot(t *testing.T, name string, b []byte) {
	t.Helper()
	harmless(t, name, string(b))
	for d := xml.NewDecoder(bytes.NewReader(b)); ; {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the plot is not XML: %v", err)
		}
		if e, ok := tok.(xml.StartElement); ok && (e.Name.Local == "script" || e.Name.Local == "img") {
			t.Errorf("the plot has a %s", e.Name.Local)
		}
	}
}
