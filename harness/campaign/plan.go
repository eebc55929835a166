package campaign

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/nemesis"
	"waybill/targets"
)

// Plan is one run, ready to be carried out.
type Plan struct {
	Experiment experiment.Experiment
	Schedule   experiment.Schedule
}

// Length is about how long the episodes take.
func (p Plan) Length() time.Duration {
	var d time.Duration
	for _, e := range p.Schedule.Episodes {
		d += nemesis.Takes(e, p.Experiment.Limits.Settle)
	}
	return d
}

// NewSeed chooses a seed that a person can type again.
func NewSeed() uint64 { return uint64(rand.Uint32N(1_000_000)) + 1 }

// Product is what resolving needs to know of a target.
func Product(d targets.Description) experiment.Product {
	p := experiment.Product{Name: d.Name, Version: d.Version, Modes: d.Modes, Settings: d.Settings, Redelivery: d.Timing.Redelivery,
		Extra: map[string][]string{}}
	for _, x := range d.Profiles {
		p.Profiles = append(p.Profiles, x.Name)
		p.Extra[x.Name] = x.Extra
	}
	for _, x := range plants(d.Name) {
		p.Plants = append(p.Plants, x.Name)
	}
	return p
}

// Resolve turns a spec into plans, one for each profile that its modes need. schedule replaces the one that the seed would give, if not nil.
func (site Site) Resolve(s experiment.Spec, schedule *experiment.Schedule) ([]Plan, error) {
	faults, refused, err := site.faults(s.Faults)
	if err != nil {
		return nil, err
	}
	exps, err := experiment.Resolve(s, Product(site.Product), newRun)
	if err != nil {
		return nil, err
	}
	var plans []Plan
	for _, e := range exps {
		if site.Access != nil {
			e.Brokers, e.Nodes = site.Access.Brokers, len(site.Access.Brokers)
			e.Version = site.Distribution.Version // as its brokers report it, and not what the target would fetch
		}
		p := Plan{Experiment: e}
		timing := run.Timing(site.Product.Timing, e.Load.Confirm)
		if schedule != nil {
			p.Schedule, err = nemesis.Replay(*schedule, e.Lanes, timing)
		} else {
			p.Schedule, err = nemesis.Plan(faults, e.Lanes, timing, e.Limits.Settle, s.Time, s.Seed)
			if len(refused) > 0 && p.Schedule.Refused == nil {
				p.Schedule.Refused = map[string]string{}
			}
			maps.Copy(p.Schedule.Refused, refused)
		}
		if err != nil {
			return nil, err
		}
		if schedule == nil {
			lengthen(&p.Schedule, s)
		}
		if _, err := nemesis.DiskModel(p.Schedule); err != nil {
			return nil, err
		}
		plans = append(plans, p)
	}
	return plans, nil
}

// faults is what was asked for, as far as it can be had here. A fault named by hand must be had.
func (site Site) faults(asked []string) ([]string, map[string]string, error) {
	all, err := Faults(asked)
	if err != nil {
		return nil, nil, err
	}
	place, err := site.place(all)
	if err != nil {
		return nil, nil, err
	}
	can, refused, err := nemesis.Available(all, place)
	if err != nil || len(refused) == 0 || len(asked) == 0 || asked[0] == "all" {
		return can, refused, err
	}
	for fault, why := range refused {
		return nil, nil, fmt.Errorf("%w: %s: %s", errRefused, fault, why)
	}
	return can, nil, nil
}

// Faults expands "all", "none" and nothing, and checks every name and parameter.
func Faults(asked []string) ([]string, error) {
	switch {
	case len(asked) == 0:
		return nemesis.Tour(), nil
	case len(asked) == 1 && asked[0] == "all":
		return nemesis.All(), nil
	case len(asked) == 1 && asked[0] == "none":
		return nil, nil
	}
	for _, f := range asked {
		if f == "all" || f == "none" {
			return nil, fmt.Errorf("campaign: faults %s: want %q alone, or faults by name", strings.Join(asked, ", "), f)
		}
		if _, _, err := nemesis.Find(f); err != nil {
			return nil, err
		}
	}
	return asked, nil
}

// newRun names a run: eight characters that end up in every token.
func newRun() string { return fmt.Sprintf("%08x", rand.Uint32()) }
