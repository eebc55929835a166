package linear_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"

	"waybill/checkers/linear"
	"waybill/checkers/linear/window"
)

// histories is how many of each object are checked both ways. WAYBILL_HISTORIES asks for another number in all.
const histories = 5_000

// object is what a history may be of.
type object struct {
	name     string
	make     func(*rand.Rand, shape) []linear.Operation
	check    func([]linear.Operation) (linear.Verdict, error)
	model    porcupine.Model
	patterns []linear.Pattern // all that its check knows
}

func objects() []object {
	return []object{
		{"queue", queueHistory, linear.CheckQueue, window.QueueModel(),
			[]linear.Pattern{linear.Fresh, linear.Early, linear.Repeated, linear.Order, linear.NeverEmpty}},
		{"log", logHistory, linear.CheckLog, window.LogModel(),
			[]linear.Pattern{linear.Fresh, linear.Early, linear.SharedPosition, linear.Moved, linear.Order}},
	}
}

// tally is what came of many histories.
type tally struct {
	valid, invalid, pending int
	with, alone             map[linear.Pattern]int // a pattern was found; and no other one
	disagree                []string
}

func newTally() tally {
	return tally{with: map[linear.Pattern]int{}, alone: map[linear.Pattern]int{}}
}

func (t *tally) take(o object, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, 6))
	ops := o.make(rng, randomShape(rng))
	mutated := seed%4 != 0
	if mutated {
		ops = mutate(rng, ops)
	}
	v, err := o.check(ops)
	if err != nil {
		t.disagree = append(t.disagree, fmt.Sprintf("seed %d: %v", seed, err))
		return
	}
	want := porcupine.CheckOperations(o.model, window.Operations(ops))
	if v.Linearizable() != want || !mutated && !want {
		t.disagree = append(t.disagree, fmt.Sprintf("%s, seed %d: porcupine says %v, the fast check %v:\n%s", o.name, seed, want, v, listing(ops)))
	}
	if slices.ContainsFunc(ops, func(o linear.Operation) bool { return o.Return == linear.Pending }) {
		t.pending++
	}
	if v.Linearizable() {
		t.valid++
		return
	}
	t.invalid++
	for _, x := range v {
		t.with[x.Pattern]++
	}
	if len(v) == 1 {
		t.alone[v[0].Pattern]++
	}
}

func (t *tally) join(o tally) {
	t.valid, t.invalid, t.pending = t.valid+o.valid, t.invalid+o.invalid, t.pending+o.pending
	for p, n := range o.with {
		t.with[p] += n
	}
	for p, n := range o.alone {
		t.alone[p] += n
	}
	t.disagree = append(t.disagree, o.disagree...)
}

func listing(ops []linear.Operation) string {
	var b strings.Builder
	for i, o := range ops {
		fmt.Fprintf(&b, "%3d %-13v value %d position %d [%d, %d]\n", i, o.Kind, o.Value, o.Position, o.Call, o.Return)
	}
	return b.String()
}

func TestTheFastCheckAndPorcupineAgree(t *testing.T) {
	n := histories
	if s := os.Getenv("WAYBILL_HISTORIES"); s != "" {
		all, err := strconv.Atoi(s)
		if err != nil || all < 2*histories {
			t.Fatalf("WAYBILL_HISTORIES=%q: want a number of at least %d", s, 2*histories)
		}
		n = all / 2
	}
	for _, o := range objects() {
		t.Run(o.name, func(t *testing.T) {
			workers := runtime.GOMAXPROCS(0)
			var mu sync.Mutex
			var wait sync.WaitGroup
			all := newTally()
			for w := range workers {
				wait.Go(func() {
					mine := newTally()
					for seed := w; seed < n; seed += workers {
						mine.take(o, uint64(seed))
					}
					mu.Lock()
					defer mu.Unlock()
					all.join(mine)
				})
			}
			wait.Wait()
			t.Logf("%s: %d histories, %d with pending operations; %d linearizable, %d not; disagreements %d",
				o.name, n, all.pending, all.valid, all.invalid, len(all.disagree))
			for _, p := range slices.Sorted(maps.Keys(all.with)) {
				t.Logf("  %-16s in %d, alone in %d", p, all.with[p], all.alone[p])
			}
			for i, d := range all.disagree {
				if i < 3 {
					t.Error(d)
				}
			}
			if len(all.disagree) > 0 {
				t.Errorf("%d disagreements in %d histories", len(all.disagree), n)
			}
			for _, p := range o.patterns {
				if all.with[p] == 0 || all.alone[p] == 0 {
					t.Errorf("%q is in %d of the histories, alone in %d: the sample shows nothing of it", p, all.with[p], all.alone[p])
				}
			}
			if all.valid < n/4 || all.invalid < n/20 {
				t.Errorf("%d histories are linearizable and %d are not: the sample leans", all.valid, all.invalid)
			}
		})
	}
}
