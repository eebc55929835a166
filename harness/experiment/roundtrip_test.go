package experiment_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results"
)

// words are what names, quotations, addresses and settings are made of, and what YAML could take for something else.
func words() *rapid.Generator[string] {
	return rapid.OneOf(rapid.StringMatching(`[a-z][a-z0-9-]{0,12}`), rapid.StringMatching(`[A-Za-z0-9“'"(][A-Za-z0-9 .,;:()'"“”…→/#=%{}\[\]&*!?@_-]{0,40}`), rapid.SampledFrom([]string{"", " ", "null", "~", "true", "no", "0x1f", "1e3",
		"12:30:00", "- a", "a: b", "# x", "'", `"`, "{of}", "| x", "&a", "*a", "!!str", "2026-11-21", "1_000", "…", "2s (default 30s)"}))
}

// keys are names of settings, and of a lane and a stage: nobody writes a line break there.
func keys() *rapid.Generator[string] {
	return rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9_./ -]{0,20}[a-z0-9]`)
}

func durations() *rapid.Generator[time.Duration] {
	return rapid.Map(rapid.Int64Range(0, math.MaxInt64), func(n int64) time.Duration { return time.Duration(n) })
}

func modes() *rapid.Generator[semantics.Mode] {
	return rapid.Custom(func(t *rapid.T) semantics.Mode {
		m := semantics.Mode{Name: words().Draw(t, "name"), Profile: words().Draw(t, "profile"), Summary: words().Draw(t, "summary")}
		b := func() bool { return rapid.Bool().Draw(t, "trait") }
		m.Traits = semantics.Traits{Confirms: b(), Acks: b(), ConfirmsAcks: b(), Scannable: b(), Consumes: b(), Leader: b(), DedupStore: b(), DedupEffect: b()}
		for range rapid.IntRange(0, 3).Draw(t, "promises") {
			m.Promises = append(m.Promises, semantics.Promise{
				Stage:     rapid.SampledFrom([]semantics.Stage{semantics.Sent, semantics.Stored, semantics.Delivered, semantics.Applied}).Draw(t, "stage"),
				Guarantee: semantics.Guarantee(rapid.IntRange(0, 3).Draw(t, "guarantee")), Ordered: b(), Atomic: b(), Scope: words().Draw(t, "scope"),
				Faults: rapid.SliceOf(words()).Draw(t, "faults"), Source: semantics.Source{Quote: words().Draw(t, "quote"), URL: words().Draw(t, "url"), Version: words().Draw(t, "version")},
			})
		}
		return m
	})
}

func experiments() *rapid.Generator[experiment.Experiment] {
	return rapid.Custom(func(t *rapid.T) experiment.Experiment {
		d := func() time.Duration { return durations().Draw(t, "duration") }
		f := func() float64 { return rapid.Float64Range(0, 1e6).Draw(t, "float") }
		n := func() int { return rapid.IntRange(0, 1<<20).Draw(t, "int") }
		e := experiment.Experiment{Run: words().Draw(t, "run"), Target: words().Draw(t, "target"), Profile: words().Draw(t, "profile"), Version: words().Draw(t, "version"),
			Seed: rapid.Uint64().Draw(t, "seed"), Nodes: n(), FastHeal: rapid.Bool().Draw(t, "fast"), Settings: rapid.MapOf(keys(), words()).Draw(t, "settings"),
			Load:   experiment.Load{Rate: f(), Burst: n(), Size: n(), Keys: n(), Processing: d(), Batch: n(), Confirm: d(), Doubts: f(), Withhold: f()},
			Limits: experiment.Limits{Start: d(), Trigger: d(), Heal: d(), Sync: d(), Settle: d(), Quiesce: d(), Drain: d()}}
		for range rapid.IntRange(0, 3).Draw(t, "lanes") {
			e.Lanes = append(e.Lanes, experiment.Lane{Name: words().Draw(t, "name"), Queue: words().Draw(t, "queue"), Mode: modes().Draw(t, "mode"), Producers: n(), Consumers: n()})
		}
		return e
	})
}

func schedules() *rapid.Generator[experiment.Schedule] {
	return rapid.Custom(func(t *rapid.T) experiment.Schedule {
		s := experiment.Schedule{LeftOut: rapid.SliceOf(words()).Draw(t, "left out")}
		for i := range rapid.IntRange(0, 5).Draw(t, "episodes") {
			s.Episodes = append(s.Episodes, experiment.Episode{Number: i + 1, Fault: rapid.StringMatching(`[a-z-]+(:[a-z]+=[a-z]+)?`).Draw(t, "fault"), Seed: rapid.Uint64().Draw(t, "seed"),
				Calm: durations().Draw(t, "calm"), Length: durations().Draw(t, "length"), Plan: words().Draw(t, "plan"), Spared: rapid.MapOf(keys(), words()).Draw(t, "spared")})
		}
		return s
	})
}

// What a run directory holds is what was run: an audit years later rests on it.
func TestASavedExperimentAndItsScheduleComeBackWhole(t *testing.T) {
	at := results.Dir(t.TempDir())
	rapid.Check(t, func(t *rapid.T) {
		e, s := experiments().Draw(t, "experiment"), schedules().Draw(t, "schedule")
		if err := at.SaveExperiment(e); err != nil {
			t.Fatal(err)
		}
		if err := at.SaveSchedule(s); err != nil {
			t.Fatal(err)
		}
		gotE, err := at.LoadExperiment()
		if diff := cmp.Diff(e, gotE, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("experiment: %v (-saved +loaded)\n%s", err, diff)
		}
		gotS, err := at.LoadSchedule()
		if diff := cmp.Diff(s, gotS, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("schedule: %v (-saved +loaded)\n%s", err, diff)
		}
		replayed, err := experiment.ReadSchedule(filepath.Join(string(at), "schedule.yaml"))
		if diff := cmp.Diff(s, replayed, cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("as a schedule file: %v (-saved +read)\n%s", err, diff)
		}
	})
}
