package campaign

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results/bench"
)

// benchOf is a benchmark of nats, ready to be planned.
func benchOf(t testing.TB, s experiment.BenchSpec) *Bench {
	t.Helper()
	b, err := NewBench(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func names(arms []bench.Arm) (out []string) {
	for _, a := range arms {
		out = append(out, a.Name)
	}
	return out
}

func TestEveryPhaseHasItsArms(t *testing.T) {
	for _, c := range []struct {
		claim string
		spec  experiment.BenchSpec
		want  string
	}{
		{"saturation, the weakest and the confirmed mode under two names", experiment.BenchSpec{Phases: []string{"saturation"}},
			"nats/core,nats/core again,nats/jetstream,nats/jetstream again,nats/jetstream-dedup,nats/jetstream-ledger"},
		{"where time is short, the confirmed one alone", experiment.BenchSpec{Phases: []string{"saturation"}, Quick: true, Modes: []string{"jetstream", "core"}},
			"nats/core,nats/jetstream,nats/jetstream again"},
		{"without a confirmed mode, the weakest", experiment.BenchSpec{Phases: []string{"saturation"}, Quick: true, Modes: []string{"core"}}, "nats/core,nats/core again"},
		{"latency at each share", experiment.BenchSpec{Phases: []string{"latency"}, Modes: []string{"core"}, Shares: []float64{0.125, 0.5}}, "nats/core at 12.5%,nats/core at 50%"},
		{"windows", experiment.BenchSpec{Phases: []string{"window"}, Modes: []string{"core", "jetstream"}, Windows: []int{4, 64}}, "nats/jetstream window 4,nats/jetstream window 64"},
		{"cost of the harness where a message is cheapest, and where it is confirmed", experiment.BenchSpec{Phases: []string{"cost"}},
			"nats/core publishing,nats/core publishing again,nats/core publishing unaudited,nats/core publishing bare," +
				"nats/jetstream publishing,nats/jetstream publishing again,nats/jetstream publishing unaudited,nats/jetstream publishing bare"},
		{"the ceiling", experiment.BenchSpec{Phases: []string{"ceiling", "saturation"}, Modes: []string{"core"}}, "null/plain ceiling,null/batched ceiling,nats/core,nats/core again"},
		{"no broker", experiment.BenchSpec{Targets: []string{"null"}, Phases: []string{"saturation", "latency"}, Shares: []float64{0.5}, Plant: experiment.NullPlant{Slow: 0.1}},
			"null/plain,null/plain again,null/slowed,null/plain at 50%"},
	} {
		b := benchOf(t, c.spec)
		if got := strings.Join(names(b.Plan.Arms), ","); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.claim, got, c.want)
		}
		for _, a := range b.Plan.Arms {
			twin := a.Kind != bench.Audited
			if of := slices.Index(names(b.Plan.Arms), a.Of); twin != (of >= 0) {
				t.Errorf("%s: %s (%s) is compared with %q", c.claim, a.Name, a.Kind, a.Of)
			}
			if a.PublishOnly != (a.Phase == bench.PhaseCost) || a.Window < 1 || a.Batch < 1 || a.Size < 1 || a.Producers < 1 {
				t.Errorf("%s: %+v", c.claim, a)
			}
		}
	}
}

func TestArmsOfATransactionalModeCommit(t *testing.T) {
	m := semantics.Mode{Name: "transactional", Traits: semantics.Traits{Confirms: true, Transactional: true}}
	s, err := experiment.BenchSpec{Phases: []string{"saturation", "window"}, Windows: []int{16}, Commits: []int{1, 64}}.Complete()
	if err != nil {
		t.Fatal(err)
	}
	a := arming{spec: s, target: "kafka", modes: []semantics.Mode{m}}
	got := map[string]int{}
	for _, x := range a.all() {
		got[x.Name] = x.Commit
	}
	want := map[string]int{"kafka/transactional": 4, "kafka/transactional again": 4, "kafka/transactional window 16": 4, "kafka/transactional commit 1": 1, "kafka/transactional commit 64": 64}
	if !cmp.Equal(got, want) {
		t.Error(cmp.Diff(want, got))
	}
}

func TestTheToolIsComparedWithTheConfirmedMode(t *testing.T) {
	b := benchOf(t, experiment.BenchSpec{Phases: []string{"cost"}})
	a := arming{spec: b.Spec, target: "nats", modes: b.products[0].modes, tool: "nats bench"}
	arms := a.all()
	for _, x := range arms {
		if x.Whole {
			t.Errorf("%s: its window opens as a whole, and the tool's does not", x.Name)
		}
	}
	last := arms[len(arms)-1]
	if last.Kind != bench.Rival || last.Name != "nats/jetstream publishing by nats bench" || last.Of != "nats/jetstream publishing alone" {
		t.Errorf("%+v", last)
	}
	for _, order := range shuffled(bench.Plan{Arms: arms, Blocks: 10}, nil) {
		alone, tool := slices.Index(order, last.Of), slices.Index(order, last.Name)
		if alone-tool != 1 && tool-alone != 1 {
			t.Errorf("the tool does not run beside what it is compared with: %q", order)
		}
	}
	for _, x := range arms {
		if x.Turns != "" && (x.Name == last.Of || x.Kind == bench.Rival) {
			t.Errorf("%s takes turns, and the tool cannot", x.Name)
		}
	}
	a = arming{spec: b.Spec, target: "nats", modes: b.products[0].modes, tool: "nats bench", whole: true}
	for _, x := range a.all() {
		if x.Whole != (x.Mode == "jetstream") {
			t.Errorf("%s: its window opens as a whole: %t; want that of all beside the tool, whose does", x.Name, x.Whole)
		}
	}
}

func TestModesOfSeveralProfilesAreToldApart(t *testing.T) {
	a := arming{target: "rabbitmq", modes: []semantics.Mode{{Name: "quorum", Profile: "a"}, {Name: "quorum", Profile: "b"}, {Name: "auto-ack", Profile: "a"}}}
	var got []string
	for _, m := range a.modes {
		got = append(got, a.label(m))
	}
	if want := []string{"rabbitmq/quorum@a", "rabbitmq/quorum@b", "rabbitmq/auto-ack"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestTheWeakestGuaranteeIsFirst(t *testing.T) {
	mode := func(name string, applied, stored semantics.Guarantee) semantics.Mode {
		return semantics.Mode{Name: name, Promises: []semantics.Promise{{Stage: semantics.Applied, Guarantee: applied}, {Stage: semantics.Stored, Guarantee: stored}}}
	}
	in := []semantics.Mode{mode("transactional", semantics.ExactlyOnce, semantics.ExactlyOnce), mode("idempotent", semantics.AtLeastOnce, semantics.ExactlyOnce),
		mode("acks-1", semantics.AtLeastOnce, semantics.AtLeastOnce), mode("acks-all", semantics.AtLeastOnce, semantics.AtLeastOnce), mode("acks-0", semantics.AtMostOnce, semantics.AtMostOnce)}
	var got []string
	for _, m := range weakestFirst(in) {
		got = append(got, m.Name)
	}
	if want := []string{"acks-0", "acks-1", "acks-all", "idempotent", "transactional"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if in[0].Name != "transactional" {
		t.Error("the product's own list was sorted")
	}
	in[2].Promises[0].Faults = []string{"kill-consumer", "kill-leader"} // not where a leader is cut off
	for i := range in {
		in[i].Traits.Confirms = in[i].Name != "acks-0"
	}
	if m, ok := confirmed(in[2:]); !ok || m.Name != "acks-all" {
		t.Errorf("%s is the confirmed mode", m.Name)
	}
	if m, ok := unconfirmed(in); !ok || m.Name != "acks-0" {
		t.Errorf("%s is the unconfirmed mode", m.Name)
	}
	in[4].Traits.Drainable = true
	if m, ok := unconfirmed(in); ok {
		t.Errorf("%s is flooded while nobody consumes, and its queue is in memory", m.Name)
	}
	if _, ok := confirmed(in[4:]); ok {
		t.Error("a mode without confirmations is the confirmed one")
	}
}

func TestEveryBlockHoldsEveryArmOnceInAnOrderOfItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := bench.Plan{Seed: rapid.Uint64().Draw(t, "seed"), Blocks: rapid.IntRange(1, 6).Draw(t, "blocks")}
		apart := map[string]bool{"b": rapid.Bool().Draw(t, "apart")}
		for _, target := range []string{"a", "b"} {
			for i := range rapid.IntRange(1, 9).Draw(t, "arms of "+target) {
				p.Arms = append(p.Arms, bench.Arm{Name: target + string(rune('0'+i)), Target: target, Profile: rapid.SampledFrom([]string{"x", "y"}).Draw(t, "profile")})
			}
		}
		order := shuffled(p, apart)
		if !cmp.Equal(order, shuffled(p, apart)) {
			t.Fatal("the same seed gives another order")
		}
		if len(order) != p.Blocks {
			t.Fatalf("%d blocks, want %d", len(order), p.Blocks)
		}
		of := map[string]bench.Arm{}
		for _, a := range p.Arms {
			of[a.Name] = a
		}
		for _, block := range order {
			if got, want := slices.Sorted(slices.Values(block)), slices.Sorted(slices.Values(names(p.Arms))); !slices.Equal(got, want) {
				t.Fatalf("a block holds %q, want each of %q once", got, want)
			}
			changes := 0
			for i := 1; i < len(block); i++ {
				x, y := of[block[i-1]], of[block[i]]
				if x.Target > y.Target {
					t.Fatalf("%q: targets are not one after another", block)
				}
				if x.Target == "b" && y.Target == "b" && x.Profile != y.Profile {
					changes++
				}
			}
			if apart["b"] && changes > 1 {
				t.Fatalf("%q: the profiles of b are mixed", block)
			}
		}
	})
	p := bench.Plan{Seed: 1, Blocks: 20}
	for i := range 8 {
		p.Arms = append(p.Arms, bench.Arm{Name: string(rune('a' + i))})
	}
	seen := map[string]bool{}
	for _, seed := range []uint64{1, 2} {
		p.Seed = seed
		for _, block := range shuffled(p, nil) {
			seen[strings.Join(block, "")] = true
		}
	}
	if len(seen) < 38 { // two of 40 shuffles of eight are the same once in fifty times
		t.Errorf("of 40 blocks only %d are in different orders", len(seen))
	}
}

func TestTheExpectedLengthGrowsWithTheBlocks(t *testing.T) {
	total := func(s experiment.BenchSpec) (d time.Duration, arms int) {
		for _, x := range benchOf(t, s).Lengths() {
			d, arms = d+x.Takes, arms+x.Arms
		}
		return d, arms
	}
	few, arms := total(experiment.BenchSpec{Blocks: 2})
	many, same := total(experiment.BenchSpec{Blocks: 20})
	if arms != same || arms != len(benchOf(t, experiment.BenchSpec{}).Plan.Arms) {
		t.Errorf("%d and %d arms", arms, same)
	}
	if many < 5*few || many > 10*few {
		t.Errorf("2 blocks take %s, 20 take %s", few, many)
	}
}

func TestASpecThatNoTargetCanServeIsRefusedBeforeAnythingIsFetched(t *testing.T) {
	for _, c := range []struct {
		claim string
		spec  experiment.BenchSpec
		err   string
	}{
		{"no such target", experiment.BenchSpec{Targets: []string{"nots"}}, `no target "nots"`},
		{"no such mode", experiment.BenchSpec{Modes: []string{"jetsteam"}}, `no mode "jetsteam"`},
		{"one mode that is there, one that is not", experiment.BenchSpec{Modes: []string{"core", "jetsteam"}}, `none of nats has a mode "jetsteam"`},
		{"a version that cannot be run", experiment.BenchSpec{Version: "1.0"}, "not supported"},
		{"nothing to measure", experiment.BenchSpec{Phases: []string{"cost"}, Targets: []string{"null"}}, "nothing to measure"},
		{"what Complete finds", experiment.BenchSpec{Blocks: -1}, "blocks is -1"},
	} {
		if _, err := NewBench(c.spec); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", c.claim, err, c.err)
		}
	}
}
