package campaign

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/targets"
)

// store stands in for a product in several versions: version 2 has a mode more, and a cluster of its own that somebody else may run.
type store struct {
	name  string
	asked *targets.Provisioning // of the last call of Provision
	err   error                 // of Provision, or of Connect
	says  string                // version that the nodes of a cluster report
	addrs []string
	targets.Target
}

func (s store) Describe(version string) targets.Description {
	d := targets.Description{Name: s.name, Version: version, Leaders: []string{"queue"},
		Profiles: []targets.Profile{{Name: "plain"}, {Name: "split", Extra: []string{"k1"}}},
		Timing:   targets.Timing{Detection: time.Second, Redelivery: time.Second, Election: time.Second},
		Modes:    []semantics.Mode{{Name: "a", Profile: "plain"}, {Name: "b", Profile: "split"}}}
	if version == "2" {
		d.Modes = append(d.Modes, semantics.Mode{Name: "c", Profile: "plain"})
	}
	return d
}

func (store) CheckVersion(version string) error {
	if version == "1.0" {
		return fmt.Errorf("store: version 1.0 is %w", targets.ErrUnsupported)
	}
	return nil
}

func (s store) Provision(_ context.Context, p targets.Provisioning) (targets.Distribution, error) {
	*s.asked = p
	return targets.Distribution{Dir: "/somewhere", Version: "2"}, s.err
}

// register makes a product of its own for a test, since registering twice panics.
func register(t *testing.T, err error) (experiment.Spec, *targets.Provisioning) {
	s := experiment.DefaultSpec()
	s.Target = "store of " + t.Name()
	x := store{name: s.Target, asked: &targets.Provisioning{}, err: err}
	targets.Register(x)
	return s, x.asked
}

func quiet(string, ...any) {}

func TestASiteSpeaksOfTheVersionThatWasProvisioned(t *testing.T) {
	spec, asked := register(t, nil)
	spec.Dist = "/opt/store"
	site, err := Provision(t.Context(), spec, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if site.Product.Version != "2" || len(site.Product.Modes) != 3 || site.Distribution.Dir != "/somewhere" {
		t.Errorf("%+v: want what the distribution that was found is", site)
	}
	if asked.Version != "" || asked.Dist != "/opt/store" || filepath.Base(asked.Cache) != spec.Target {
		t.Errorf("asked for %+v: want no version, the distribution, and a cache of the target's own", asked)
	}
	spec.Modes = []string{"b"}
	plans, err := site.Resolve(spec, nil)
	if err != nil || len(plans) != 1 || plans[0].Experiment.Version != "2" || !slices.Equal(plans[0].Experiment.Extra, []string{"k1"}) {
		t.Errorf("%+v, %v: want one run of version 2 in the profile with a host besides its brokers", plans, err)
	}
}

func TestNothingIsFetchedForASpecThatIsWrong(t *testing.T) {
	for claim, wrong := range map[string]func(*experiment.Spec){
		"an unknown fault":  func(s *experiment.Spec) { s.Faults = []string{"kill-nobody"} },
		"an unknown mode":   func(s *experiment.Spec) { s.Modes = []string{"z"} },
		"too few nodes":     func(s *experiment.Spec) { s.Nodes = 1 },
		"an unknown target": func(s *experiment.Spec) { s.Target = "nobody" },
	} {
		t.Run(claim, func(t *testing.T) {
			spec, asked := register(t, nil)
			wrong(&spec)
			if _, err := Provision(t.Context(), spec, quiet); err == nil || errors.Is(err, ErrProvision) || asked.Cache != "" {
				t.Errorf("%v, asked for %+v", err, asked)
			}
		})
	}
}

func TestWhatATargetCannotRunIsAMistakeOfTheSpec(t *testing.T) {
	spec, asked := register(t, fmt.Errorf("store: version 9 is %w", targets.ErrUnsupported))
	if _, err := Provision(t.Context(), spec, quiet); !errors.Is(err, targets.ErrUnsupported) || errors.Is(err, ErrProvision) {
		t.Errorf("%v: want a mistake of whoever asked", err)
	}
	*asked = targets.Provisioning{}
	spec.Version = "1.0"
	if _, err := Provision(t.Context(), spec, quiet); !errors.Is(err, targets.ErrUnsupported) || asked.Cache != "" {
		t.Errorf("%v, asked for %+v: want it refused before anything is looked for", err, *asked)
	}
}

func TestWhatCannotBeFetchedIsNoMistakeOfTheSpec(t *testing.T) {
	spec, _ := register(t, fmt.Errorf("store: no key: %w", targets.ErrMissing))
	if _, err := Provision(t.Context(), spec, quiet); !errors.Is(err, ErrProvision) || !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "no key") {
		t.Errorf("%v: want that it cannot be had, and why", err)
	}
}

func TestDistributionsAreKeptWhereTheUserKeepsCaches(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/home/somebody/.cache")
	if got := cacheDir(); got != "/home/somebody/.cache/waybill" {
		t.Errorf("cached in %s", got)
	}
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if got := cacheDir(); got != filepath.Join(os.TempDir(), "waybill") {
		t.Errorf("without a home, cached in %s", got)
	}
}
