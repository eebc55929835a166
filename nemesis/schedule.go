package nemesis

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
)

// calm is the load before each strike, undisturbed.
const calm = 2 * time.Second

// overhead is what an episode takes besides calm, fault and settling: recovery, its verification, and the checkpoint. An estimate, for the plan.
const overhead = 8 * time.Second

// Tour is the representative tour; All every fault, once for each value of a parameter that makes it another one.
func Tour() []string { return specs(func(f Fault) bool { return f.Tour }, false) }
func All() []string  { return specs(func(Fault) bool { return true }, true) }

func specs(want func(Fault) bool, everyValue bool) []string {
	var out []string
	for _, n := range Names() {
		f := registered[n]
		if !want(f) {
			continue
		}
		out = append(out, n)
		for _, p := range f.Params {
			for _, v := range p.Values[1:] {
				if everyValue && p.Tour {
					out = append(out, n+":"+p.Name+"="+v)
				}
			}
		}
	}
	return out
}

// Plan makes the schedule of the faults for the lanes, in an order that follows the seed within three bounds: what no lane's promise
// leaves out comes first, then what the fewer lanes leave out, since a lane is tainted after a fault outside its promise and nothing can be
// said of it any more; and among equals, faults that heal slowly come last. Those that do not fit within limit (0: no limit) are left out
// and named; so are those that can touch no lane. The same arguments give the same schedule.
func Plan(faults []string, lanes []experiment.Lane, t Timing, settle, limit time.Duration, seed uint64) (experiment.Schedule, error) {
	rng := rand.New(rand.NewPCG(seed, 0x7761796269_6c6c))
	order := append([]string(nil), faults...)
	sort.Strings(order) // the order in which they were named must not matter
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	ranks := map[string]int{}
	for _, spec := range order {
		f, _, err := Find(spec)
		if err != nil {
			return experiment.Schedule{}, err
		}
		ranks[spec] = 2 * outside(f, spec, lanes)
		if f.Last {
			ranks[spec]++
		}
	}
	slices.SortStableFunc(order, func(a, b string) int { return ranks[a] - ranks[b] })
	var s experiment.Schedule
	var total, shortest time.Duration
	for _, spec := range order {
		f, args, err := Find(spec)
		if err != nil {
			return s, err
		}
		if why := idle(f, lanes); why != "" {
			if s.Refused == nil {
				s.Refused = map[string]string{}
			}
			s.Refused[spec] = why
			continue
		}
		e := experiment.Episode{Fault: spec, Seed: rng.Uint64(), Calm: calm, Length: f.Length(t, args), Plan: f.words(args), Spared: spared(f, lanes)}
		length := Takes(e, settle)
		if shortest == 0 || length < shortest {
			shortest = length
		}
		if limit > 0 && total+length > limit {
			s.LeftOut = append(s.LeftOut, spec)
			continue
		}
		total += length
		e.Number = len(s.Episodes) + 1
		s.Episodes = append(s.Episodes, e)
	}
	if len(s.Refused) == len(faults) && len(faults) > 0 {
		return s, fmt.Errorf("nemesis: %s: %s", faults[0], s.Refused[faults[0]])
	}
	if len(s.Episodes) == 0 && len(faults) > 0 {
		return s, fmt.Errorf("nemesis: none of %s fits within %s: the shortest episode takes about %s", strings.Join(faults, ", "), limit, shortest)
	}
	return s, nil
}

// idle says why a fault can touch none of the lanes: then there is nothing to see, and time to save. "" if it can.
func idle(f Fault, lanes []experiment.Lane) string {
	why := map[string]bool{}
	for _, l := range lanes {
		if !sparesAll(f.Spares, l.Mode) {
			return ""
		}
		why[f.Spares(l.Mode, semantics.Applied)] = true
	}
	if len(lanes) == 0 {
		return ""
	}
	return "it touches none of these modes: " + strings.Join(slices.Sorted(maps.Keys(why)), "; ")
}

// outside is how many lanes promise something that the fault can touch and is outside of.
func outside(f Fault, spec string, lanes []experiment.Lane) (n int) {
	for _, l := range lanes {
		if slices.ContainsFunc(l.Mode.Promises, func(p semantics.Promise) bool {
			return p.Guarantee != semantics.None && !p.Covers(f.Name) && !p.Covers(spec) && f.Spares(l.Mode, p.Stage) == ""
		}) {
			n++
		}
	}
	return n
}

// Replay takes over a schedule that was written down: what it leaves out is filled in, and what is spared follows the lanes of this run.
func Replay(s experiment.Schedule, lanes []experiment.Lane, t Timing) (experiment.Schedule, error) {
	s.Episodes = append([]experiment.Episode(nil), s.Episodes...)
	for i := range s.Episodes {
		e := &s.Episodes[i]
		f, args, err := Find(e.Fault)
		if err != nil {
			return s, fmt.Errorf("episode %d of the schedule: %w", i+1, err)
		}
		if e.Calm == 0 {
			e.Calm = calm
		}
		if e.Length == 0 {
			e.Length = f.Length(t, args)
		}
		e.Plan, e.Spared = f.words(args), spared(f, lanes)
	}
	return s, nil
}

// spared names what the fault cannot touch, and why.
func spared(f Fault, lanes []experiment.Lane) map[string]string {
	out := map[string]string{}
	for _, l := range lanes {
		for _, stage := range []semantics.Stage{semantics.Stored, semantics.Delivered, semantics.Applied} {
			if why := f.Spares(l.Mode, stage); why != "" {
				out[experiment.SparedKey(l.Name, stage)] = why
			}
		}
	}
	return out
}

// Lasts is about how long the harm of an episode lasts, from its first strike to recovery from its last.
func Lasts(e experiment.Episode) time.Duration {
	if f, args, err := Find(e.Fault); err == nil && f.Again != nil {
		return e.Length + f.Again(args)
	}
	return e.Length
}

// Takes is about how long an episode takes, checkpoint included.
func Takes(e experiment.Episode, settle time.Duration) time.Duration {
	return e.Calm + Lasts(e) + settle + overhead
}
