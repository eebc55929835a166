package experiment

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/semantics"
)

func TestABenchmarkFileSaysOnlyWhatDiffersFromTheDefaults(t *testing.T) {
	full := BenchSpec{Targets: []string{"nats"}, Phases: []string{Saturation, Latency, Cost, Ceiling}, Blocks: 10, Measure: 3 * time.Second, Warm: 5 * time.Second,
		Load: BenchLoad{Size: 128, Window: 1024, Batch: 1024, Producers: 2, Consumers: 2}, Shares: []float64{0.1, 0.5, 0.8}, Windows: []int{16, 128}, Commits: []int{1, 16}}
	with := func(change func(*BenchSpec)) BenchSpec { s := full; change(&s); return s }
	for _, c := range []struct {
		claim, content string
		want           BenchSpec
	}{
		{"nothing", "", full},
		{"a load with nothing under it", "load:\n", full},
		{"one field of the load leaves the others", "load: {size: 4096}\n", with(func(s *BenchSpec) { s.Load.Size = 4096 })},
		{"quick is shorter in every way", "quick: true\n", with(func(s *BenchSpec) {
			s.Quick, s.Blocks, s.Measure, s.Shares = true, 3, 1500*time.Millisecond, []float64{0.5}
		})},
		{"but what is said is said", "quick: true\nblocks: 7\nshares: [0.2, 0.9]\n", with(func(s *BenchSpec) {
			s.Quick, s.Blocks, s.Measure, s.Shares = true, 7, 1500*time.Millisecond, []float64{0.2, 0.9}
		})},
		{"all phases", "phases: [all]\n", with(func(s *BenchSpec) { s.Phases = phases() })},
		{"everything", `
targets: [kafka]
version: 3.9.1
profile: fsync
modes: [acks-all]
phases: [window]
blocks: 20
measure: 5s
warm: 20s
load: {size: 1, window: 2, batch: 3, producers: 4, consumers: 5}
shares: [0.5]
windows: [1]
commits: [2]
noRival: true
seed: 9
`, BenchSpec{Targets: []string{"kafka"}, Version: "3.9.1", Profile: "fsync", Modes: []string{"acks-all"}, Phases: []string{Windows}, Blocks: 20,
			Measure: 5 * time.Second, Warm: 20 * time.Second, Load: BenchLoad{1, 2, 3, 4, 5}, Shares: []float64{0.5}, Windows: []int{1}, Commits: []int{2}, NoRival: true, Seed: 9}},
		{"the null target", "targets: [null-target]\n", with(func(s *BenchSpec) { s.Targets = []string{"null-target"} })},
		{"what it does on purpose", "targets: [\"null\"]\nplant: {slow: 0.03, pause: 1.4s}\n", with(func(s *BenchSpec) {
			s.Targets, s.Plant = []string{Null}, NullPlant{Slow: 0.03, Pause: 1400 * time.Millisecond}
		})},
	} {
		got, err := ReadBench(write(t, "b.yaml", c.content))
		if err == nil {
			got, err = got.Complete()
		}
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%s: %v\n%s", c.claim, err, cmp.Diff(c.want, got))
		}
	}
}

func TestAMistakeInABenchmarkFileIsNamedWithFileLineAndColumn(t *testing.T) {
	for _, c := range []struct{ claim, content, err string }{
		{"an unknown field", "targets: [nats]\ntarget: nats\n", `[2:1] unknown field "target"`},
		{"an unknown field of the load", "load:\n  size: 5\n  windows: 3\n", `[3:3] unknown field "windows"`},
		{"text for a number", "blocks: many\n", "[1:9]"},
		{"not YAML", "targets: [nats\n", "[1:"},
	} {
		path := write(t, "nightly.yaml", c.content)
		if _, err := ReadBench(path); err == nil || !strings.Contains(err.Error(), path+": ") || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want the path and %q", c.claim, err, c.err)
		}
	}
	if _, err := ReadBench(filepath.Join(t.TempDir(), "none.yaml")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	for _, c := range []struct {
		claim string
		spec  BenchSpec
		err   string
	}{
		{"blocks below none", BenchSpec{Blocks: -1}, "blocks is -1: want 1 to 1000"},
		{"too short a measurement", BenchSpec{Measure: time.Millisecond}, "measure is 1ms: want 100ms"},
		{"a warm-up of no time", BenchSpec{Warm: -time.Second}, "warm is -1s"},
		{"a payload that is too large", BenchSpec{Load: BenchLoad{Size: 2 << 20}}, "load.size is 2097152"},
		{"a window of none", BenchSpec{Load: BenchLoad{Window: -1}}, "load.window is -1"},
		{"a share of nothing", BenchSpec{Shares: []float64{0.5, 0}}, "shares[1] is 0"},
		{"a share far beyond", BenchSpec{Shares: []float64{2}}, "shares[0] is 2"},
		{"a window of none among others", BenchSpec{Windows: []int{1, 0}}, "windows[1] is 0"},
		{"a transaction of nothing", BenchSpec{Commits: []int{0}}, "commits[0] is 0"},
		{"a phase that there is not", BenchSpec{Phases: []string{"speed"}}, `phases[0] is "speed": want one of saturation`},
		{"all phases with others", BenchSpec{Phases: []string{"all", "cost"}}, `phases[0] is "all"`},
		{"a target twice", BenchSpec{Targets: []string{"nats", "kafka", "nats"}}, "targets names nats twice"},
		{"a share twice", BenchSpec{Shares: []float64{0.5, 0.5}}, "shares has a value twice"},
		{"a version of several", BenchSpec{Targets: []string{"nats", "kafka"}, Version: "3"}, "version 3: of which?"},
		{"no broker among brokers", BenchSpec{Targets: []string{"nats", Null}}, "target null with others"},
		{"modes of no broker", BenchSpec{Targets: []string{Null}, Modes: []string{"core"}}, "target null has no modes"},
		{"a plant in a product", BenchSpec{Plant: NullPlant{Slow: 0.1}}, "plant is for the target null"},
		{"a broker slower than none", BenchSpec{Targets: []string{Null}, Plant: NullPlant{Slow: 1}}, "plant.slow is 1"},
		{"a pause longer than the measurement", BenchSpec{Targets: []string{Null}, Plant: NullPlant{Pause: 3 * time.Second}}, "plant.pause is 3s"},
	} {
		if _, err := c.spec.Complete(); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: error %v, want %q", c.claim, err, c.err)
		}
	}
}

func TestModesMadeToGoWrongAreMeasuredOnlyByName(t *testing.T) {
	p := Product{Name: "shop", Profiles: []string{"fast", "safe"}}
	for _, x := range []struct {
		name, profile string
		astray        bool
	}{{"plain", "fast", false}, {"astray", "fast", true}, {"synced", "safe", false}} {
		p.Modes = append(p.Modes, semantics.Mode{Name: x.name, Profile: x.profile, Traits: semantics.Traits{Astray: x.astray}})
	}
	for _, c := range []struct {
		claim string
		spec  BenchSpec
		want  string // names, or the error
	}{
		{"of the first profile", BenchSpec{}, "plain"},
		{"by name", BenchSpec{Modes: []string{"astray", "synced"}}, "astray synced"},
		{"of all profiles", BenchSpec{Profile: AllProfiles}, "plain synced"},
		{"those of other targets are left to them", BenchSpec{Modes: []string{"acks-all", "plain"}}, "plain"},
		{"none of its own", BenchSpec{Modes: []string{"acks-all"}}, `has no mode "acks-all": want one of plain, astray, synced`},
		{"a profile that there is not", BenchSpec{Profile: "slow"}, `no profile "slow"`},
	} {
		modes, err := c.spec.ModesOf(p)
		var names []string
		for _, m := range modes {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); err == nil && got != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %q, %v, want %q", c.claim, got, err, c.want)
		}
	}
}

func TestAReplicateIsARunOfOneLane(t *testing.T) {
	s, err := BenchSpec{Seed: 4}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	p := shop()
	e := s.Replicate(p, p.Modes[1], Load{Rate: 12, Window: 7, Size: 5}, "0a1b2c3d")
	if len(e.Lanes) != 1 || e.Lanes[0].Queue != "quorum_confirms_0a1b2c3d" || e.Run != "0a1b2c3d" || e.Profile != "safe" || e.Seed != 4 ||
		len(e.Extra) != 1 || e.Load.Window != 7 || e.Load.Keys < 1 || e.Load.Confirm <= 0 || e.Load.Doubts != 0 || e.Load.Withhold != 0 {
		t.Errorf("%+v", e)
	}
	// A producer may wait for its confirmation as long as that takes, and quiescence waits for the producer.
	if e.Limits.Quiesce <= e.Load.Confirm || e.Limits.Settle < p.Redelivery {
		t.Errorf("limits %+v do not outlast confirm %s, redelivery %s", e.Limits, e.Load.Confirm, p.Redelivery)
	}
}

// FuzzReadBench holds that no file ends the program, that an error names it, and that what is complete stays the same.
func FuzzReadBench(f *testing.F) {
	for _, s := range []string{"", "targets: [nats]\nload: {size: 5}\n", "shares: [.inf, .nan]\nblocks: 3\n", "plant: {slow: .nan}\ntargets: ['null']\n", "{", "null", "a: &a [*a]",
		"? : ", "\xff\xfe", "measure: 1e999s", "phases: [all]\nquick: yes\n"} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "b.yaml")
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		s, err := ReadBench(path)
		if err != nil {
			if !strings.Contains(err.Error(), path) {
				t.Errorf("%v does not name the file", err)
			}
			return
		}
		if s, err = s.Complete(); err != nil {
			return
		}
		for _, x := range s.Shares {
			if !(x > 0 && x <= 1.5) {
				t.Errorf("a share of %v", x)
			}
		}
		if again, err := s.Complete(); err != nil || !cmp.Equal(again, s) {
			t.Errorf("%v\n%s", err, cmp.Diff(s, again))
		}
	})
}
