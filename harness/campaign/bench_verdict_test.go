package campaign

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results"
	"waybill/results/bench"
)

func TestAReplicatesVerdictIsItsAudits(t *testing.T) {
	cell := func(r semantics.Result, why string) semantics.Cell {
		return semantics.Cell{Stage: semantics.Applied, Guarantee: semantics.AtLeastOnce, Result: r, Why: why}
	}
	verdict := func(r semantics.Result, cells ...semantics.Cell) semantics.Verdict {
		return semantics.Verdict{Result: r, Lanes: []semantics.Lane{{Name: "m", Cells: cells}}}
	}
	stuck := verdict(semantics.Broken, cell(semantics.Kept, ""))
	stuck.Episodes = []semantics.Episode{{Liveness: map[string]semantics.Result{"m": semantics.Broken}, LiveWhy: map[string]string{"m": "stuck: not drained"}}}
	lost := verdict(semantics.Broken, cell(semantics.Kept, ""), cell(semantics.Broken, "lost: vanished (3)"))
	lost.Findings = []semantics.Finding{{Anomaly: "redelivery", Count: 9}, {Anomaly: "lost: vanished", Count: 3, Breaks: true}}
	cut := verdict(semantics.Inconclusive, cell(semantics.Kept, ""))
	cut.CutShort = "interrupted"
	for _, c := range []struct {
		claim string
		v     semantics.Verdict
		want  bench.Verdict
	}{
		{"kept", verdict(semantics.Kept, cell(semantics.Kept, "")), bench.Verdict{Result: semantics.Kept}},
		{"broken names what breaks it, and nothing else", lost, bench.Verdict{Result: semantics.Broken, Why: "applied, at least once: lost: vanished (3)", Findings: []string{"lost: vanished (3)"}}},
		{"stuck is broken", stuck, bench.Verdict{Result: semantics.Broken, Why: "stuck: not drained"}},
		{"inconclusive says why", verdict(semantics.Inconclusive, cell(semantics.Inconclusive, "drain not proven")), bench.Verdict{Result: semantics.Inconclusive, Why: "applied, at least once: drain not proven"}},
		{"what was cut short says that", cut, bench.Verdict{Result: semantics.Inconclusive, Why: "cut short: interrupted"}},
		{"nothing promised is observed", verdict(semantics.Inconclusive, cell(semantics.Observed, "nothing is promised")), bench.Verdict{Result: semantics.Observed, Why: "nothing is promised"}},
	} {
		if got := audited(c.v); !cmp.Equal(got, c.want) {
			t.Errorf("%s:\n%s", c.claim, cmp.Diff(c.want, got))
		}
	}
}

func TestTheWorstReplicateCounts(t *testing.T) {
	of := func(rs ...semantics.Result) (out []bench.Replicate) {
		for _, r := range rs {
			out = append(out, bench.Replicate{Verdict: bench.Verdict{Result: r}})
		}
		return out
	}
	for _, c := range []struct {
		in   []bench.Replicate
		want semantics.Result
	}{
		{nil, ""},
		{of("", semantics.Kept, semantics.Observed), semantics.Kept},
		{of(semantics.Kept, semantics.Inconclusive, semantics.Kept), semantics.Inconclusive},
		{of(semantics.Broken, semantics.Inconclusive), semantics.Broken},
	} {
		if got := worst(c.in); got != c.want {
			t.Errorf("%v: %q, want %q", c.in, got, c.want)
		}
	}
}

// testedRun is a run directory of a test with a verdict.
func testedRun(t *testing.T, out, target, version, profile string, at time.Time) string {
	t.Helper()
	d, err := results.NewDir(out, target, at, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := results.NewManifest(1, nil, at)
	m.Target, m.Version = target, version
	v := semantics.Verdict{Schema: semantics.VerdictSchema, Target: target, Profile: profile, Result: semantics.Kept}
	if err := errors.Join(d.SaveManifest(m), d.SaveVerdict(v), d.SaveExperiment(experiment.Experiment{Target: target}), d.SaveSchedule(experiment.Schedule{})); err != nil {
		t.Fatal(err)
	}
	return string(d)
}

func TestTheNewestTestsOfTheSameVersionMarkTheModes(t *testing.T) {
	out := t.TempDir()
	at := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	testedRun(t, out, "nats", "2.0", "default", at)
	newest := testedRun(t, out, "nats", "2.0", "default", at.Add(time.Hour))
	testedRun(t, out, "nats", "1.0", "default", at.Add(2*time.Hour))
	sync := testedRun(t, out, "nats", "2.0", "sync", at.Add(-time.Hour))
	testedRun(t, out, "kafka", "4.0", "default", at)
	unjudged := testedRun(t, out, "nats", "2.0", "default", at.Add(3*time.Hour))
	if err := errors.Join(os.Remove(filepath.Join(unjudged, "verdict.json")), os.MkdirAll(filepath.Join(out, "nats", "soak-1"), 0o755)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, x := range newestTests(out, bench.Plan{Targets: []bench.Target{{Name: "nats", Version: "2.0"}, {Name: "rabbitmq", Version: "4"}, {Name: experiment.Null}}}) {
		got = append(got, x.Dir)
	}
	if want := []string{sync, newest}; !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
	if err := CheckTested([]string{newest}); err != nil {
		t.Error(err)
	}
	for _, path := range []string{unjudged, filepath.Join(out, "nowhere")} {
		if err := CheckTested([]string{newest, path}); err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error that names it", path, err)
		}
	}
}

func TestLabsAreUpTogetherWhereMemoryAllows(t *testing.T) {
	for text, want := range map[string]uint64{
		"MemTotal:       24627000 kB\nMemFree:  5 kB\nMemAvailable:   20000000 kB\n": 20000000 << 10,
		"MemTotal: 5 kB\n":        0,
		"MemAvailable: many kB\n": 0,
		"":                        0,
	} {
		if got := memAvailable(strings.NewReader(text)); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
	p := benchOf(t, experiment.BenchSpec{Profile: experiment.AllProfiles}).products[0]
	if n := len(p.profiles()); n != 3 {
		t.Fatalf("%d profiles", n)
	}
	if p.description.Memory == 0 {
		t.Fatal("nobody says how much memory a lab takes")
	}
	need := 3*p.description.Memory + clientsOfLab
	if p.fitTogether(need) || !p.fitTogether(2*need) || p.fitTogether(0) {
		t.Error("labs are up together without a third of the memory to spare, or not with half")
	}
}

func TestABenchmarkOfNoBrokerIsOneLikeOthers(t *testing.T) {
	const pause = 100 * time.Millisecond
	spec := experiment.BenchSpec{Phases: []string{"saturation", "latency"}, Shares: []float64{0.02}, Blocks: 1, Measure: 400 * time.Millisecond, Warm: 100 * time.Millisecond, Seed: 8,
		Plant: experiment.NullPlant{Slow: 0.9, Pause: pause}}
	p, rs, err := NullBench(t.Context(), spec, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	perCore := map[string]float64{} // messages for each second of a processor: what else runs on the machine has no part in it
	for _, r := range rs {
		if r.Failed != "" || r.Verdict.Result != semantics.Kept {
			t.Errorf("%s: %s %s", r.Arm, r.Failed, r.Verdict.Result)
		}
		perCore[r.Arm] = r.Goodput / r.CPU.Clients
		if least := 2 * spec.Shares[0] * searchFrom; r.Offered > 0 && r.Offered < least {
			t.Errorf("%s offers %.0f messages a second, want %.0f at least: the search ended at its first rate", r.Arm, r.Offered, least)
		}
	}
	if len(rs) != len(p.Arms) || len(perCore) != 4 {
		t.Errorf("%d replicates of %d arms", len(rs), len(p.Arms))
	}
	if share := perCore["null/slowed"] / perCore["null/plain"]; share > 0.6 {
		t.Errorf("an arm slowed by 90 %% has %.2f of the other's throughput", share)
	}
	// However few messages a machine sends: the one meant to be sent when the pause began waited for the end of it.
	longest := time.Duration(0)
	for _, l := range bench.Analyze(p, rs, nil, nil).Loads {
		for _, st := range l.Stages {
			if st.Corrected && st.To == "applied" {
				longest = max(longest, time.Duration(st.Merged[len(st.Merged)-1].Value)*time.Microsecond)
			}
		}
	}
	if longest < pause*9/10 {
		t.Errorf("a pause of %s does not show in the latencies: none is longer than %s", pause, longest)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := NullBench(cancelled, spec, t.TempDir()); err == nil {
		t.Error("a benchmark whose context has ended went well")
	}
}
