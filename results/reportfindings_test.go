package results

import (
	"bytes"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"waybill/results/look"
	"waybill/results/story"
)

// told draws a report with what is told of the sample's findings, below a directory that has a drawing of the second one.
func told(t *testing.T, s story.Story) string {
	t.Helper()
	d := Dir(t.TempDir())
	if err := os.Mkdir(d.Path(windowsDir), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(d.Path(windowsDir, "2.html"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	p := newPage(d, sampleVerdict(), sampleTimeline(t), sampleExperiment(), sampleSchedule(), sampleManifest())
	p.tell(d, story.Telling{Stories: []story.Story{s}, Causes: []story.Grouped{{ID: 1, Sentences: []string{"All 4 acked by n2."}}}})
	var b bytes.Buffer
	if err := reportTemplate.Execute(&b, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestAFindingOfAReportIsToldBesideIt(t *testing.T) {
	token := sampleVerdict().Findings[0].Tokens[0]
	since := int64(-1500)
	page := told(t, story.Story{Token: token, Summary: "sent", Findings: []story.Told{{ID: 1, Anomaly: "duplicate in store", Definition: "more than one copy", Because: "It is there twice."}},
		Lines: []story.Line{{At: 1_500_000, Strike: &since, Act: story.Stored, Who: "2 scans", What: "find it twice", Proof: []int{1}}}})
	for _, want := range []string{
		`<li class="token"><a href="#story-` + token + `">`, `id="story-` + token + `"`, "All 4 acked by n2.", story.Definition("duplicate in store"),
		"It is there twice.", `<tr class="stored proof"><td>▶</td><td class="num">1.500000</td><td class="num">−1.50 ms</td><td>2 scans: find it twice</td></tr>`,
		`<a href="` + filepath.ToSlash(windowsOf(2)) + `">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	for _, none := range []string{`<a href="` + windowsOf(1), `<a href="#story-` + sampleVerdict().Findings[0].Tokens[1]} {
		if strings.Contains(page, none) {
			t.Errorf("the page has %s, which leads nowhere", none)
		}
	}
	walk(t, []byte(page), func(xml.Token) {})
}

func TestNothingThatAStoryTellsActsOnAPage(t *testing.T) {
	const hostile = `</td><script>alert(1)</script>" onload="x`
	page := told(t, story.Story{Token: hostile, Lane: hostile, Summary: hostile, LeftOut: hostile, Lines: []story.Line{{Act: hostile, Who: hostile, What: hostile}},
		Findings: []story.Told{{ID: 1, Anomaly: hostile, Definition: hostile, Because: hostile, Detail: hostile}}})
	if got := scripts(t, []byte(page)); !slices.Equal(got, []string{string(look.Script())}) {
		t.Errorf("the page has the scripts %q, want ours", got)
	}
	walk(t, []byte(page), func(tok xml.Token) {
		e, ok := tok.(xml.StartElement)
		if !ok {
			return
		}
		if attr(e, "onload") != "" {
			t.Errorf("<%s %v> came from a story", e.Name.Local, e.Attr)
		}
	})
}
