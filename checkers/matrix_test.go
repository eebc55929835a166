package checkers_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/checkers/mutate"
	"waybill/checkers/naive"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// verifying is set for the long versions of demonstrations, whose figures the README has.
var verifying = os.Getenv("WAYBILL_VERIFY") != ""

// recorded is a history to mutate.
type recorded struct {
	name       string
	events     history.Memory
	experiment experiment.Experiment
}

func (r recorded) input(events history.Memory) checkers.Input {
	return checkers.Input{Source: events, Experiment: r.experiment}
}

// specimens are generated histories of every family: small ones with one lane each, since a mutation concerns one.
func specimens(n uint64) []recorded {
	var out []recorded
	for _, o := range families() {
		modes := o.Modes
		if modes == nil {
			modes = checkertest.Modes()
		}
		for _, m := range modes {
			for seed := range n {
				o.Modes, o.Messages = []semantics.Mode{m}, 4
				o.Faults = []string{checkertest.Faults()[seed%7], "lose-confirms"}
				out = append(out, stretched(fmt.Sprintf("%s %d", m.Name, seed), checkertest.Generate(1000+seed, o)))
			}
		}
	}
	return out
}

// stretch is by how much time is made longer, so that there is room between events and what two clocks may differ by is short beside what
// a broker waits for.
const stretch = 100

func stretched(name string, h checkertest.History) recorded {
	out := recorded{name, h.Events, h.Experiment}
	for i := range out.events {
		out.events[i].Time *= stretch
	}
	for i := range out.experiment.Lanes {
		out.experiment.Lanes[i].Mode.Traits.AckWait *= stretch
	}
	return out
}

// mutation is one mutated history, repeatable.
type mutation struct {
	of      recorded
	mutator mutate.Mutator
	lane    uint32
	seed    uint64
}

func (x mutation) events() (history.Memory, bool) {
	return x.mutator.Apply(rand.New(rand.NewPCG(x.seed, 9)), x.of.events, x.lane)
}

// judge asks oracle and audit.
func (x mutation) judge(t *testing.T, events history.Memory) (want, got naive.Report) {
	t.Helper()
	want, err := naive.Audit(events, x.of.experiment)
	if err != nil {
		t.Fatal(err)
	}
	return want, told(t, x.of.input(events))
}

func TestEveryMutationThatChangesTheVerdictIsFound(t *testing.T) {
	x := trial{provokers: map[string]mutation{}}
	histories, tries := specimens(2), uint64(2)
	if verifying {
		histories, tries = specimens(7), 8
	}
	for n, h := range histories {
		for i, m := range mutate.All() {
			for try := range tries {
				x.try(t, mutation{h, m, 0, uint64(n)<<32 | uint64(i)<<16 | try})
			}
		}
	}
	x.show(t)
	for _, name := range checkers.CheckNames() {
		if !noticed(t, name, x.provokers) {
			t.Errorf("without the check %s the audit says the same: the matrix does not show what it is good for", name)
		}
	}
}

func TestEveryMutationOfARecordedRunIsFound(t *testing.T) {
	all := runs(t)
	if len(all) == 0 {
		t.Skip("no recorded run below testdata: mutations of real histories were not tested")
	}
	if all = bySize(all); !verifying {
		all = all[:min(3, len(all))]
	}
	x := trial{provokers: map[string]mutation{}}
	for i, m := range mutate.All() {
		for n, r := range all {
			lanes := len(r.experiment.Lanes)
			switch {
			case verifying:
				for lane := range lanes {
					x.try(t, mutation{r, m, uint32(lane), uint64(n)<<32 | uint64(i)<<16})
				}
			case i%len(all) == n:
				x.try(t, mutation{r, m, uint32(i / len(all) % lanes), uint64(i)})
			}
		}
	}
	x.show(t)
}

// trial is a matrix in the making.
type trial struct {
	matrix    mutate.Matrix
	before    map[string]naive.Report // by history
	provokers map[string]mutation     // anomaly → the first mutation that changed it
	failed    int
}

// try makes a mutation and compares what audit and oracle say.
func (x *trial) try(t *testing.T, mu mutation) {
	t.Helper()
	events, ok := mu.events()
	if !ok {
		return
	}
	if x.before == nil {
		x.before = map[string]naive.Report{}
	}
	was, ok := x.before[mu.of.name]
	if !ok {
		was, _ = mu.judge(t, mu.of.events)
		x.before[mu.of.name] = was
	}
	want, got := mu.judge(t, events)
	agrees, changed := x.matrix.Note(mu.mutator, was, want, got)
	for _, name := range changed {
		if _, ok := x.provokers[name]; !ok {
			x.provokers[name] = mu
		}
	}
	if agrees {
		return
	}
	if x.failed++; x.failed < 6 {
		t.Errorf("%s, lane %d, seed %d: %s %s (-naive +audit):\n%s", mu.of.name, mu.lane, mu.seed, mu.mutator.Family, mu.mutator.Name, cmp.Diff(want, got))
	}
}

// show prints the matrix.
func (x *trial) show(t *testing.T) {
	t.Helper()
	tried, changed, cells, found, wrong := x.matrix.Sums()
	var table strings.Builder
	if err := x.matrix.Markdown(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d mutations of %d histories; %d changed what is to be said, in %d cells: the audit said so in %d, and something else in %d\n\n%s",
		tried, len(x.before), changed, cells, found, wrong, table.String())
	if found != cells || wrong > 0 {
		t.Errorf("the audit missed %d changes, and was wrong in %d cells in which nothing had changed", cells-found, wrong)
	}
}

// noticed reports whether one of the mutations shows that a check is missing.
func noticed(t *testing.T, check string, provokers map[string]mutation) bool {
	t.Helper()
	defer checkers.WithoutCheck(check)()
	for _, mu := range provokers {
		events, ok := mu.events()
		if !ok {
			t.Fatal("a mutation cannot be repeated")
		}
		if want, got := mu.judge(t, events); cmp.Diff(want, got) != "" {
			return true
		}
	}
	return false
}
