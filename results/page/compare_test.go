package page

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
	"waybill/results/bench/benchtest"
	"waybill/results/plot"
)

// tested is a run of kafka in one mode with one fault.
func tested(version string, seed uint64, r semantics.Result, edit ...func(*Run)) Run {
	run := Run{
		Dir: fmt.Sprintf("runs/kafka/%s-%d", version, seed), Link: fmt.Sprintf("runs/kafka/%s-%d/report.html", version, seed),
		Verdict: semantics.Verdict{Target: "kafka", Profile: "default", Seed: seed, Result: r, Lanes: []semantics.Lane{{Name: "transactional", Mode: "transactional", Cells: []semantics.Cell{
			{Episode: 1, Fault: "hold-requests", Stage: semantics.Applied, Guarantee: semantics.ExactlyOnce, Result: r, Counts: map[string]int64{"duplicate effects": int64(seed)}}}}}},
		Experiment: experiment.Experiment{Target: "kafka", Version: version, Nodes: 3, Settings: map[string]string{"transaction.version": "2 (default 2)"}},
		Manifest:   results.Manifest{Host: results.Host{Cores: 2}},
		Silences:   []plot.Silence{{Mode: "transactional", Fault: "hold-requests", Acked: 0.1 * float64(seed), Delivered: 0.2}},
	}
	for _, e := range edit {
		e(&run)
	}
	return run
}

// sampleComparison is three runs of an old version that broke against two of a new one that did not, and two benchmarks.
func sampleComparison(baseline bool) Comparison {
	c := Comparison{Repeat: "waybill report A B", Runs: []Run{
		tested("3.9.1", 1, semantics.Kept), tested("3.9.1", 2, semantics.Broken), tested("3.9.1", 3, semantics.Broken),
		tested("4.1.2", 1, semantics.Kept), tested("4.1.2", 2, semantics.Kept),
	}}
	for i := range c.Runs[3:] {
		c.Runs[3+i].Baseline = baseline
	}
	old, fresh := sampleMeasured()
	if old.Baseline = baseline; !baseline {
		fresh.Compared = nil
	}
	c.Benches = []Measured{old, fresh}
	return c
}

// sampleMeasured is a benchmark, and a later one in which one mode is slower. The mode has no A/A pair, which would be slower than itself.
var sampleMeasured = sync.OnceValues(func() (old, fresh Measured) {
	p, rs, ts := benchtest.Sample()
	slow, slowRuns, _ := benchtest.Sample(benchtest.Seed(8), benchtest.Slower("kafka/transactional", 1.3))
	old = Measured{Dir: "bench/old", Summary: bench.Analyze(p, rs, ts, nil)}
	fresh = Measured{Dir: "bench/new", Link: "bench/new/report.html", Summary: bench.Analyze(slow, slowRuns, nil, nil)}
	compared := bench.Compare(bench.Edition{Plan: slow, Replicates: slowRuns}, bench.Edition{Plan: p, Replicates: rs})
	fresh.Compared = &compared
	return old, fresh
})

// hostile is what a broker or a file might say to whoever shows it.
const hostile = "</script><script>window.hostile=1</script><img src=x onerror='window.hostile=1'>\x1b[31m\u202e\"'`{{.}}"

func hostileComparison() Comparison {
	c := sampleComparison(true)
	c.Repeat = hostile
	for i := range c.Runs {
		r := &c.Runs[i]
		r.Dir, r.Link = hostile, "javascript:window.hostile=1"
		r.Verdict.Target, r.Verdict.Profile, r.Experiment.Version, r.Manifest.Host.CPU, r.Manifest.Waybill, r.Manifest.Revision = hostile, hostile, fmt.Sprint(hostile, i > 2), hostile, hostile, hostile
		r.Experiment.Settings = map[string]string{hostile: fmt.Sprint(hostile, i)}
		l := &r.Verdict.Lanes[0]
		l.Name, l.Mode, l.Cells[0].Fault, l.Cells[0].Counts = hostile, hostile, hostile, map[string]int64{hostile: 3}
		r.Silences[0].Mode, r.Silences[0].Fault = hostile, hostile
	}
	return c
}

func drawnComparison(t *testing.T, c Comparison) string {
	t.Helper()
	var b bytes.Buffer
	if err := WriteComparison(&b, c); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, b.Bytes())
	return b.String()
}

func TestRunsOfOneSettingAreOneSubject(t *testing.T) {
	var names []string
	for _, s := range subjects(sampleComparison(true)) {
		names = append(names, fmt.Sprintf("%s: %d runs, baseline %v", s.Name, len(s.Runs), s.Baseline))
	}
	want := []string{"kafka 3.9.1: 3 runs, baseline false", "kafka 4.1.2: 2 runs, baseline true",
		"bench nats 2.15.2, kafka 4.1.2 (A): 0 runs, baseline true", "bench nats 2.15.2, kafka 4.1.2 (B): 0 runs, baseline false"}
	if d := cmp.Diff(want, names); d != "" {
		t.Errorf("subjects (-want +got):\n%s", d)
	}
	other := tested("3.9.1", 4, semantics.Kept, func(r *Run) { r.Experiment.Settings = map[string]string{"transaction.version": "1 (default 2)"} })
	if n := len(subjects(Comparison{Runs: []Run{tested("3.9.1", 1, semantics.Kept), other}})); n != 2 {
		t.Errorf("runs with other settings are %d subjects, want 2", n)
	}
}

func TestAPromiseThatBreaksOnlyInTheNewOneIsAChange(t *testing.T) {
	for _, c := range []struct {
		claim    string
		old, new semantics.Result
		want     []string
	}{
		{"kept, then broken: worse", semantics.Kept, semantics.Broken, []string{"worse"}},
		{"broken, then kept: better", semantics.Broken, semantics.Kept, []string{"better"}},
		{"broken, then inconclusive: nobody knows", semantics.Broken, semantics.Inconclusive, []string{"other"}},
		{"inconclusive, then broken: worse", semantics.Inconclusive, semantics.Broken, []string{"worse"}},
		{"as before", semantics.Broken, semantics.Broken, nil},
	} {
		_, changes := matrices(subjects(Comparison{Runs: []Run{tested("4.1.2", 1, c.old, func(r *Run) { r.Baseline = true }), tested("4.2.0", 1, c.new)}}))
		var got []string
		for _, x := range changes {
			got = append(got, x.Class)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.claim, d)
		}
	}
}

func TestOnlyWhatDiffersIsSaidToDiffer(t *testing.T) {
	nats := tested("2.15.2", 1, semantics.Kept, func(r *Run) {
		r.Verdict.Target, r.Experiment.Settings = "nats", map[string]string{"ack wait": "2s (default 30s)"}
	})
	differ, same := differences(subjects(Comparison{Runs: []Run{tested("3.9.1", 1, semantics.Kept), tested("4.1.2", 1, semantics.Kept), nats}}))
	want := []difference{{"product", []string{"kafka", "kafka", "nats"}}, {"version", []string{"3.9.1", "4.1.2", "2.15.2"}}}
	if d := cmp.Diff(want, differ); d != "" {
		t.Errorf("differences (-want +got):\n%s", d)
	}
	for _, s := range []string{"kafka: transaction.version: 2 (default 2)", "nats: ack wait: 2s (default 30s)", "brokers: 3"} {
		if !strings.Contains(strings.Join(same, "\n"), s) {
			t.Errorf("%q is not among what is the same: %q", s, same)
		}
	}
}

func TestTheComparisonSaysWhatChangedAndWhetherItMatters(t *testing.T) {
	page := drawnComparison(t, sampleComparison(true))
	for _, want := range []string{
		"kafka 3.9.1, transactional, applied exactly once under hold-requests: was kept in 2 of 2, is broken in 2 of 3",
		"BROKEN ×2", "kept ×1", "1–3 applied twice", "was kept", "0.20 s, at most 0.30 s", "waybill report A B", `href="bench/new/report.html"`, "kafka/transactional, goodput: -2",
	} {
		if !strings.Contains(strings.ReplaceAll(page, "&#43;", "+"), want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(page, "✗ worse"); n < 2 {
		t.Errorf("%d things are worse, want the promise and the throughput of transactional", n)
	}
	if strings.Contains(page, "kafka/idempotent, goodput") {
		t.Error("a difference is claimed of an arm that is as before")
	}
	withIntervals(t, page)
}

func TestWithoutABaselineNoDifferenceOfThroughputIsClaimed(t *testing.T) {
	page := drawnComparison(t, sampleComparison(false))
	for _, bad := range []string{"New against baseline", "What changed", "✗ worse", "✓ better", "new / baseline"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page says %q", bad)
		}
	}
	withIntervals(t, page)
}

func TestNothingIsNotCompared(t *testing.T) {
	if err := WriteComparison(io.Discard, Comparison{}); !errors.Is(err, ErrNothing) {
		t.Errorf("error %v, want ErrNothing", err)
	}
}

func TestAComparisonAnswersInItsHeader(t *testing.T) {
	worse, doubt := change{Class: "worse"}, []bench.Warning{{Grave: true}}
	for _, c := range []struct {
		claim       string
		p           comparePage
		class, says string
	}{
		{"a change for the worse", comparePage{Baseline: true, Changes: []change{worse, {Class: "better"}, {}}, Doubts: doubt}, "broken", "1 worse, 1 better"},
		{"nothing that could be claimed", comparePage{Baseline: true, Doubts: doubt}, "inconclusive", "no change can be claimed"},
		{"no change", comparePage{Baseline: true}, "kept", "nothing changed that can be claimed"},
		{"a benchmark that broke, without a baseline", comparePage{Subjects: []subject{{Bench: &Measured{Summary: bench.Summary{Levels: []bench.Level{{Struck: true}}}}}}}, "broken", ""},
		{"a quick benchmark, without a baseline", comparePage{Subjects: []subject{{Bench: &Measured{Summary: bench.Summary{Plan: bench.Plan{Quick: true}}}}}}, "inconclusive", ""},
	} {
		if got := c.p.worst(); got != c.class || c.says != "" && !strings.Contains(c.p.answer(), c.says) {
			t.Errorf("%s: %s, %q; want %s, %q", c.claim, got, c.p.answer(), c.class, c.says)
		}
	}
}

func TestEveryPartOfAComparisonSaysHowToRepeatIt(t *testing.T) {
	var out bytes.Buffer
	if err := WriteComparison(&out, sampleComparison(true)); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(out.String(), "<h2 ")[1:]
	if len(parts) < 5 {
		t.Fatalf("%d parts", len(parts))
	}
	for _, p := range parts {
		name, _, _ := strings.Cut(p, "</h2>")
		if !strings.Contains(p, "waybill report A B") {
			t.Errorf("%s does not say how to repeat it", name)
		}
	}
}
