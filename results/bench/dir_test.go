package bench_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/results/bench"
	"waybill/results/bench/benchtest"
)

// saved is the sample benchmark in a directory of its own.
func saved(t testing.TB, opts ...benchtest.Option) (bench.Dir, bench.Plan, []bench.Replicate) {
	t.Helper()
	p, rs, ts := benchtest.Sample(opts...)
	d, err := bench.NewDir(t.TempDir(), time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC), p.Seed)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.SavePlan(p), d.SaveTested(ts), os.WriteFile(d.Path("manifest.json"), []byte("{}"), 0o644)); err != nil {
		t.Fatal(err)
	}
	return d, p, rs
}

func TestABenchmarkIsReadBackAsItWasMeasured(t *testing.T) {
	d, p, rs := saved(t, benchtest.Blocks(1), benchtest.Struck(), benchtest.Hostile())
	if got := filepath.Base(string(d)); got != "20261122T010203Z-7" {
		t.Errorf("the directory is called %s", got)
	}
	for _, r := range rs {
		if err := d.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	d, err := bench.OpenDir(string(d))
	if err != nil {
		t.Fatal(err)
	}
	gotPlan, err := d.LoadPlan()
	if err != nil || !cmp.Equal(gotPlan, p) {
		t.Errorf("%v\n%s", err, cmp.Diff(p, gotPlan))
	}
	got, err := d.LoadReplicates()
	if err != nil || !cmp.Equal(got, rs) {
		t.Errorf("%v\n%s", err, cmp.Diff(rs, got))
	}
	sum, _, err := d.Load()
	_, _, tested := benchtest.Sample(benchtest.Blocks(1), benchtest.Struck(), benchtest.Hostile())
	if want := bench.Analyze(p, rs, tested, nil); err != nil || !cmp.Equal(sum, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, sum))
	}
}

func TestTwoBenchmarksOfOneSecondHaveDirectoriesOfTheirOwn(t *testing.T) {
	out, at := t.TempDir(), time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)
	for _, want := range []string{"20261122T010203Z-5", "20261122T010203Z-5-2", "20261122T010203Z-5-3"} {
		d, err := bench.NewDir(out, at, 5)
		if err != nil || string(d) != filepath.Join(out, bench.Folder, want) {
			t.Errorf("%s, %v: want %s", d, err, want)
		}
		if info, err := os.Stat(filepath.Dir(d.Run("x"))); err != nil || !info.IsDir() {
			t.Errorf("%s has no folder of runs: %v", d, err)
		}
	}
}

func TestALineThatWasBeingWrittenIsLeftOut(t *testing.T) {
	d, _, rs := saved(t, benchtest.Blocks(1))
	if got, err := d.LoadReplicates(); err != nil || len(got) != 0 {
		t.Fatalf("of nothing measured: %v, %v", got, err)
	}
	for _, r := range rs[:3] {
		if err := d.Append(r); err != nil {
			t.Fatal(err)
		}
	}
	path := d.Path("replicates.jsonl")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ends := 0
	for n := range whole {
		if whole[n] == '\n' {
			ends++
		}
		if n%997 != 0 && whole[n] != '\n' {
			continue
		}
		if err := os.WriteFile(path, whole[:n+1], 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := d.LoadReplicates(); err != nil || len(got) != ends {
			t.Fatalf("of %d bytes with %d ends of lines: %d replicates, %v", n+1, ends, len(got), err)
		}
	}
}

func TestADamagedBenchmarkIsNamedWithFileAndLine(t *testing.T) {
	const good = `{"arm":"a","block":1,"place":1,"run":"01234567","series":{"bin":1,"from":0,"to":1,"sent":[1]}}` + "\n"
	for _, c := range []struct{ claim, file, content, err string }{
		{"no JSON", "replicates.jsonl", good + "{\n", "replicates.jsonl:2: "},
		{"another type", "replicates.jsonl", good + good + `{"arm":5}` + "\n", "replicates.jsonl:3: "},
		{"no arm", "replicates.jsonl", `{}` + "\n", "names no arm"},
		{"more bins than there are", "replicates.jsonl", strings.Replace(good, `"to":1`, `"to":2`, 1), "bins 0 to 2 of 1"},
		{"bins before the first", "replicates.jsonl", strings.Replace(good, `"from":0`, `"from":-1`, 1), "cannot have been measured"},
		{"a run elsewhere", "replicates.jsonl", strings.Replace(good, `01234567`, `../..`, 1), "cannot name a folder"},
		{"no YAML", "bench.yaml", "arms: [", "bench.yaml"},
		{"an unknown field", "bench.yaml", "schema: 1\nblock: 3\n", `[2:1] unknown field "block"`},
		{"another schema", "bench.yaml", "schema: 99\n", "schema 99: this Waybill reads 1"},
		{"two arms of one name", "bench.yaml", "schema: 1\narms: [{name: a}, {name: a}]\n", `two arms are called "a"`},
		{"an arm compared with none", "bench.yaml", "schema: 1\narms: [{name: a, of: b}]\n", `compared with "b"`},
		{"blocks without an end", "bench.yaml", "schema: 1\nblocks: 1000000000\n", "1000000000 blocks: want 0 to"},
		{"a block of none", "bench.yaml", "schema: 1\norder: [[a]]\n", `block 1 has "a", which is no arm`},
		{"no tests", "tested.json", "[", "tested.json"},
	} {
		d, _, _ := saved(t, benchtest.Blocks(1))
		if err := os.WriteFile(d.Path(c.file), []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Load(); !errors.Is(err, bench.ErrDamaged) || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), d.Path(c.file)) {
			t.Errorf("%s: error %v, want the path and %q", c.claim, err, c.err)
		}
	}
}

func TestWhatIsNoBenchDirectoryIsSaidToBeNone(t *testing.T) {
	d, _, _ := saved(t)
	if err := os.Remove(d.Path("bench.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{string(d), filepath.Join(string(d), "nowhere"), "", d.Path("manifest.json")} {
		if _, err := bench.OpenDir(path); !errors.Is(err, bench.ErrNotBench) {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestTheCeilingIsMessagesForEachSecondOfAProcessor(t *testing.T) {
	p := bench.Plan{Blocks: 1, Arms: []bench.Arm{{Name: "p", Mode: "plain", Phase: bench.PhaseCeiling}, {Name: "b", Mode: "batched", Phase: bench.PhaseCeiling},
		{Name: "s", Mode: "plain", Phase: bench.PhaseSaturation}}}
	// Two seconds were measured, in which the process used half a second of a processor.
	r := bench.Replicate{Arm: "p", Block: 1, Goodput: 1000, CPU: bench.CPU{Clients: 0.5}, Series: bench.Series{Bin: 100_000, From: 5, To: 25}}
	other := r
	other.Arm, other.Goodput = "b", 2000
	rest := []bench.Replicate{r, r, r}
	rest[0].Arm, rest[1].Failed, rest[2].Block = "s", "why not", 0
	c := bench.CeilingOf(p, append(rest, r, other))
	if c == nil || c.Plain.Estimate != 4000 || c.Plain.N != 1 || c.Batched.Estimate != 8000 {
		t.Errorf("%+v", c)
	}
	if c := bench.CeilingOf(p, rest); c != nil {
		t.Errorf("of replicates that say nothing of it: %+v", c)
	}
}

// FuzzDir holds that no bytes end the program, and that an error names the file.
func FuzzDir(f *testing.F) {
	d, _, rs := saved(f, benchtest.Blocks(1))
	if err := d.Append(rs[0]); err != nil {
		f.Fatal(err)
	}
	plan, err := os.ReadFile(d.Path("bench.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	line, err := os.ReadFile(d.Path("replicates.jsonl"))
	if err != nil {
		f.Fatal(err)
	}
	small := []byte("schema: 1\nblocks: 2\narms: [{name: a, of: a, target: t, mode: m, phase: saturation, kind: audited}]\norder: [[a]]\ntargets: [{name: t}]\n")
	f.Add(plan[:min(len(plan), 4000)], line)
	f.Add(small, []byte(`{"arm":"a","block":1,"goodput":-1e308,"latency":[{"to":"applied","histogram":"x"}],"series":{"from":1,"to":0}}`+"\n"))
	f.Add(small, []byte(`{"arm":"a","block":1,"goodput":5,"offered":1e-300}`+"\n"))
	f.Add([]byte("? : "), []byte("\n\n{"))
	f.Fuzz(func(t *testing.T, plan, lines []byte) {
		if err := errors.Join(os.WriteFile(d.Path("bench.yaml"), plan, 0o644), os.WriteFile(d.Path("replicates.jsonl"), lines, 0o644)); err != nil {
			t.Fatal(err)
		}
		if _, _, err := d.Load(); err != nil && !strings.Contains(err.Error(), string(d)) {
			t.Errorf("%v does not name the file", err)
		}
	})
}
