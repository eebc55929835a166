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

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/semantics"
	"waybill/targets"
)

// store stands in for a product in several versions: version 2 has a mode more, and a cluster of its own that somebody else may run.
type store struct {
	name  string
	asked *targets.Provisioning // of the last call of Provision
	err   error
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

func (s store) Provision(_ context.Context, p targets.Provisioning) (targets.Distribution, error) {
	*s.asked = p
	return targets.Distribution{Dir: "/somewhere", Version: "2"}, s.err
}

// connected can be used where somebody else runs it.
type connected struct{ store }

func (connected) Connect(context.Context, targets.Access) (targets.Cluster, error) { return nil, nil }
func (connected) Addresses() []string                                              { return []string{"localhost:1"} }

// register makes a product of its own for a test, since registering twice panics.
func register(t *testing.T, can bool, err error) (experiment.Spec, *targets.Provisioning) {
	s := experiment.DefaultSpec()
	s.Target = "store of " + t.Name()
	x := store{name: s.Target, asked: &targets.Provisioning{}, err: err}
	if can {
		targets.Register(connected{x})
	} else {
		targets.Register(x)
	}
	return s, x.asked
}

func quiet(string, ...any) {}

func TestASiteSpeaksOfTheVersionThatWasProvisioned(t *testing.T) {
	spec, asked := register(t, false, nil)
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
			spec, asked := register(t, false, nil)
			wrong(&spec)
			if _, err := Provision(t.Context(), spec, quiet); err == nil || errors.Is(err, ErrRun) || asked.Cache != "" {
				t.Errorf("%v, asked for %+v", err, asked)
			}
		})
	}
}

func TestWhatCannotBeFetchedIsNoMistakeOfTheSpec(t *testing.T) {
	spec, _ := register(t, false, fmt.Errorf("store: no key: %w", targets.ErrMissing))
	if _, err := Provision(t.Context(), spec, quiet); !errors.Is(err, ErrRun) || !errors.Is(err, targets.ErrMissing) || !strings.Contains(err.Error(), "no key") {
		t.Errorf("%v: want that it cannot be run, and why", err)
	}
}

func TestSomebodyElsesCluster(t *testing.T) {
	spec, asked := register(t, true, nil)
	spec.Cluster = experiment.External
	dir := t.TempDir()
	file := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ca, cert, key := file("ca.pem"), file("c.pem"), file("k.pem")
	spec.Access = experiment.AccessSpec{TLS: true, CA: ca, Cert: cert, Key: key, Mechanism: "plain", User: "u", Password: "secret"}
	site, err := Provision(t.Context(), spec, quiet)
	if err != nil {
		t.Fatal(err)
	}
	want := &targets.Access{Brokers: []string{"localhost:1"}, TLS: true, CA: ca, Cert: cert, Key: key, Mechanism: "plain", User: "u", Password: "secret"}
	if diff := cmp.Diff(want, site.Access); diff != "" || asked.Cache != "" {
		t.Errorf("provisioned with %+v; access (-want +got):\n%s", asked, diff)
	}
	spec.Brokers = []string{"a:9092", "b:9092"}
	if site, err = Provision(t.Context(), spec, quiet); err != nil || !slices.Equal(site.Access.Brokers, spec.Brokers) {
		t.Fatalf("%+v, %v: want the brokers that were named", site.Access, err)
	}
	spec.Faults = []string{"all"}
	plans, err := site.Resolve(spec, nil)
	if err != nil || len(plans) != 2 {
		t.Fatalf("%v, %v", plans, err)
	}
	for _, p := range plans {
		if p.Experiment.Cluster != experiment.External || p.Experiment.Extra != nil || !slices.Equal(p.Experiment.Brokers, spec.Brokers) {
			t.Errorf("%+v: want the addresses, and no host besides", p.Experiment)
		}
		var got []string
		for _, e := range p.Schedule.Episodes {
			got = append(got, e.Fault)
		}
		slices.Sort(got)
		if want := []string{"kill-consumer", "kill-producer", "pause-consumer"}; !slices.Equal(got, want) {
			t.Errorf("faults %q, want those of clients: %q", got, want)
		}
		if why := p.Schedule.Refused["kill-all"]; why != "the brokers are run by somebody else" {
			t.Errorf("kill-all is refused because %q", why)
		}
	}
	spec.Faults = []string{"kill-consumer", "cut-clients"}
	if _, err := site.Resolve(spec, nil); !errors.Is(err, errRefused) || !strings.Contains(err.Error(), "cut-clients") {
		t.Errorf("%v: want a fault named by hand refused by name", err)
	}
}

func TestATargetThatCannotUseSomebodyElsesClusterSaysSo(t *testing.T) {
	spec, _ := register(t, false, nil)
	spec.Cluster = experiment.External
	if _, err := Provision(t.Context(), spec, quiet); err == nil || !strings.Contains(err.Error(), "cannot use a cluster that somebody else runs") {
		t.Error(err)
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
