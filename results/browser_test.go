package results

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"waybill/results/page/browsertest"
	"waybill/results/story"
)

func TestReportsAreSoundInABrowser(t *testing.T) {
	b := browsertest.Open(t)
	r, tl := newHostileRun(t)
	strange := newPage(Dir(hostile), r.V, tl, r.E, r.S, r.M)
	strange.tell("", story.Telling{Stories: []story.Story{{Token: hostile, Lane: hostile, Summary: hostile, LeftOut: hostile}}})
	usual := newPage("results/runs/nats/20261121T081500Z-42", sampleVerdict(), sampleTimeline(t), sampleExperiment(), sampleSchedule(), sampleManifest())
	for name, p := range map[string]page{"a run": usual, "a run of hostile names": strange} {
		t.Run(name, func(t *testing.T) {
			var page bytes.Buffer
			if err := reportTemplate.Execute(&page, p); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(t.TempDir(), "report.html")
			if err := os.WriteFile(path, page.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			browsertest.Sound(t, b, path)
		})
	}
}
