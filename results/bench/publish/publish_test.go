package publish

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/perf/benchfmt"
	"golang.org/x/perf/benchproc"

	"waybill/harness/golden"
	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/bench/benchtest"
	"waybill/results/junit"
)

var facts = map[string]string{"goos": "linux", "goarch": "amd64", "cpu": "an example"}

// made keeps samples, which take long to make, by what was asked for.
var made sync.Map

// sample is a benchmark of six blocks, the fewest for intervals.
type sample struct {
	plan       bench.Plan
	replicates []bench.Replicate
	summary    func() bench.Summary
}

func sampled(name string, opts ...benchtest.Option) sample {
	x, _ := made.LoadOrStore(name, sync.OnceValue(func() sample {
		p, rs, ts := benchtest.Sample(append([]benchtest.Option{benchtest.Blocks(6)}, opts...)...)
		return sample{p, rs, sync.OnceValue(func() bench.Summary { return bench.Analyze(p, rs, ts, benchtest.Ceiling()) })}
	}))
	return x.(func() sample)()
}

func usual() sample   { return sampled("usual") }
func another() sample { return sampled("another", benchtest.Seed(8)) }
func struckOut() sample {
	return sampled("struck", benchtest.Struck(), benchtest.Misses())
}
func hostile() sample { return sampled("hostile", benchtest.Hostile()) }
func slower() sample  { return sampled("slower", benchtest.Slower("nats/jetstream", 1.5)) }
func few() sample     { return sampled("few", benchtest.Blocks(3)) }

// read is what tools of the format get of a benchmark.
func read(t *testing.T, of sample) (results []*benchfmt.Result, units benchfmt.UnitMetadataMap, text string) {
	t.Helper()
	var b bytes.Buffer
	if err := Go(&b, of.plan, of.replicates, facts); err != nil {
		t.Fatal(err)
	}
	text = b.String()
	r := benchfmt.NewReader(&b, "bench.txt")
	for r.Scan() {
		switch x := r.Result().(type) {
		case *benchfmt.Result:
			results = append(results, x.Clone())
		case *benchfmt.SyntaxError:
			t.Errorf("a line cannot be read: %v", x)
		}
	}
	if err := r.Err(); err != nil {
		t.Fatal(err)
	}
	return results, r.Units(), text
}

func TestEveryReplicateIsALineOfTheGoBenchmarkFormat(t *testing.T) {
	p, rs := usual().plan, usual().replicates
	got, units, _ := read(t, usual())
	if len(got) != len(rs) || len(got) == 0 {
		t.Fatalf("%d lines of %d replicates", len(got), len(rs))
	}
	for unit, better := range map[string]string{"msg/s": "higher", "ns/msg": "lower", "p50-µs": "lower", "p99-µs": "lower"} {
		if m := units.Get(unit, "better"); m == nil || m.Value != better {
			t.Errorf("of %s it is not said that %s is better", unit, better)
		}
	}
	at := 0
	for _, a := range p.Arms {
		for _, r := range rs {
			if r.Arm != a.Name {
				continue
			}
			x := got[at]
			at++
			rate, ok := x.Value("msg/s")
			if !ok || rate < figure(r)*0.9999 || rate > figure(r)*1.0001 {
				t.Fatalf("%s, block %d: %g msg/s, want %g", a.Name, r.Block, rate, figure(r))
			}
			if each, _ := x.Value("sec/msg"); each*rate < 0.9999 || each*rate > 1.0001 {
				t.Fatalf("%s: %g seconds a message are not %g messages a second", a.Name, each, rate)
			}
			_, timed := x.Value("p99-µs")
			if want := a.Phase == bench.PhaseLatency || a.Phase == bench.PhaseWindow; timed != want {
				t.Fatalf("%s has times: %v, want %v", a.Name, timed, want)
			}
			if _, parts := x.Name.Parts(); slices.ContainsFunc(parts, func(p []byte) bool { return p[0] == '-' }) {
				t.Fatalf("%s: %q is taken for a number of processors", a.Name, x.Name)
			}
			if x.Iters < 1 {
				t.Fatalf("%s: %d messages", a.Name, x.Iters)
			}
		}
	}
}

// Two benchmarks are compared arm by arm, whatever their seeds and versions are: benchstat makes a table of each configuration.
func TestTwoBenchmarksFallIntoOneTable(t *testing.T) {
	var parser benchproc.ProjectionParser
	table, err := parser.Parse(".config", nil)
	if err != nil {
		t.Fatal(err)
	}
	row, err := parser.Parse(".fullname", nil)
	if err != nil {
		t.Fatal(err)
	}
	tables, rows := map[benchproc.Key]int{}, map[benchproc.Key]int{}
	one, _, _ := read(t, usual())
	other, _, _ := read(t, another())
	for _, x := range slices.Concat(one, other) {
		tables[table.Project(x)]++
		rows[row.Project(x)]++
	}
	p := usual().plan
	if len(tables) != 1 || len(rows) != len(p.Arms) {
		t.Errorf("%d tables and %d rows, want one, and as many as arms: %d", len(tables), len(rows), len(p.Arms))
	}
	for k, n := range rows {
		if n != 2*p.Blocks {
			t.Errorf("%s has %d values, want %d", k, n, 2*p.Blocks)
		}
	}
	filter, err := benchproc.NewFilter("/target:kafka AND /mode:acks-all AND /phase:saturation AND /kind:audited")
	if err != nil {
		t.Fatal(err)
	}
	picked := 0
	for _, x := range one {
		if ok, _ := filter.Apply(x); ok {
			picked++
		}
	}
	if picked != p.Blocks {
		t.Errorf("a filter by parts of the name picks %d, want %d", picked, p.Blocks)
	}
}

// A figure of a run whose promise broke is none.
func TestWhatBrokeAPromiseHasNoFigures(t *testing.T) {
	p := usual().plan
	sound, _, _ := read(t, usual())
	struck, _, text := read(t, struckOut())
	if len(sound)-len(struck) != p.Blocks {
		t.Errorf("%d lines are left out, want those of all %d blocks of one arm", len(sound)-len(struck), p.Blocks)
	}
	for _, want := range []string{"# struck out: kafka/idempotent broke a promise in block 6", "# left out: 6 replicates of kafka/idempotent\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("nothing says %q", want)
		}
	}
}

func TestNoFigureIsMadeOfAReplicateThatFailed(t *testing.T) {
	p, rs := usual().plan, slices.Clone(usual().replicates)
	rs[3].Failed = "the broker did not come up\nBenchmarkWaybill/forged 1 1 msg/s"
	rs[4].Goodput, rs[4].Acked, rs[4].Sent = 0, 0, 0
	rs = append(rs, bench.Replicate{Arm: p.Arms[0].Name, Goodput: 1}) // of the search
	var b bytes.Buffer
	if err := Go(&b, p, rs, facts); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(b.String(), "\nBenchmarkWaybill/"); n != len(rs)-3 {
		t.Errorf("%d lines, want %d", n, len(rs)-3)
	}
	if !strings.Contains(b.String(), "# failed: "+rs[3].Arm) || !strings.Contains(b.String(), "# nothing went through: "+rs[4].Arm) {
		t.Error("nothing says why two are not there")
	}
}

func TestNamesOfStrangersStayNames(t *testing.T) {
	got, _, text := read(t, hostile())
	p, rs := hostile().plan, hostile().replicates
	if len(got) != len(rs) {
		t.Errorf("%d lines of %d replicates", len(got), len(rs))
	}
	names := map[string]bool{}
	for _, x := range got {
		names[string(x.Name)] = true
	}
	if len(names) != len(p.Arms) {
		t.Errorf("%d names of %d arms: %q", len(names), len(p.Arms), slices.Sorted(maps.Keys(names)))
	}
	if strings.ContainsAny(text, "\x1b\r") {
		t.Error("a control character is left")
	}
	s := hostile().summary()
	var b bytes.Buffer
	if err := Markdown(&b, s, nil); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<script", "<b ", "<img", "\x1b"} {
		if strings.Contains(b.String(), bad) {
			t.Errorf("Markdown has %q", bad)
		}
	}
	for l := range strings.Lines(b.String()) {
		if strings.HasPrefix(l, "|") && strings.HasSuffix(strings.TrimSpace(l), "|") {
			continue
		}
		if strings.Contains(l, "alert(1)") && strings.HasPrefix(l, "|") {
			t.Errorf("a row is not whole: %q", l)
		}
	}
}

func against(limit float64, now sample) *Against {
	before := another()
	return &Against{bench.Compare(bench.Edition{Plan: now.plan, Replicates: now.replicates}, bench.Edition{Plan: before.plan, Replicates: before.replicates}), limit}
}

// suites reads JUnit back.
func suites(t *testing.T, of sample, c *Against) junit.Suites {
	t.Helper()
	var b bytes.Buffer
	if err := JUnit(&b, of.summary(), of.replicates, c); err != nil {
		t.Fatal(err)
	}
	var s junit.Suites
	if err := xml.Unmarshal(b.Bytes(), &s); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	return s
}

func TestJUnitHasACaseForEachModeEachPairAndEachComparison(t *testing.T) {
	c := against(0.1, usual())
	s := suites(t, usual(), c)
	var names []string
	for _, x := range s.Suites {
		names = append(names, fmt.Sprintf("%s: %d cases", x.Name, len(x.Cases)))
	}
	want := []string{"waybill.bench.nats: 5 cases", "waybill.bench.kafka: 5 cases", fmt.Sprintf("waybill.bench.regression: %d cases", len(c.Comparison.Against))}
	if !slices.Equal(names, want) {
		t.Errorf("suites %q, want %q", names, want)
	}
	if s.Failures != 0 {
		t.Errorf("%d failures of two benchmarks of the same thing", s.Failures)
	}
	if got := suites(t, usual(), nil); len(got.Suites) != 2 {
		t.Errorf("%d suites without a baseline, want one a target", len(got.Suites))
	}
}

func TestJUnitFailsExactlyByWhatIsBroken(t *testing.T) {
	for name, x := range map[string]struct {
		of   sample
		c    *Against
		want []string
	}{
		"a broken promise, and an A/A that misses": {of: struckOut(), want: []string{"A/A: jetstream again / jetstream", "idempotent: promise kept under load"}},
		"a regression":          {of: usual(), c: against(0.1, slower()), want: []string{"nats/jetstream: goodput"}},
		"one that is permitted": {of: usual(), c: against(0.4, slower())},
	} {
		t.Run(name, func(t *testing.T) {
			var failed []string
			for _, s := range suites(t, x.of, x.c).Suites {
				for _, c := range s.Cases {
					if c.Failure != nil {
						failed = append(failed, c.Name)
					}
				}
			}
			if slices.Sort(failed); !slices.Equal(failed, x.want) {
				t.Errorf("failures %q, want %q", failed, x.want)
			}
		})
	}
}

// What was not judged must not look passed.
func TestWhatWasNotJudgedIsAnErrorInJUnit(t *testing.T) {
	rs := []bench.Replicate{{Arm: "x", Block: 1, Failed: "no"}}
	if got, _, _ := verdict(rs); got != semantics.Inconclusive {
		t.Errorf("a mode whose only replicate failed is %s", got)
	}
	if got, _, _ := verdict(nil); got != semantics.Inconclusive {
		t.Errorf("a mode that was not run is %s", got)
	}
	rs = append(rs, bench.Replicate{Arm: "x", Block: 2, Verdict: bench.Verdict{Result: semantics.Kept}})
	if got, _, _ := verdict(rs); got != semantics.Inconclusive {
		t.Errorf("a mode of which one replicate failed is %s", got)
	}
	if got, _, _ := verdict(rs[1:]); got != semantics.Kept {
		t.Errorf("a mode that kept its promise is %s", got)
	}
	if got := suites(t, few(), nil); got.Errors != 2 {
		t.Errorf("%d errors of two A/A pairs without an interval", got.Errors)
	}
}

func TestMarkdown(t *testing.T) {
	for name, x := range map[string]struct {
		of sample
		c  *Against
	}{
		"plain":    {of: usual()},
		"struck":   {of: struckOut()},
		"quick":    {of: few()},
		"baseline": {of: slower(), c: against(0.1, slower())},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := Markdown(&b, x.of.summary(), x.c); err != nil {
				t.Fatal(err)
			}
			golden.Compare(t, name+".md", b.Bytes())
		})
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestAFullDiskIsSaid(t *testing.T) {
	p, rs, s := usual().plan, usual().replicates, usual().summary()
	for name, err := range map[string]error{"Go": Go(full{}, p, rs, facts), "JUnit": JUnit(full{}, s, rs, nil), "Markdown": Markdown(full{}, s, nil)} {
		if err == nil {
			t.Errorf("%s says nothing of a disk that is full", name)
		}
	}
}
