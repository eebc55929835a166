package serve

import (
	"strings"
	"testing"

	"waybill/results/bench"
)

func TestABenchmarksPageWarnsAndFollowsTheTheme(t *testing.T) {
	dir := t.TempDir()
	d := makeBench(t, dir, 5)
	write(t, d.Path("plots", "cost-light.svg"), "<svg/>")
	write(t, d.Path("plots", "cost-dark.svg"), "<svg/>")
	must(t, d.SaveSummary(bench.Summary{Warnings: []bench.Warning{{Grave: true, Text: "A/A misses 1"}}}))
	s := open(t, Options{Dir: dir})
	_, page := get(t, s, "/bench/bench/20261121T081500Z-7/")
	for _, want := range []string{`<p class="note">A/A misses 1</p>`, `<header class="inconclusive">`,
		`srcset="./plots/cost-dark.svg"`, `<img src="./plots/cost-light.svg"`, "waybill bench --quick"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q\n%s", want, page)
		}
	}
	if strings.Contains(page, `<img src="./plots/cost-dark.svg"`) {
		t.Error("both themes are shown")
	}
	for query, want := range map[string]bool{"?result=broken": false, "?result=kept": true} {
		if _, page := get(t, s, "/"+query); strings.Contains(page, `id="benches"`) != want {
			t.Errorf("%s shows a benchmark that was kept: %v, want %v", query, !want, want)
		}
	}
}

func TestThemesOfOneFigureAreOnePicture(t *testing.T) {
	got := pictures([]string{"plots/a-dark.svg", "plots/a-light.png", "plots/a-light.svg", "plots/b.svg", "bench.txt"})
	want := []picture{{"plots/a-light.svg", "plots/a-dark.svg"}, {"plots/b.svg", ""}}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("%v, want %v", got, want)
	}
}
