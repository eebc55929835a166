package campaign

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results/bench"
)

// usualCommit is how many batches a transaction has where an arm does not say: what clients do in tests too.
const usualCommit = 4

// weakestFirst orders modes by what they promise of effects, then of the store. Those that promise the same stay in the product's order,
// which is from the cheapest on.
func weakestFirst(modes []semantics.Mode) []semantics.Mode {
	out := slices.Clone(modes)
	slices.SortStableFunc(out, func(a, b semantics.Mode) int {
		return cmp.Or(
			cmp.Compare(a.Promise(semantics.Applied).Guarantee, b.Promise(semantics.Applied).Guarantee),
			cmp.Compare(a.Promise(semantics.Stored).Guarantee, b.Promise(semantics.Stored).Guarantee))
	})
	return out
}

// confirmed is the first mode whose confirmations outlast the loss of a leader, be it dead or cut off: the one that people mean who want to be safe at the least
// cost, and whom the products' own tools are compared with. ok is false where there is none.
func confirmed(modes []semantics.Mode) (m semantics.Mode, ok bool) {
	i := slices.IndexFunc(modes, func(m semantics.Mode) bool {
		p := m.Promise(semantics.Applied)
		return m.Traits.Confirms && p.Guarantee == semantics.AtLeastOnce && p.Covers("kill-leader") && p.Covers("isolate-leader")
	})
	if i < 0 {
		return m, false
	}
	return modes[i], true
}

// unconfirmed is the first mode in which nothing is confirmed: nowhere else is a message as cheap, and so the harness as dear. A queue in a
// broker's memory, from which messages go only when they are delivered, is none: without consumers it would soon be full, and then hold its
// producers back.
func unconfirmed(modes []semantics.Mode) (m semantics.Mode, ok bool) {
	i := slices.IndexFunc(modes, func(m semantics.Mode) bool {
		return !m.Traits.Confirms && (m.Traits.Scannable || !m.Traits.Drainable)
	})
	if i < 0 {
		return m, false
	}
	return modes[i], true
}

// arming makes the arms of one target.
type arming struct {
	spec   experiment.BenchSpec
	target string
	modes  []semantics.Mode // the weakest first
	tool   string           // the product's own; "": none
	whole  bool             // its window opens as a whole
	arms   []bench.Arm
}

// label names a mode, with its profile where the benchmark has it in several.
func (a *arming) label(m semantics.Mode) string {
	for _, other := range a.modes {
		if other.Name == m.Name && other.Profile != m.Profile {
			return fmt.Sprintf("%s/%s@%s", a.target, m.Name, m.Profile)
		}
	}
	return a.target + "/" + m.Name
}

// add adds an arm of a mode. Suffixes of names begin with a space; "=" stands for the mode's own name in Of.
func (a *arming) add(m semantics.Mode, suffix string, x bench.Arm) {
	l := a.spec.Load
	x.Name = a.label(m) + suffix
	if x.Of != "" {
		x.Of = a.label(m) + x.Of[1:]
	}
	x.Target, x.Profile, x.Mode = a.target, m.Profile, m.Name
	x.Window = cmp.Or(x.Window, l.Window)
	x.Batch, x.Size, x.Producers, x.Consumers = l.Batch, l.Size, l.Producers, l.Consumers
	if m.Traits.Transactional {
		x.Commit = cmp.Or(x.Commit, usualCommit)
	}
	a.arms = append(a.arms, x)
}

// all are the arms that the spec asks for.
func (a *arming) all() []bench.Arm {
	twins := a.twins()
	for _, m := range a.modes {
		if a.spec.Has(experiment.Saturation) {
			a.add(m, "", bench.Arm{Phase: bench.PhaseSaturation, Kind: bench.Audited})
			if slices.Contains(twins, m.Name) {
				a.add(m, " again", bench.Arm{Phase: bench.PhaseSaturation, Kind: bench.Again, Of: "="})
			}
		}
		if a.spec.Has(experiment.Latency) {
			for _, s := range a.spec.Shares {
				a.add(m, fmt.Sprintf(" at %.4g%%", 100*s), bench.Arm{Phase: bench.PhaseLatency, Kind: bench.Audited, Share: s})
			}
		}
		if a.spec.Has(experiment.Windows) {
			a.windows(m)
		}
	}
	if a.spec.Has(experiment.Cost) {
		if m, ok := unconfirmed(a.modes); ok {
			a.cost(m, "")
		}
		if m, ok := confirmed(a.modes); ok {
			a.cost(m, a.tool)
		}
	}
	return a.arms
}

// twins are the modes that run along under a second name: the weakest and the confirmed one, or one of them where time is short.
func (a *arming) twins() []string {
	var names []string
	if m, ok := confirmed(a.modes); ok {
		names = append(names, m.Name)
	}
	if len(names) == 0 || !a.spec.Quick {
		names = append(names, a.modes[0].Name)
	}
	return names
}

// windows are a mode's arms that flood with another window, or commit at other intervals. Where nothing is confirmed no window is ever full.
func (a *arming) windows(m semantics.Mode) {
	for _, w := range a.spec.Windows {
		if m.Traits.Confirms {
			a.add(m, fmt.Sprintf(" window %d", w), bench.Arm{Phase: bench.PhaseWindow, Kind: bench.Audited, Window: w})
		}
	}
	if m.Traits.Transactional {
		for _, c := range a.spec.Commits {
			a.add(m, fmt.Sprintf(" commit %d", c), bench.Arm{Phase: bench.PhaseWindow, Kind: bench.Audited, Commit: c})
		}
	}
}

// cost are the arms that show what the harness itself costs: they publish as fast as the window lets them, and nobody consumes meanwhile,
// since the products' own tools do not either. All of them have the window of the tool. The harness's own take turns: what they differ by
// is less than what a machine does from one minute to the next. A tool cannot be given turns: it runs next to one more audited arm, each with
// the brokers to itself.
func (a *arming) cost(m semantics.Mode, tool string) {
	const publishing, alone = " publishing", " alone"
	add := func(suffix string, k bench.Kind) {
		x := bench.Arm{Phase: bench.PhaseCost, Kind: k, PublishOnly: true, Whole: a.whole && tool != ""}
		switch k {
		case bench.Audited:
			x.Turns = a.label(m) + publishing
		case bench.Rival:
			x.Of = "=" + publishing + alone
		default:
			x.Of, x.Turns = "="+publishing, a.label(m)+publishing
		}
		a.add(m, publishing+suffix, x)
	}
	add("", bench.Audited)
	add(" again", bench.Again)
	add(" unaudited", bench.Unaudited)
	add(" bare", bench.Bare)
	if tool != "" {
		a.add(m, publishing+alone, bench.Arm{Phase: bench.PhaseCost, Kind: bench.Audited, PublishOnly: true, Whole: a.whole})
		add(" by "+tool, bench.Rival)
	}
}

// shuffled is the order of every block: targets one after another as they are listed, the arms of each shuffled, with those together that
// take turns, and a tool beside what it is held against. Where the labs of a target's profiles cannot be up at once, apart says so, and the arms of each profile stay together.
func shuffled(p bench.Plan, apart map[string]bool) [][]string {
	groups := grouped(p.Arms, func(a bench.Arm) string {
		if apart[a.Target] {
			return a.Target + "@" + a.Profile
		}
		return a.Target
	})
	var order [][]string
	for b := range p.Blocks {
		rng := rand.New(rand.NewPCG(p.Seed, uint64(b)+1))
		var names []string
		for _, g := range groups {
			units := grouped(g, func(a bench.Arm) string { return cmp.Or(a.Turns, beside(a), a.Name+"\x00") })
			for _, i := range rng.Perm(len(units)) {
				for _, j := range rng.Perm(len(units[i])) {
					names = append(names, units[i][j].Name)
				}
			}
		}
		order = append(order, names)
	}
	return order
}

// beside is the same for a tool and for what it is held against: one runs right after the other.
func beside(a bench.Arm) string {
	if a.Phase != bench.PhaseCost || a.Turns != "" {
		return ""
	}
	return fmt.Sprintf("%s/%s@%s by itself", a.Target, a.Mode, a.Profile)
}

// grouped are arms by what by says of them, in the order in which each group's first one comes.
func grouped(arms []bench.Arm, by func(bench.Arm) string) (groups [][]bench.Arm) {
	at := map[string]int{}
	for _, a := range arms {
		i, known := at[by(a)]
		if !known {
			i = len(groups)
			at[by(a)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], a)
	}
	return groups
}
