package cli

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/campaign"
	"waybill/harness/experiment"
	"waybill/harness/golden"
	"waybill/harness/run"
	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/results/bench/benchtest"
	"waybill/results/bench/publish"
)

func TestSharesAreReadAsPeopleTypeThem(t *testing.T) {
	for _, c := range []struct {
		text string
		want []float64 // nil: refused
	}{
		{"0.5", []float64{0.5}}, {"0.1,50%, 1.2", []float64{0.1, 0.5, 1.2}}, {"", nil}, {"half", nil}, {"0.1,", nil}, {"nan", nil}, {"5%%", nil},
	} {
		var f floats
		err := f.Set(c.text)
		if c.want == nil && err == nil || c.want != nil && (err != nil || !slices.Equal(f, c.want)) {
			t.Errorf("%q: %v, %v, want %v", c.text, f, err, c.want)
		}
	}
	if got := (&floats{0.1, 0.5}).String(); got != "0.1,0.5" {
		t.Errorf("printed as %q", got)
	}
}

func TestWhatIsPlantedInTheNullTarget(t *testing.T) {
	got, err := parseNullPlant([]string{"slow=3%", "pause=1.4s"})
	if want := (experiment.NullPlant{Slow: 0.03, Pause: 1400 * time.Millisecond}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, bad := range []string{"slow", "slow=much", "pause=3", "fast=3%", ""} {
		if _, err := parseNullPlant([]string{bad}); err == nil || !strings.Contains(err.Error(), "--plant "+bad) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestARegressionIsAShareOfABaseline(t *testing.T) {
	for _, c := range []struct {
		text, baseline string
		want           float64
		err            string
	}{
		{"", "", 0, ""}, {"", "DIR", 0, ""}, {"regression=10%", "DIR", 0.1, ""}, {"regression=0.05", "DIR", 0.05, ""},
		{"regression=10%", "", 0, "want --baseline DIR"}, {"regression", "DIR", 0, "want regression=10%"}, {"regression=0", "DIR", 0, "want regression"},
		{"regression=100%", "DIR", 0, "want regression"}, {"slower=10%", "DIR", 0, "want regression"},
	} {
		got, err := parseFailOn(c.text, c.baseline)
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%q with %q: %v, %v, want %v, %q", c.text, c.baseline, got, err, c.want, c.err)
		}
	}
}

func TestFlagsWinOverABenchmarkFile(t *testing.T) {
	file := experiment.BenchSpec{Targets: []string{"kafka"}, Blocks: 4, Load: experiment.BenchLoad{Size: 5, Window: 6}}
	flags := experiment.BenchSpec{Blocks: 9, Load: experiment.BenchLoad{Size: 7}}
	got := overruleBench(file, flags, func(name string) bool { return name == "blocks" || name == "size" })
	if want := (experiment.BenchSpec{Targets: []string{"kafka"}, Blocks: 9, Load: experiment.BenchLoad{Size: 7, Window: 6}}); !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	// Every flag that is a field of the spec is taken over by its name.
	taken := map[string]bool{}
	overruleBench(file, flags, func(name string) bool { taken[name] = true; return false })
	own := map[string]bool{"out": true, "keep": true, "tested": true, "baseline": true, "fail-on": true, "help": true}
	for _, line := range strings.Split(benchCommand(screen{}).Flags().FlagUsages(), "\n") {
		_, rest, ok := strings.Cut(line, "--")
		if name, _, _ := strings.Cut(rest, " "); ok && strings.HasPrefix(strings.TrimSpace(line), "--") && !taken[name] && !own[name] {
			t.Errorf("a file wins over --%s", name)
		}
	}
}

// benched is the end of the sample benchmark.
func benched(opts ...benchtest.Option) campaign.BenchEnd {
	p, rs, ts := benchtest.Sample(opts...)
	result := semantics.Kept
	for _, r := range rs {
		if r.Verdict.Result == semantics.Broken {
			result = semantics.Broken
		}
	}
	return campaign.BenchEnd{Dir: "results/runs/bench/20261122T010203Z-7", Replicates: rs, Tested: ts[:2], Summary: bench.Analyze(p, rs, ts, benchtest.Ceiling()), Result: result}
}

// against compares the sample with another one of it.
func against(limit float64, blocks int, opts ...benchtest.Option) *publish.Against {
	edition := func(opts ...benchtest.Option) bench.Edition {
		p, rs, _ := benchtest.Sample(append(opts, benchtest.Blocks(blocks))...)
		return bench.Edition{Plan: p, Replicates: rs}
	}
	return &publish.Against{Comparison: bench.Compare(edition(opts...), edition(benchtest.Seed(3))), Limit: limit}
}

func TestTheEndOfABenchmarkAsText(t *testing.T) {
	for _, c := range []struct {
		name string
		end  func() campaign.BenchEnd
	}{
		{"bench.txt", func() campaign.BenchEnd { return benched() }},
		{"bench-struck-few.txt", func() campaign.BenchEnd { return benched(benchtest.Struck(), benchtest.Blocks(3), benchtest.Hostile()) }},
		{"bench-baseline.txt", func() campaign.BenchEnd {
			e := benched(benchtest.Misses())
			e.Against, e.CutShort = against(0.1, 10, benchtest.Slower("nats/jetstream", 1.4)), true
			return e
		}},
	} {
		var out bytes.Buffer
		showBench(screen{out: &out, err: &out, width: 100}, c.end())
		golden.Compare(t, c.name, out.Bytes())
		for _, line := range strings.Split(out.String(), "\n") {
			if n := len([]rune(line)); n > 104 && !strings.HasPrefix(line, "repeat") {
				t.Errorf("%s: a line of %d columns: %s", c.name, n, line)
			}
			if line != printable(line) {
				t.Errorf("%s: a line that steers a terminal: %q", c.name, line)
			}
		}
	}
}

func TestColourIsForTerminalsThatHaveIt(t *testing.T) {
	var plain, colored bytes.Buffer
	showBench(screen{out: &plain, err: &plain, width: 100}, benched())
	showBench(screen{out: &colored, err: &colored, width: 100, color: true}, benched())
	if strings.Contains(plain.String(), "\x1b") || !strings.Contains(colored.String(), "\x1b[1m") {
		t.Error("colour where there is none, or none where there is")
	}
}

func TestTheExitCodeOfABenchmark(t *testing.T) {
	good := benched(benchtest.Blocks(6))
	slower := against(0.1, 6, benchtest.Slower("nats/jetstream", 1.4))
	limited := func(limit float64) *publish.Against { a := *slower; a.Limit = limit; return &a }
	with := func(change func(*campaign.BenchEnd)) campaign.BenchEnd { e := good; change(&e); return e }
	few := against(0.1, 2)
	for _, c := range []struct {
		claim string
		end   campaign.BenchEnd
		want  int
	}{
		{"measured", good, ExitKept},
		{"a promise broken", benched(benchtest.Struck(), benchtest.Blocks(6)), ExitBroken},
		{"broken stays broken when interrupted", with(func(e *campaign.BenchEnd) { e.Result, e.CutShort = semantics.Broken, true }), ExitBroken},
		{"interrupted", with(func(e *campaign.BenchEnd) { e.CutShort = true }), ExitInconclusive},
		{"an arm without a replicate", with(func(e *campaign.BenchEnd) {
			e.Replicates = slices.DeleteFunc(slices.Clone(e.Replicates), func(r bench.Replicate) bool { return r.Arm == "nats/jetstream" })
		}), ExitInconclusive},
		{"some inconclusive replicates are not an arm without any", with(func(e *campaign.BenchEnd) {
			e.Replicates = slices.Clone(e.Replicates)
			e.Replicates[0].Verdict.Result, e.Result = semantics.Inconclusive, semantics.Inconclusive
		}), ExitKept},
		{"slower than a baseline that only informs", with(func(e *campaign.BenchEnd) { e.Against = limited(0) }), ExitKept},
		{"a certain regression", with(func(e *campaign.BenchEnd) { e.Against = slower }), ExitBroken},
		{"less than is allowed", with(func(e *campaign.BenchEnd) { e.Against = limited(0.4) }), ExitKept},
		{"too few to know of a regression", with(func(e *campaign.BenchEnd) { e.Against = few }), ExitInconclusive},
	} {
		if got := benchExit(c.end); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.claim, got, c.want)
		}
	}
}

func TestABenchmarkIsTold(t *testing.T) {
	kept := bench.Replicate{Arm: "nats/core", Block: 1, Goodput: 123_456, Verdict: bench.Verdict{Result: semantics.Kept}}
	lost := bench.Replicate{Arm: "nats/core", Block: 2, Verdict: bench.Verdict{Result: semantics.Broken, Why: "lost: \x1b[2Jvanished (3)"}}
	failed := bench.Replicate{Arm: "nats/core", Block: 3, Failed: "no queue"}
	unaudited := bench.Replicate{Arm: "nats/core publishing bare", Block: 3, Goodput: 1_234_567}
	tell := func(p *benchProgress) {
		p.Began(campaign.Step{Target: "nats", Arm: "nats/core"})
		p.Said("nats/core sustains 120000 messages a second")
		p.Began(campaign.Step{Target: "nats", Arm: "nats/core", Block: 1, Blocks: 3, Place: 1, Places: 2, Left: 100 * time.Second})
		p.Told(run.Progress{Warning: "late"})
		p.Told(run.Progress{Lanes: []run.LaneRate{{Name: "core", Acked: 1000, Applied: 123_456}}})
		for _, r := range []bench.Replicate{kept, lost, failed, unaudited} {
			p.Measured(r)
		}
		p.clear()
	}
	var plain, painted bytes.Buffer
	tell(&benchProgress{s: screen{out: &plain, width: 80}, started: time.Now()})
	const want = `0:00  nats/core sustains 120000 messages a second
0:00  nats, block 1 of 3: 2 replicates, about 2 min left in all
0:00  ! late
0:00  block 1  nats/core                                         123k/s  kept
0:00  ! nats/core, block 2: broken: lost:  [2Jvanished (3)
0:00  ! nats/core, block 3: not measured: no queue
0:00  block 3  nats/core publishing bare                        1.23M/s  not audited
`
	if plain.String() != want {
		t.Error(cmp.Diff(want, plain.String()))
	}
	tell(&benchProgress{s: screen{out: &painted, width: 60, terminal: true}, started: time.Now()})
	for _, part := range []string{"\r\x1b[K", "searching the rate of nats/core", "block 1/3  1/2  nats/core  1000→123k/s  2 min left", "! nats/core, block 2"} {
		if !strings.Contains(painted.String(), part) {
			t.Errorf("%q lacks %q", painted.String(), part)
		}
	}
	if strings.Contains(painted.String(), "123k/s  kept") {
		t.Error("on a terminal every replicate has a line")
	}
	if strings.Contains(strings.ReplaceAll(painted.String(), "\r\x1b[K", ""), "\x1b") {
		t.Error("a broker's words steer the terminal")
	}
}

func TestNumbersAsTheyAreRead(t *testing.T) {
	for x, want := range map[float64]string{0: "0", 9994: "9994", 9996: "10.0k", 99_949: "99.9k", 123_456: "123k", 999_600: "1.00M", 3_210_000: "3.21M"} {
		if got := short(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
	for x, want := range map[float64]string{318: "318 µs", 999.6: "1.0 ms", 7_840: "7.8 ms", 921_000: "921 ms", 1_234_000: "1.23 s"} {
		if got := micros(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
	for x, want := range map[time.Duration]string{200 * time.Millisecond: "1 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min", 89 * time.Minute: "89 min", 150 * time.Minute: "2.5 h"} {
		if got := roughly(x); got != want {
			t.Errorf("%v is %s, want %s", x, got, want)
		}
	}
}
