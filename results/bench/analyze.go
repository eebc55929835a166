package bench

import (
	"cmp"
	"maps"
	"slices"

	"waybill/harness/semantics"
)

// Analyze says what may be concluded from the replicates of a plan. Replicates of arms that the plan does not have, and of the search for the
// saturation, are left out; so are those of blocks that the plan does not have, and those that failed. tested are verdicts of tests under faults, which marks are made
// of; ceiling may be nil. It never fails: what is missing or doubtful becomes a Warning. The same arguments give the same summary, in any order
// of the replicates.
func Analyze(p Plan, rs []Replicate, tested []Tested, ceiling *Ceiling) Summary {
	a := newAnalysis(p, rs, tested, ceiling)
	s := Summary{Plan: p, Ceiling: ceiling}
	s.Levels = a.levels()
	s.Loads = a.loads()
	s.Curves = a.curves()
	s.Smallest = a.noise()
	s.Ratios = a.ratios(s.Smallest)
	s.Warnings = a.warnings(s)
	return s
}

// analysis is what everything in a summary is derived from.
type analysis struct {
	plan    Plan
	ceiling *Ceiling
	runs    map[string]map[int]Replicate // by arm, then block: those that measured something
	failed  []Replicate
	marks   map[modeName]Mark
	tested  []Tested // of the same version
	other   []Tested // of another version than the benchmark's
}

// modeName is a mode of a target: several profiles may have one of the same name.
type modeName struct{ target, profile, mode string }

func modeOf(arm Arm) modeName { return modeName{arm.Target, arm.Profile, arm.Mode} }

func newAnalysis(p Plan, rs []Replicate, tested []Tested, ceiling *Ceiling) *analysis {
	a := &analysis{plan: p, ceiling: ceiling, runs: map[string]map[int]Replicate{}, marks: map[modeName]Mark{}}
	known := map[string]bool{}
	for _, arm := range p.Arms {
		known[arm.Name] = true
	}
	for _, r := range rs {
		if !known[r.Arm] || r.Block < 1 || r.Block > p.Blocks {
			continue
		}
		if r.Failed != "" {
			a.failed = append(a.failed, r)
			continue
		}
		if a.runs[r.Arm] == nil {
			a.runs[r.Arm] = map[int]Replicate{}
		}
		if old, again := a.runs[r.Arm][r.Block]; !again || old.Started.Before(r.Started) {
			a.runs[r.Arm][r.Block] = r
		}
	}
	for _, t := range tested {
		target, ok := a.target(t.Target)
		switch {
		case !ok:
		case t.Version == target.Version || t.Version == "":
			a.tested = append(a.tested, t)
		default:
			a.other = append(a.other, t)
		}
	}
	for _, t := range p.Targets {
		for _, m := range t.Modes {
			name := modeName{t.Name, m.Profile, m.Name}
			a.marks[name] = a.mark(name)
		}
	}
	return a
}

func (a *analysis) target(name string) (Target, bool) {
	i := slices.IndexFunc(a.plan.Targets, func(t Target) bool { return t.Name == name })
	if i < 0 {
		return Target{}, false
	}
	return a.plan.Targets[i], true
}

// mode is the mode of an arm; the zero Mode, which promises nothing, if the plan does not describe it.
func (a *analysis) mode(arm Arm) semantics.Mode {
	t, _ := a.target(arm.Target)
	if i := slices.IndexFunc(t.Modes, func(m semantics.Mode) bool { return m.Name == arm.Mode && m.Profile == arm.Profile }); i >= 0 {
		return t.Modes[i]
	}
	return semantics.Mode{Name: arm.Mode}
}

// arms are those of a phase and kind, modes in the order of their target and arms of a mode in that of the plan.
func (a *analysis) arms(phase Phase, kind Kind) (out []Arm) {
	rank := func(arm Arm) int {
		t := slices.IndexFunc(a.plan.Targets, func(t Target) bool { return t.Name == arm.Target })
		if t < 0 {
			return -1
		}
		return t<<16 | 1 + slices.IndexFunc(a.plan.Targets[t].Modes, func(m semantics.Mode) bool { return m.Name == arm.Mode && m.Profile == arm.Profile })
	}
	for _, arm := range a.plan.Arms {
		if arm.Phase == phase && arm.Kind == kind {
			out = append(out, arm)
		}
	}
	slices.SortStableFunc(out, func(x, y Arm) int { return cmp.Compare(rank(x), rank(y)) })
	return out
}

// label names the mode of an arm, with its profile where the target has one of that name in several.
func (a *analysis) label(arm Arm) string {
	t, _ := a.target(arm.Target)
	if slices.ContainsFunc(t.Modes, func(m semantics.Mode) bool { return m.Name == arm.Mode && m.Profile != arm.Profile }) {
		return arm.Mode + "@" + arm.Profile
	}
	return arm.Mode
}

func (a *analysis) arm(name string) (Arm, bool) {
	i := slices.IndexFunc(a.plan.Arms, func(x Arm) bool { return x.Name == name })
	if i < 0 {
		return Arm{}, false
	}
	return a.plan.Arms[i], true
}

// blocks are the replicates of an arm, in the order of their blocks.
func (a *analysis) blocks(arm string) (out []Replicate) {
	for _, b := range slices.Sorted(maps.Keys(a.runs[arm])) {
		out = append(out, a.runs[arm][b])
	}
	return out
}

// struck reports whether a run of an arm broke a promise.
func (a *analysis) struck(arm string) bool {
	return slices.ContainsFunc(a.blocks(arm), func(r Replicate) bool { return r.Verdict.Result == semantics.Broken })
}

// rate is the figure of a replicate that its arm is compared by: unique messages applied a second. Where nothing is applied it is messages
// acknowledged, and where nothing is acknowledged either, messages sent.
func (a *analysis) rate(arm Arm, r Replicate) float64 {
	if r.Goodput == 0 && !a.mode(arm).Traits.Confirms && (arm.PublishOnly || arm.Kind == Rival) {
		return r.Sent
	}
	return r.Goodput
}

// rates are the figures of an arm, block by block.
func (a *analysis) rates(arm Arm) (out []float64) {
	for _, r := range a.blocks(arm.Name) {
		out = append(out, a.rate(arm, r))
	}
	return out
}

// levels are the saturations of the modes.
func (a *analysis) levels() (out []Level) {
	for _, arm := range a.arms(PhaseSaturation, Audited) {
		rates := a.rates(arm)
		if len(rates) == 0 {
			continue
		}
		l := Level{Arm: arm, Runs: rates, Goodput: median(rates), Mark: a.marks[modeOf(arm)], Struck: a.struck(arm.Name), Place: placement(a.mode(arm))}
		l.Hatched = a.hatched(l.Goodput.Estimate)
		out = append(out, l)
	}
	return out
}

// hatched reports whether a rate is above half of what the harness itself can do with one core and messages one by one: the lower of its
// two ceilings.
func (a *analysis) hatched(rate float64) bool {
	return a.ceiling != nil && rate > a.ceiling.Plain.Estimate/2
}
