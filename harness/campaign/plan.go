package campaign

import (
	"fmt"
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
	return experiment.Product{Name: d.Name, Version: d.Version, Modes: d.Modes, Settings: d.Settings, Redelivery: d.Timing.Redelivery}
}

// Resolve turns a spec into plans, one for each profile that its modes need. schedule replaces the one that the seed would give, if not nil.
func Resolve(s experiment.Spec, schedule *experiment.Schedule) ([]Plan, targets.Target, error) {
	t, ok := targets.Find(s.Target)
	if !ok {
		return nil, nil, fmt.Errorf("campaign: no target %q: want one of %s", s.Target, strings.Join(targets.Names(), ", "))
	}
	d := t.Describe()
	faults, err := Faults(s.Faults)
	if err != nil {
		return nil, nil, err
	}
	exps, err := experiment.Resolve(s, Product(d), newRun)
	if err != nil {
		return nil, nil, err
	}
	var plans []Plan
	for _, e := range exps {
		p := Plan{Experiment: e}
		timing := run.Timing(d.Timing, e.Load.Confirm)
		if schedule != nil {
			p.Schedule, err = nemesis.Replay(*schedule, e.Lanes, timing)
		} else {
			p.Schedule, err = nemesis.Plan(faults, e.Lanes, timing, e.Limits.Settle, s.Time, s.Seed)
		}
		if err != nil {
			return nil, nil, err
		}
		plans = append(plans, p)
	}
	return plans, t, nil
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
		if _, _, err := nemesis.Find(f); err != nil {
			return nil, err
		}
	}
	return asked, nil
}

// newRun names a run: eight characters that end up in every token.
func newRun() string { return fmt.Sprintf("%08x", rand.Uint32()) }
