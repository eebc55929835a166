package nemesis

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFind(t *testing.T) {
	for _, c := range []struct {
		spec string
		args Args
		err  string
	}{
		{"kill-all", Args{}, ""},
		{"kill-leader", Args{"of": "queue"}, ""},
		{"kill-leader:of=queue", Args{"of": "queue"}, ""},
		{"kill-leader:of=consumer", Args{"of": "consumer"}, ""},
		{"kill-everyone", nil, `no fault "kill-everyone": want one of cut-clients, delay-acks`},
		{"", nil, `no fault "": want one of`},
		{"kill-all:of=queue", nil, `fault kill-all has no parameter "of": it has none`},
		{"kill-leader:whose=queue", nil, `fault kill-leader has no parameter "whose": want of=queue|consumer`},
		{"kill-leader:of=stream", nil, `kill-leader:of="stream": want one of queue, consumer`},
		{"kill-leader:of", nil, `kill-leader:of="": want one of queue, consumer`},
		{"kill-leader:of=consumer:x=1", nil, `no parameter "x"`},
	} {
		f, args, err := Find(c.spec)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: error %v, want %q", c.spec, err, c.err)
			}
			continue
		}
		if err != nil || !cmp.Equal(args, c.args) || !strings.HasPrefix(c.spec, f.Name) {
			t.Errorf("%q: fault %s, args %v, error %v; want args %v", c.spec, f.Name, args, err, c.args)
		}
	}
}

func TestTheFaultsOfDesignAreThereOnce(t *testing.T) {
	want := []string{"cut-clients", "delay-acks", "drop-acks", "drop-acks:then=cut", "drop-acks:then=nothing", "drop-commits", "drop-commits:until=giveup",
		"drop-confirms", "duplicate-requests", "hold-requests", "isolate-broker", "isolate-leader", "kill-all", "kill-broker", "kill-consumer", "kill-controller", "kill-leader",
		"kill-leader:of=consumer", "kill-producer", "lose-acks", "lose-confirms", "pause-broker", "pause-consumer",
		"power-failure", "power-failure:of=one"}
	if diff := cmp.Diff(want, All()); diff != "" {
		t.Errorf("all faults (-want +got):\n%s", diff)
	}
	if tour := Tour(); len(tour) != 6 || slices.ContainsFunc(tour, func(s string) bool { return !slices.Contains(want, s) }) {
		t.Errorf("the representative tour is %v: want six of all", tour)
	}
	defer func() {
		if recover() == nil {
			t.Error("a fault of a name that is taken does not panic")
		}
	}()
	Register(Fault{Name: "kill-all"})
}

// timings under which every fault's length must make sense.
var timings = []Timing{
	testTiming,
	{Detection: 15 * time.Second, Redelivery: 30 * time.Second, Election: 20 * time.Second, Confirm: time.Second},
	{Detection: time.Second, Redelivery: time.Second, Election: 2 * time.Second, Confirm: 20 * time.Second},
	{Detection: 8 * time.Second, Redelivery: 6 * time.Second, Election: time.Second, Confirm: 2 * time.Second},
}

func TestEveryFaultIsDescribedAndLongEnough(t *testing.T) {
	type outlasts struct{ election, redelivery, confirm bool }
	need := map[string]outlasts{
		"isolate-broker": {election: true}, "isolate-leader": {election: true}, "kill-broker": {election: true}, "kill-controller": {election: true}, "kill-leader": {election: true},
		"pause-broker": {election: true}, "kill-consumer": {redelivery: true}, "pause-consumer": {redelivery: true}, "lose-acks": {redelivery: true},
		"lose-confirms": {confirm: true}, "cut-clients": {confirm: true, redelivery: true},
		"drop-confirms": {confirm: true}, "drop-acks": {redelivery: true}, "drop-commits": {confirm: true}, "delay-acks": {confirm: true, redelivery: true},
		"hold-requests": {confirm: true}, "duplicate-requests": {},
		"kill-all": {}, "kill-producer": {}, "power-failure": {}, // what is dead at once needs nobody to notice
	}
	for _, spec := range All() {
		f, args, err := Find(spec)
		if err != nil {
			t.Fatal(err)
		}
		if f.Summary == "" || f.Plan == "" || strings.ContainsAny(f.Summary, "\n{") {
			t.Errorf("%s: summary %q, plan %q", spec, f.Summary, f.Plan)
		}
		if words := f.words(args); strings.ContainsAny(words, "{}\n") {
			t.Errorf("%s: the plan %q has a parameter left", spec, words)
		}
		for _, p := range f.Params {
			if p.Check != nil {
				if p.Meaning == "" || p.allows(p.Values[0]) != nil || p.allows("x") == nil || p.allows("") == nil {
					t.Errorf("%s: parameter %+v is not explained, or allows anything", spec, p)
				}
				continue
			}
			if len(p.Values) < 2 || p.Meaning == "" || f.words(Args{p.Name: p.Values[0]}) == f.words(Args{p.Name: p.Values[1]}) {
				t.Errorf("%s: parameter %+v is not to be chosen, explained or seen in the plan", spec, p)
			}
		}
		n, known := need[f.Name]
		if !known {
			t.Errorf("%s: say here what it has to outlast", f.Name)
		}
		for _, at := range timings {
			length := f.Length(at, args)
			if length <= 0 || n.election && length <= at.Election || n.election && length < 2*at.Detection ||
				n.redelivery && length <= at.Redelivery || n.confirm && length <= at.Confirm {
				t.Errorf("%s lasts %s under %+v: nobody would notice", spec, length, at)
			}
		}
		for range 3 {
			if _, err := f.New(rand.New(rand.NewPCG(1, 2)), newWorld().view(), args); err != nil {
				t.Errorf("%s cannot be had with three brokers: %v", spec, err)
			}
		}
	}
}

// The victims follow the seed: that is what makes a schedule repeatable.
func TestTheSameSeedStrikesTheSameVictims(t *testing.T) {
	for _, spec := range All() {
		f, args, err := Find(spec)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for seed := range uint64(60) {
			var victims [2]string
			for i := range victims {
				a, err := f.New(rand.New(rand.NewPCG(seed, 1)), newWorld().view(), args)
				if err != nil {
					t.Fatal(err)
				}
				victims[i] = a.Victims()
			}
			if victims[0] != victims[1] {
				t.Errorf("%s, seed %d: %q, then %q", spec, seed, victims[0], victims[1])
			}
			seen[victims[0]] = true
		}
		one := slices.Contains([]string{"kill-all", "kill-controller", "cut-clients", "lose-confirms", "lose-acks", "power-failure",
			"drop-confirms", "drop-acks:then=cut", "drop-acks:then=nothing", "drop-commits", "drop-commits:until=giveup", "delay-acks", "hold-requests", "duplicate-requests"}, spec)
		switch {
		case one && len(seen) != 1:
			t.Errorf("%s leaves no choice, but seeds choose among %d", spec, len(seen))
		case !one && len(seen) < 3:
			t.Errorf("60 seeds of %s struck only %v", spec, seen)
		}
	}
}
