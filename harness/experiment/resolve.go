package experiment

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"waybill/harness/semantics"
)

// Product is what must be known of a target to resolve a Spec for it.
type Product struct {
	Name       string
	Version    string
	Profiles   []string         // the first that has a mode is that mode's default
	Modes      []semantics.Mode // a mode of several profiles is listed once for each
	Settings   map[string]string
	Redelivery time.Duration       // of a delivery that is never acknowledged
	Extra      map[string][]string // by profile: hosts beside the brokers
	Plants     []string            // bugs that its brokers can be started with: of no product
}

// confirm is how long a producer waits before it calls an attempt unknown.
const confirm = 2 * time.Second

// Resolve turns what was asked for into one Experiment for each profile that the modes need. run makes a name for each.
func Resolve(s Spec, p Product, run func() string) ([]Experiment, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	if err := checkPlants(s.Plant, p); err != nil {
		return nil, err
	}
	ledger, err := withoutPassword(s.Ledger)
	if err != nil {
		return nil, err
	}
	modes, err := choose(s, p)
	if err != nil {
		return nil, err
	}
	var out []Experiment
	for _, profile := range p.Profiles {
		e := Experiment{Run: run(), Target: p.Name, Profile: profile, Version: p.Version, Seed: s.Seed, Nodes: s.Nodes, Extra: p.Extra[profile],
			Settings: p.Settings, FastHeal: s.FastHeal, Proxy: s.Proxy, Ledger: ledger}
		if s.Cluster == External {
			e.Cluster, e.Brokers, e.Nodes, e.Extra = External, s.Brokers, len(s.Brokers), nil
		}
		for _, m := range modes {
			if m.Profile == profile {
				e.Lanes = append(e.Lanes, Lane{Name: m.Name, Queue: strings.ReplaceAll(m.Name, "-", "_") + "_" + e.Run, Mode: m,
					Producers: s.Load.Producers, Consumers: s.Load.Consumers})
			}
		}
		if len(e.Lanes) == 0 {
			continue
		}
		e.Load = Load{Rate: s.Load.Rate, Size: s.Load.Size, Keys: s.Load.Keys, Processing: s.Load.Processing,
			Burst: burst(s.Load), Batch: batch(s.Load), Confirm: confirm, Doubts: 0.02, Withhold: 0.02}
		// Settling outlasts the longest timeout in play: a retry that is due, a delivery that returns.
		e.Limits = Limits{Start: 2 * time.Minute, Trigger: 5 * time.Second, Heal: 30 * time.Second, Sync: 2 * time.Minute,
			Settle: max(confirm, p.Redelivery) + 500*time.Millisecond, Quiesce: 20 * time.Second, Drain: 45 * time.Second}
		e.planted(s.Plant)
		out = append(out, e)
	}
	return out, nil
}

// burst is a tenth of a second's messages of one producer, at least one.
func burst(l LoadSpec) int { return max(1, int(l.Rate/float64(l.Producers)/10)) }

// batch is how many deliveries a consumer receives at once: a twentieth of a second's, so that it keeps up with a load that is far above
// the default, and at least sixteen.
func batch(l LoadSpec) int { return max(16, int(l.Rate/float64(l.Consumers)/20)) }

func (s Spec) check() error {
	for _, x := range []struct {
		ok        bool
		what, got string
		want      string
	}{
		{s.Load.Rate >= 10 && s.Load.Rate <= 1e6, "load.rate", fmt.Sprint(s.Load.Rate), "10 to 1000000 messages a second and lane"},
		{s.Load.Size >= 1 && s.Load.Size <= 1<<20, "load.size", fmt.Sprint(s.Load.Size), "1 to 1048576 bytes"},
		{s.Load.Keys >= 1, "load.keys", fmt.Sprint(s.Load.Keys), "at least 1"},
		{s.Load.Producers >= 1 && s.Load.Producers <= 32, "load.producers", fmt.Sprint(s.Load.Producers), "1 to 32 a lane"},
		{s.Load.Consumers >= 2 && s.Load.Consumers <= 32, "load.consumers", fmt.Sprint(s.Load.Consumers), "2 to 32 a lane: a fault takes one, and another must take over"},
		{s.Load.Processing >= 0 && s.Load.Processing <= time.Second, "load.processing", s.Load.Processing.String(), "0s to 1s a message"},
		{s.Time >= 0, "time", s.Time.String(), "a duration like 90s, or 0 for as long as it takes"},
	} {
		if !x.ok {
			return fmt.Errorf("experiment: %s is %s: want %s", x.what, x.got, x.want)
		}
	}
	return s.checkPlace()
}

// choose picks the modes that were asked for, in the product's order, each in the profile asked for or in the first that has it. Whoever asks
// for neither gets the modes of the product's first profile: other profiles are other settings of the brokers, made for what a person has in
// mind who names them.
func choose(s Spec, p Product) ([]semantics.Mode, error) {
	if s.Profile != "" && s.Profile != AllProfiles && !slices.Contains(p.Profiles, s.Profile) {
		return nil, fmt.Errorf("experiment: target %s has no profile %q: want one of %s, or %s", p.Name, s.Profile, strings.Join(p.Profiles, ", "), AllProfiles)
	}
	var names []string
	first := map[string]string{} // mode → profile
	for _, profile := range p.Profiles {
		for _, m := range p.Modes {
			if m.Profile == profile && first[m.Name] == "" {
				first[m.Name] = profile
				names = append(names, m.Name)
			}
		}
	}
	for _, want := range s.Modes {
		if !slices.Contains(names, want) {
			return nil, fmt.Errorf("experiment: target %s has no mode %q: want one of %s", strings.TrimSpace(p.Name+" "+p.Version), want, strings.Join(names, ", "))
		}
	}
	var out []semantics.Mode
	for _, m := range p.Modes {
		asked := slices.Contains(s.Modes, m.Name)
		if len(s.Modes) == 0 {
			asked = s.Profile != "" || m.Profile == p.Profiles[0]
		}
		if asked && (s.Profile == AllProfiles || m.Profile == cmp.Or(s.Profile, first[m.Name])) {
			out = append(out, m)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("experiment: no mode of %s is left with profile %q and modes %q", p.Name, s.Profile, s.Modes)
	}
	return out, nil
}

// AllProfiles stands for every profile, one after another.
const AllProfiles = "all"
