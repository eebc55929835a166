package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"waybill/results"
	"waybill/results/bench"
	"waybill/results/bench/benchtest"
	"waybill/results/look"
)

// sampleBench is a benchmark of benchtest as the page gets it.
func sampleBench(opts ...benchtest.Option) Bench {
	p, rs, tested := benchtest.Sample(opts...)
	started := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	return Bench{
		Dir: "results/runs/bench/20261122T010000Z-7", Summary: bench.Analyze(p, rs, tested, benchtest.Ceiling()), Replicates: rs,
		Manifest: results.Manifest{Waybill: "v0.7.0", Go: "go1.26.8", Revision: "0123456789abcdef", Seed: 7, Target: "nats,kafka",
			Command: []string{"bin/waybill", "bench", "--target", "nats,kafka"}, Host: results.Host{OS: "linux", Arch: "amd64", Kernel: "6.18.0", CPU: "AMD EPYC", Cores: 2, Memory: 23 << 30},
			Started: started, Ended: started.Add(67 * time.Minute)},
		Beside: []string{"summary.json", "replicates.jsonl", "bench.txt"},
	}
}

// Samples that several tests look at, drawn once.
var (
	usual   = sync.OnceValue(func() []byte { return drawBench() })
	struck  = sync.OnceValue(func() []byte { return drawBench(benchtest.Struck(), benchtest.Unsettled()) })
	strange = sync.OnceValue(func() []byte { return drawBench(benchtest.Hostile(), benchtest.Misses()) })
	quick   = sync.OnceValue(func() []byte { return drawBench(benchtest.Blocks(3)) })
)

func drawBench(opts ...benchtest.Option) []byte {
	var b bytes.Buffer
	if err := WriteBench(&b, sampleBench(opts...)); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// wellFormed reads a page as strictly as XML, and finds what could act or load.
func wellFormed(t *testing.T, page []byte) {
	t.Helper()
	var scripts []string
	within := ""
	d := xml.NewDecoder(bytes.NewReader(page))
	d.Entity = xml.HTMLEntity
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("the page is not well formed: %v", err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			within = tok.Name.Local
			switch within {
			case "script":
				scripts = append(scripts, "")
			case "img", "iframe", "object", "embed", "base", "form", "image", "use", "foreignObject":
				t.Errorf("the page has a %s", within)
			}
			for _, a := range tok.Attr {
				n, v := a.Name.Local, strings.TrimSpace(strings.ToLower(a.Value))
				if strings.HasPrefix(n, "on") || n == "src" || n == "href" && strings.HasPrefix(v, "javascript:") {
					t.Errorf("<%s %s=%q> would act", within, n, a.Value)
				}
			}
		case xml.EndElement:
			within = ""
		case xml.CharData:
			if within == "script" {
				scripts[len(scripts)-1] += string(tok)
			}
		}
	}
	if !slices.Equal(scripts, []string{string(look.Script())}) {
		t.Errorf("the page has the scripts %q, want ours alone", scripts)
	}
	if bytes.Contains(page, []byte("ZgotmplZ")) {
		t.Error("the page holds what the template refused")
	}
}

var (
	estimate = regexp.MustCompile(`<span class="estimate">[^<]*</span>(.{0,200})`)
	behind   = regexp.MustCompile(`^ <span class="range">(\[[^\]<]+, [^\]<]+\]|[^<]+ to [^<]+)</span>(</s>)?<span class="runs"> n=[1-9][0-9]*</span>|^(</s>)?<span class="runs"> n=1</span>`)
)

// withIntervals finds an estimate without its interval and number.
func withIntervals(t *testing.T, page string) {
	t.Helper()
	found := estimate.FindAllStringSubmatch(page, -1)
	for _, m := range found {
		if !behind.MatchString(m[1]) {
			t.Fatalf("an estimate stands without its interval and number: %s", m[0])
		}
	}
	if len(found) < 10 {
		t.Errorf("only %d estimates: the test has gone blind", len(found))
	}
}

func TestNoFigureStandsWithoutItsIntervalAndNumber(t *testing.T) {
	withIntervals(t, string(usual()))
	three := string(quick())
	withIntervals(t, three)
	if m := regexp.MustCompile(`<span class="range">\[[^<]*n=3<`).FindString(three); m != "" {
		t.Errorf("three runs are said to give an interval: %s", m)
	}
	if !strings.Contains(three, "This was a quick look") || strings.Contains(three, ">differs from") {
		t.Error("a quick benchmark does not say that it is one, or claims a difference")
	}
	if strings.Contains(three, "✗ no</span>") || !strings.Contains(three, "<td>too few runs</td>") {
		t.Error("three runs of the same arm under two names are said to miss 1")
	}
}

func TestThePageSaysWhatItMust(t *testing.T) {
	page := string(usual())
	for _, want := range []string{
		"8 modes of NATS JetStream 2.15.2, Apache Kafka 4.1.2 on one machine (2 cores, AMD EPYC, 23.0 GiB, linux 6.18.0), in 10 blocks",
		"shared 2 cores. Compare ratios of one page", "The 3 brokers of a cluster were processes of this machine", "never (page cache)", "stored exactly once, applied at least once",
		"survives </span>power failure of all", "the weakest", "differs from core", "until visible", `href="#evidence-6">✗ BROKEN</a>`, `id="evidence-6"`,
		`href="../../kafka/20261121T081500Z-3-default/report.html"`, "median ≥ 0.970, lower end ≥ 0.950", "The smallest difference that this page claims", "audited runs of this benchmark",
		"What a guarantee costs", "Latency against offered load", "Throughput and latency by window", "What the harness itself costs",
		`download="summary.json.gz"`, `href="replicates.jsonl"`, "bin/waybill bench --target nats,kafka --seed 7", "run 0",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	wellFormed(t, []byte(page))
	if n := strings.Count(page, "waybill report results/runs/bench/20261122T010000Z-7"); n < 7 {
		t.Errorf("%d parts of the page say how to draw them again, want each", n)
	}
	if n := len(page); n > 1_500_000 {
		t.Errorf("the page has %d bytes", n)
	}
}

func TestWhatBreaksOrMissesIsSaidBeforeAnyFigure(t *testing.T) {
	for _, c := range []struct {
		claim string
		page  []byte
		want  string
	}{
		{"A/A that misses 1", strange(), "are the same under two names, and their ratio"},
		{"a broken promise", struck(), "kafka/idempotent broke its promise in block 6"},
	} {
		first, _, _ := strings.Cut(string(c.page), `<h2 id="cost">`)
		if !strings.Contains(first, c.want) {
			t.Errorf("%s is not said on top", c.claim)
		}
	}
	sound, _, _ := strings.Cut(string(usual()), `<h2 id="cost">`)
	if strings.Contains(sound, "Read this first") {
		t.Error("a sound benchmark begins with a warning")
	}
}

func TestFiguresOfABrokenRunAreStruckOutWithTheReason(t *testing.T) {
	page := string(struck())
	const want = `<s title="block 6: messages that were acknowledged are lost"><span class="estimate">`
	if n := strings.Count(page, want); n != 1 {
		t.Errorf("%d figures are struck out, want the one of kafka/idempotent", n)
	}
	if !strings.Contains(page, `struck: block 6: messages that were acknowledged are lost`) {
		t.Error("the reason is not said where one sees it on paper")
	}
	if strings.Contains(string(usual()), "<s ") {
		t.Error("figures of a benchmark that kept its promises are struck out")
	}
}

func TestTheWarmUpIsCutWhereItWasAndDoubtIsShown(t *testing.T) {
	page := string(struck())
	if n := strings.Count(page, `class="cut doubt"`); n != 1 {
		t.Errorf("%d replicates are drawn as not settled, want 1", n)
	}
	l := newWarmLine(bench.Replicate{Settled: true, Series: bench.Series{Bin: 100_000, From: 2, To: 4, Applied: []int64{0, 10, 10, 10, 0}}}, 100, 0.5)
	if l.Cut != 96 || l.Before != "M24 72L72 10L120 10" || l.After != "M120 10L168 10L216 72" {
		t.Errorf("drawn as %+v", l)
	}
}

func TestTheSummaryCanBeTakenFromThePage(t *testing.T) {
	b := sampleBench()
	url, err := download(b.Summary)
	if err != nil {
		t.Fatal(err)
	}
	_, data, _ := strings.Cut(string(url), ",")
	packed, err := base64.StdEncoding.DecodeString(data)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	var s bench.Summary
	if err := json.NewDecoder(z).Decode(&s); err != nil {
		t.Fatal(err)
	}
	if len(s.Levels) != len(b.Summary.Levels) || s.Levels[2].Goodput != b.Summary.Levels[2].Goodput {
		t.Errorf("%d levels, the third %+v", len(s.Levels), s.Levels[2].Goodput)
	}
}

func TestHostileNamesStayTextOnThePageOfABenchmark(t *testing.T) {
	page := strange()
	wellFormed(t, page)
	if !bytes.Contains(page, []byte("alert(1)")) || bytes.ContainsRune(page, '\x1b') {
		t.Error("the names are not shown, or with what does not print")
	}
}

func TestLinksLeadToRunDirectoriesAndNowhereElse(t *testing.T) {
	for _, c := range []struct{ dir, to, want string }{
		{"results/runs/bench/A", "results/runs/nats/B", "../../nats/B/report.html"},
		{"/r/bench/A", "/r/nats/B", "../../nats/B/report.html"},
		{"results/runs/bench/A", "/r/nats/B", ""},
		{"results/runs/bench/A", "40 audited runs of this benchmark", ""},
		{"results/runs/bench/A", "nats/core, block 3, run ab: broken", ""},
		{"results/runs/bench/A", "javascript:alert(1)//x", ""},
		{"results/runs/bench/A", "x/\"><script>", ""},
	} {
		if got := leadTo(c.dir, c.to); got != c.want {
			t.Errorf("from %s to %q: %q, want %q", c.dir, c.to, got, c.want)
		}
	}
}
