package serve

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/bench/benchtest"
)

// some are runs that differ in everything that can be asked for.
func some(t testing.TB, dir string) {
	makeRun(t, dir, made{target: "nats", profile: "default", modes: []string{"core", "jetstream"}, faults: []string{"kill-leader", "drop-acks"}, seed: 101, result: semantics.Kept})
	makeRun(t, dir, made{target: "kafka", profile: "combined", modes: []string{"acks-all"}, faults: []string{"power-failure"}, seed: 102, result: semantics.Broken, after: time.Hour,
		findings: []semantics.Finding{{ID: 1, Lane: "acks-all", Anomaly: "lost: vanished", Stage: semantics.Applied, Count: 3, Breaks: true}, {ID: 2, Lane: "acks-all", Anomaly: "redelivery", Stage: semantics.Delivered, Count: 9}}})
	makeRun(t, dir, made{target: "rabbitmq", profile: "default", modes: []string{"quorum"}, faults: []string{"kill-leader"}, seed: 103, result: semantics.Inconclusive, after: 2 * time.Hour})
	makeRun(t, dir, made{target: "nats", modes: []string{"jetstream-sync"}, faults: []string{"power-failure"}, seed: 104, ended: true, after: 3 * time.Hour})
}

// seeds are those of the runs that a list shows, in its order: they tell the tests' runs apart.
func seeds(t *testing.T, s *Server, query string) (got []string) {
	t.Helper()
	code, page := get(t, s, "/"+query)
	if code != 200 {
		t.Fatalf("the list for %s answers %d:\n%s", query, code, page)
	}
	for rest := page; ; {
		var ok bool
		if _, rest, ok = strings.Cut(rest, `data-label="seed">`); !ok {
			return got
		}
		seed, _, _ := strings.Cut(rest, "<")
		got = append(got, seed)
	}
}

func TestAListIsWhatItsAddressAsksFor(t *testing.T) {
	dir := t.TempDir()
	some(t, dir)
	s := open(t, Options{Dir: dir})
	for query, want := range map[string]string{
		"":                                 "104 103 102 101", // the newest first
		"?target=nats":                     "104 101",
		"?result=broken":                   "102",
		"?result=stopped":                  "104",
		"?result=running":                  "",
		"?fault=kill-leader":               "103 101",
		"?target=nats&fault=power-failure": "104",
		"?q=VANISHED":                      "102",
		"?q=nats+jetstream":                "104 101",
		"?q=nats+broken":                   "",
		"?q=103":                           "103",
		"?q=20261121T0815":                 "101",
		"?sort=seed":                       "101 102 103 104",
		"?sort=seed&order=desc":            "104 103 102 101",
		"?sort=target":                     "102 104 101 103",
		"?sort=verdict":                    "102 103 104 101",
		"?sort=findings&order=desc":        "102 104 103 101",
		"?sort=modes":                      "102 101 104 103",
		"?sort=nonsense":                   "104 103 102 101",
		"?target=nowhere":                  "",
		"?page=99":                         "104 103 102 101",
		"?page=-1":                         "104 103 102 101",
		"?q=%ff%00%22%3E":                  "",
	} {
		if got := strings.Join(seeds(t, s, query), " "); got != want {
			t.Errorf("%q shows %q, want %q", query, got, want)
		}
	}
}

// What a link of the list asks for is what the list was asked for: nothing is lost on the way into an address and out of it.
func TestALinkOfAListLeadsToThatList(t *testing.T) {
	for _, q := range []query{
		{Sort: byStart, Desc: true, Page: 1}, {Target: "a b&c", Result: "kept", Fault: "kill-leader:of=queue", Text: "ü \"<>", Sort: "seed", Page: 3},
		{Sort: byStart, Page: 1}, {Text: "x", Sort: "target", Desc: true, Page: 1},
	} {
		u, err := url.Parse(q.link())
		if err != nil {
			t.Fatal(err)
		}
		if got := readQuery(u.Query()); got != q {
			t.Errorf("%s leads to %+v, want %+v", q.link(), got, q)
		}
	}
}

func TestARunInProgressStandsFirst(t *testing.T) {
	dir := t.TempDir()
	some(t, dir)
	now := time.Since(startedAt)
	makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 105, after: -time.Hour}) // recorded something just now, whenever it began
	makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 106, after: now, result: semantics.Kept})
	s := open(t, Options{Dir: dir})
	for _, query := range []string{"", "?sort=seed", "?sort=verdict", "?target=nats"} {
		if got := seeds(t, s, query); len(got) == 0 || got[0] != "105" {
			t.Errorf("%q shows %v, want 105 first", query, got)
		}
	}
	if got := strings.Join(seeds(t, s, "?result=running"), " "); got != "105" {
		t.Errorf("running are %q", got)
	}
}

func TestAnEmptyFolderSaysHowToFillIt(t *testing.T) {
	if code, page := get(t, open(t, Options{Dir: t.TempDir()}), "/"); code != 200 || !strings.Contains(page, "waybill test") {
		t.Errorf("%d\n%s", code, page)
	}
}

// A run directory that cannot be understood is listed with the reason, and hides no other.
func TestWhatCannotBeReadIsListedWithTheReason(t *testing.T) {
	dir := t.TempDir()
	some(t, dir)
	d := makeRun(t, dir, made{target: "nats", seed: 109, result: semantics.Kept})
	write(t, d.Path("verdict.json"), `{"schema": 99}`)
	e := makeRun(t, dir, made{target: "nats", seed: 110, result: semantics.Kept})
	write(t, e.Path("manifest.json"), `{`)
	s := open(t, Options{Dir: dir})
	_, page := get(t, s, "/")
	if got := seeds(t, s, ""); len(got) != 6 || !strings.Contains(page, "unknown schema 99") || !strings.Contains(page, "unexpected end of JSON") {
		t.Errorf("%d runs are listed\n%s", len(got), page)
	}
}

// What was read is kept until the directory changes, and not a moment longer.
func TestAListFollowsTheFiles(t *testing.T) {
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", modes: []string{"core"}, seed: 7, ended: true})
	old := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(string(d), old, old))
	s := open(t, Options{Dir: dir})
	first := func() Run {
		t.Helper()
		runs, _, err := s.index.all()
		must(t, err)
		if len(runs) != 1 {
			t.Fatalf("%d runs", len(runs))
		}
		return runs[0]
	}
	if got := first(); got.State != Stopped {
		t.Fatalf("a run without verdict is %s", got.State)
	}
	kept := s.index.runs[first().Path].read
	if first(); !s.index.runs[first().Path].read.Equal(kept) {
		t.Error("a directory that did not change was read again")
	}
	must(t, d.SaveVerdict(semantics.Verdict{Schema: semantics.VerdictSchema, Result: semantics.Broken}))
	if got := first(); got.State != Judged || got.Result != semantics.Broken {
		t.Errorf("with its verdict it is %s %s", got.State, got.Result)
	}
	must(t, d.SaveVerdict(semantics.Verdict{Schema: semantics.VerdictSchema, Result: semantics.Kept})) // within the same tick of a file system, perhaps
	if got := first(); got.Result != semantics.Kept {
		t.Errorf("audited anew it is %s", got.Result)
	}
	must(t, os.RemoveAll(string(d)))
	if runs, _, _ := s.index.all(); len(runs) != 0 || len(s.index.runs) != 0 {
		t.Errorf("what was removed is still there: %v", runs)
	}
}

// File systems stamp in steps: of two changes within one, the second cannot be seen.
func TestWhatWasJustChangedIsReadAgain(t *testing.T) {
	now := time.Now()
	for after, want := range map[time.Duration]bool{0: false, settled / 2: false, 2 * settled: true} {
		if got := (kept[Run]{stamp: now, read: now.Add(after)}).holds(now); got != want {
			t.Errorf("what was read %s after a change is believed: %v", after, got)
		}
	}
}

func TestAThousandRunsAreListedAtOnce(t *testing.T) {
	dir := t.TempDir()
	d := makeRun(t, dir, made{target: "nats", profile: "default", modes: []string{"core", "jetstream", "jetstream-dedup"}, faults: []string{"kill-leader", "power-failure"}, seed: 1, result: semantics.Kept})
	old := time.Now().Add(-time.Hour)
	for i := range 999 {
		to := fmt.Sprintf("%s/nats/20261121T091500Z-%d", dir, i+2)
		must(t, os.Mkdir(to, 0o755))
		for _, name := range []string{"manifest.json", "experiment.yaml", "verdict.json"} {
			must(t, os.Link(d.Path(name), filepath.Join(to, name))) // the same file under many names: what counts is that it is read
		}
		must(t, os.Chtimes(to, old, old))
	}
	s := open(t, Options{Dir: dir})
	began := time.Now()
	got := seeds(t, s, "")
	first := time.Since(began)
	if len(got) != perPage {
		t.Fatalf("%d runs on a page, want %d", len(got), perPage)
	}
	_, page := get(t, s, "/?page=5")
	if !strings.Contains(page, "1,000 runs, page 5 of 5") || strings.Contains(page, `rel="next"`) || !strings.Contains(page, `href="/?page=4" rel="prev"`) {
		t.Error("the last page does not say that it is")
	}
	// Once read, a list costs looking at each directory, which is less than reading them, however fast this machine is. It may be busy: the fastest
	// of several counts.
	fastest := time.Hour
	for range 5 {
		began := time.Now()
		get(t, s, "/?q=nats&sort=seed")
		fastest = min(fastest, time.Since(began))
	}
	if fastest > first/2 {
		t.Errorf("a list of 1,000 runs that were read before takes %s, and reading them took %s", fastest, first)
	}
	t.Logf("a list of 1,000 runs that were read before: %s; that were not: %s", fastest, first)
}

// makeBench makes the directory of a benchmark in which some blocks are done.
func makeBench(t testing.TB, parent string, done int, opts ...benchtest.Option) bench.Dir {
	t.Helper()
	d, err := bench.NewDir(parent, startedAt, 7)
	must(t, err)
	p, rs, _ := benchtest.Sample(append([]benchtest.Option{benchtest.Blocks(3)}, opts...)...)
	must(t, d.SavePlan(p))
	must(t, results.Dir(d).SaveManifest(results.Manifest{Schema: results.ManifestSchema, Started: startedAt, Seed: 7, Command: []string{"waybill", "bench", "--quick"}}))
	for _, r := range rs[:done] {
		r.Series, r.Latency = bench.Series{}, nil
		must(t, d.Append(r))
	}
	write(t, d.Path("plots", "cost.svg"), `<svg xmlns="http://www.w3.org/2000/svg" width="300" height="200"><circle r="50" cx="100" cy="100"/></svg>`)
	return d
}

func TestABenchmarkIsListedWithItsProgressAndFigure(t *testing.T) {
	dir := t.TempDir()
	d := makeBench(t, dir, 5)
	kept := makeRun(t, d.Path("runs"), made{target: "nats", modes: []string{"core"}, seed: 9, result: semantics.Broken})
	s := open(t, Options{Dir: dir})
	_, page := get(t, s, "/")
	for _, want := range []string{"nats 2.15.2, kafka 4.1.2", "▶ running", "5 of ", `src="/bench/bench/20261121T081500Z-7/plots/cost.svg"`, "3 blocks, quick", "0 runs"} {
		if !strings.Contains(page, want) {
			t.Errorf("the list lacks %q\n%s", want, page)
		}
	}
	code, page := get(t, s, "/bench/bench/20261121T081500Z-7/")
	if code != 200 || !strings.Contains(page, `<meta http-equiv="refresh"`) || !strings.Contains(page, string(runLink(address(t, dir, kept)))) {
		t.Errorf("its own page answers %d\n%s", code, page)
	}
	must(t, d.SaveSummary(bench.Summary{Warnings: []bench.Warning{{Text: "small"}, {Grave: true, Text: "A/A misses 1"}}}))
	if _, page := get(t, s, "/"); !strings.Contains(page, "A/A misses 1") || !strings.Contains(page, "✓ kept") || strings.Contains(page, "small") {
		t.Errorf("a benchmark that is over is listed\n%s", page)
	}
	for query, want := range map[string]bool{"?target=kafka": true, "?target=rabbitmq": false, "?q=idempotent": true, "?fault=kill-leader": false, "?result=kept": true} {
		if _, page := get(t, s, "/"+query); strings.Contains(page, `id="benches"`) != want {
			t.Errorf("%s shows the benchmark: %v, want %v", query, !want, want)
		}
	}
	if code, _ := get(t, s, "/bench/bench/20261121T081500Z-7/plots/cost.svg"); code != 200 {
		t.Errorf("its figure answers %d", code)
	}
}

func TestColumnsSayHowTheyAreSorted(t *testing.T) {
	_, page := get(t, open(t, Options{Dir: func() string { dir := t.TempDir(); some(t, dir); return dir }()}), "/?sort=seed&q=a")
	if !strings.Contains(page, `aria-sort="ascending"><a href="/?order=desc&amp;q=a&amp;sort=seed">seed`) || strings.Count(page, "aria-sort") != 1 {
		t.Errorf("%s", page)
	}
	if got := columns(query{Sort: byStart, Desc: true}); slices.ContainsFunc(got, func(c column) bool { return c.Link == "" }) {
		t.Errorf("a column cannot be sorted by: %+v", got)
	}
}
