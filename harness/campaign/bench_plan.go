package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/results/bench"
	"waybill/targets"
)

// Bench is a benchmark, ready to be carried out once it is provisioned.
type Bench struct {
	Spec experiment.BenchSpec
	Plan bench.Plan

	products []*product
	open     opening // how laboratories are had: openLab, but in tests
}

// product is one target of a benchmark.
type product struct {
	target       targets.Target // nil: the null target
	description  targets.Description
	known        experiment.Product
	distribution targets.Distribution
	modes        []semantics.Mode // the weakest guarantee first
	tool         *targets.Tool    // nil: none, or none wanted
	apart        bool             // its profiles' labs are up one after another
}

// NewBench finds the targets of a spec and everything that is wrong with it, before anything is fetched.
func NewBench(s experiment.BenchSpec) (*Bench, error) {
	s, err := s.Complete()
	if err != nil {
		return nil, err
	}
	if s.Seed == 0 {
		s.Seed = NewSeed()
	}
	b := &Bench{Spec: s, open: openLab}
	for _, name := range s.Targets {
		p := &product{}
		if name != experiment.Null {
			if p.target, err = find(name); err != nil {
				return nil, err
			}
			if err := CheckVersion(p.target, s.Version); err != nil {
				return nil, err
			}
		}
		if err := p.describe(s, s.Version); err != nil {
			return nil, err
		}
		b.products = append(b.products, p)
	}
	for _, m := range s.Modes {
		if !slices.ContainsFunc(b.products, func(p *product) bool {
			return slices.ContainsFunc(p.modes, func(x semantics.Mode) bool { return x.Name == m })
		}) {
			return nil, fmt.Errorf("campaign: none of %s has a mode %q: see waybill list modes", strings.Join(s.Targets, ", "), m)
		}
	}
	b.plan()
	if len(b.Plan.Arms) == 0 {
		return nil, fmt.Errorf("campaign: with phases %s there is nothing to measure: want %s among them", strings.Join(s.Phases, ", "), experiment.Saturation)
	}
	return b, nil
}

// describe takes over what a target says of itself in a version.
func (p *product) describe(s experiment.BenchSpec, version string) (err error) {
	if p.target == nil {
		p.description = nullDescription(s)
	} else {
		p.description = p.target.Describe(version)
	}
	p.known = Product(p.description)
	modes, err := s.ModesOf(p.known)
	p.modes = weakestFirst(modes)
	return err
}

// Provision fetches what the targets and their own tools need, telling log as it goes. A tool that cannot be had is left out, and said to be.
// Errors are those of Fetch.
func (b *Bench) Provision(ctx context.Context, log func(format string, args ...any)) (err error) {
	for _, p := range b.products {
		if p.target == nil {
			continue
		}
		name := p.description.Name
		if p.distribution, err = Fetch(ctx, name, b.Spec.Version, b.Spec.Dist, log); err != nil {
			return err
		}
		if err := p.describe(b.Spec, p.distribution.Version); err != nil {
			return err
		}
		if _, ok := p.target.(targets.Rival); !ok || b.Spec.NoRival || !b.Spec.Has(experiment.Cost) {
			continue
		}
		tool, err := FetchTool(ctx, name, p.distribution.Version, b.Spec.Dist, log)
		switch {
		case ctx.Err() != nil:
			return err
		case err != nil:
			b.note("%s is not compared with its own tool, which cannot be had here: %v", p.description.Title, err)
		default:
			p.tool = &tool
		}
	}
	b.plan()
	return nil
}

// note adds what a reader must know of how the benchmark was made.
func (b *Bench) note(format string, args ...any) {
	b.Plan.Notes = append(b.Plan.Notes, fmt.Sprintf(format, args...))
}

// plan makes the plan of what is known so far. Notes stay.
func (b *Bench) plan() {
	s := b.Spec
	b.Plan = bench.Plan{Schema: bench.Schema, Seed: s.Seed, Blocks: s.Blocks, Quick: s.Quick, Measure: s.Measure, Warm: s.Warm, Notes: b.Plan.Notes}
	if s.Has(experiment.Ceiling) {
		b.Plan.Arms = append(b.Plan.Arms, ceilingArms(s)...)
	}
	apart := map[string]bool{}
	for _, p := range b.products {
		d := p.description
		t := bench.Target{Name: d.Name, Title: d.Title, Version: d.Version, Nodes: experiment.DefaultSpec().Nodes, Modes: p.modes}
		if p.target == nil {
			t.Nodes = 0
			b.Plan.Arms = append(b.Plan.Arms, nullArms(s)...)
			b.Plan.Targets = append(b.Plan.Targets, t)
			continue
		}
		a := arming{spec: s, target: d.Name, modes: p.modes}
		if p.tool != nil {
			t.Tool, a.tool = p.tool.Name+" "+p.tool.Version, p.tool.Name
			a.whole = p.tool.Whole
		}
		b.Plan.Arms = append(b.Plan.Arms, a.all()...)
		b.Plan.Targets = append(b.Plan.Targets, t)
		apart[d.Name] = p.apart
	}
	b.Plan.Order = shuffled(b.Plan, apart)
}

// profiles are those of a target that the benchmark needs, in the product's order.
func (p *product) profiles() (names []string) {
	for _, x := range p.description.Profiles {
		if slices.ContainsFunc(p.modes, func(m semantics.Mode) bool { return m.Profile == x.Name }) {
			names = append(names, x.Name)
		}
	}
	return names
}

// arm finds an arm by its name.
func (b *Bench) arm(name string) bench.Arm {
	return b.Plan.Arms[slices.IndexFunc(b.Plan.Arms, func(a bench.Arm) bool { return a.Name == name })]
}

// mode finds the mode of an arm.
func (p *product) mode(a bench.Arm) semantics.Mode {
	return p.modes[slices.IndexFunc(p.modes, func(m semantics.Mode) bool { return m.Name == a.Mode && m.Profile == a.Profile })]
}

// What a replicate takes besides its measurement, about: to make its queue and clients, to warm up, to drain, to be audited.
const (
	aroundReplicate = 7 * time.Second
	aroundTurns     = 12 * time.Second // a quarter of what four take together that take turns
	aroundNull      = 3 * time.Second
	startOfLab      = 15 * time.Second
	lengthOfSearch  = 15 * time.Second
)

// Expected is how long something is expected to take.
type Expected struct {
	What  string
	Arms  int // 0: not made of arms
	Takes time.Duration
}

// Lengths says, for each phase that the plan has, how many arms it has and about how long it takes, after what comes before the blocks.
func (b *Bench) Lengths() (out []Expected) {
	first := Expected{What: "brokers and search"}
	for _, p := range b.products {
		if p.target != nil {
			first.Takes += time.Duration(len(p.profiles()))*startOfLab + time.Duration(len(p.modes))*lengthOfSearch
		}
	}
	if first.Takes > 0 {
		out = append(out, first)
	}
	for _, ph := range []bench.Phase{bench.PhaseSaturation, bench.PhaseLatency, bench.PhaseWindow, bench.PhaseCost, bench.PhaseCeiling} {
		x := Expected{What: string(ph)}
		for _, a := range b.Plan.Arms {
			if a.Phase == ph {
				x.Arms++
				x.Takes += time.Duration(b.Plan.Blocks) * b.each(a)
			}
		}
		if x.Arms > 0 {
			out = append(out, x)
		}
	}
	return out
}

// each is about how long one replicate of an arm takes.
func (b *Bench) each(a bench.Arm) time.Duration {
	if a.Target == experiment.Null {
		return aroundNull + min(b.Plan.Warm, nullWarm) + min(b.Plan.Measure, nullMeasure)
	}
	if a.Turns != "" {
		return aroundTurns + b.Plan.Measure
	}
	return aroundReplicate + b.Plan.Measure
}
