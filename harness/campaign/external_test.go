package campaign

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/targets"
)

// connected is a store that can be used where somebody else runs it.
type connected struct{ store }

func (c connected) Connect(context.Context, targets.Access) (targets.Cluster, error) {
	return introduced{says: c.says}, c.err
}
func (c connected) Addresses() []string { return c.addrs }

// introduced is a cluster that says which version it is, and nothing else.
type introduced struct {
	says string
	targets.Cluster
}

func (introduced) Close() error { return nil }
func (c introduced) Versions(context.Context) (string, map[string]string, error) {
	return c.says, map[string]string{"store": c.says, "engine": "9"}, nil
}

// external is a spec for somebody else's store, whose three nodes listen.
func external(t *testing.T, x store) (experiment.Spec, *targets.Provisioning, []string) {
	t.Helper()
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		x.addrs = append(x.addrs, l.Addr().String())
	}
	s := experiment.DefaultSpec()
	s.Target, s.Cluster, s.Brokers = "store of "+t.Name(), experiment.External, x.addrs
	x.name, x.asked = s.Target, &targets.Provisioning{}
	targets.Register(connected{x})
	return s, x.asked, x.addrs
}

func TestSomebodyElsesCluster(t *testing.T) {
	spec, asked, addrs := external(t, store{says: "2"})
	spec.Brokers = nil // where the product's usual ones are
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
	want := &targets.Access{Brokers: addrs, TLS: true, CA: ca, Cert: cert, Key: key, Mechanism: "plain", User: "u", Password: "secret"}
	if diff := cmp.Diff(want, site.Access); diff != "" || asked.Cache != "" {
		t.Errorf("provisioned with %+v; access (-want +got):\n%s", asked, diff)
	}
	spec.Brokers = addrs[:2]
	if site, err = Provision(t.Context(), spec, quiet); err != nil || !slices.Equal(site.Access.Brokers, spec.Brokers) {
		t.Fatalf("%+v, %v: want the brokers that were named", site.Access, err)
	}
	spec.Faults, spec.Profile = []string{"all"}, experiment.AllProfiles
	plans, err := site.Resolve(spec, nil)
	if err != nil || len(plans) != 2 {
		t.Fatalf("%v, %v", plans, err)
	}
	for _, p := range plans {
		if p.Experiment.Cluster != experiment.External || p.Experiment.Extra != nil || p.Experiment.Version != "2" || !slices.Equal(p.Experiment.Brokers, spec.Brokers) {
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
	spec, _ := register(t, nil)
	spec.Cluster = experiment.External
	if _, err := Provision(t.Context(), spec, quiet); err == nil || !strings.Contains(err.Error(), "cannot use a cluster that somebody else runs") {
		t.Error(err)
	}
}

func TestWhatBrokersSayTheyAreIsWhatIsAudited(t *testing.T) {
	spec, _, _ := external(t, store{says: "2"})
	site, err := Provision(t.Context(), spec, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if site.Product.Version != "2" || len(site.Product.Modes) != 3 || site.Distribution.Version != "2" || site.Distribution.Facts["engine"] != "9" {
		t.Errorf("%+v, %+v: want the version that the nodes report, its modes, and the facts", site.Product, site.Distribution)
	}
	spec.Version = "3"
	if _, err := Provision(t.Context(), spec, quiet); !errors.Is(err, targets.ErrUnsupported) || errors.Is(err, ErrRun) || !strings.Contains(err.Error(), "--version 3") {
		t.Errorf("%v: want another version than theirs refused", err)
	}
}

func TestOfBrokersThatDoNotSayTheVersionIsTheOneGivenOrNone(t *testing.T) {
	spec, _, _ := external(t, store{})
	for _, given := range []string{"", "2"} {
		spec.Version = given
		site, err := Provision(t.Context(), spec, quiet)
		if err != nil || site.Distribution.Version != given {
			t.Fatalf("given %q: %+v, %v", given, site.Distribution, err)
		}
		plans, err := site.Resolve(spec, nil)
		if err != nil || plans[0].Experiment.Version != given {
			t.Errorf("given %q: %+v, %v", given, plans, err)
		}
	}
	spec.Version = "1.0"
	if _, err := Provision(t.Context(), spec, quiet); !errors.Is(err, targets.ErrUnsupported) {
		t.Errorf("%v: want a version that the target cannot run refused", err)
	}
}

func TestAClusterThatIsNotThereIsSaidAtOnceByAddress(t *testing.T) {
	spec, _, addrs := external(t, store{says: "2"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := l.Addr().String()
	l.Close()
	spec.Brokers = []string{addrs[0], gone, "nowhere.invalid:1"}
	began := time.Now()
	_, err = Provision(t.Context(), spec, quiet)
	if took := time.Since(began); took > 2*dialWithin {
		t.Errorf("it took %v", took)
	}
	if !errors.Is(err, ErrRun) || strings.Contains(err.Error(), addrs[0]) {
		t.Fatalf("%v: want that it cannot be run, and nothing of the address that answers", err)
	}
	for _, want := range []string{"cannot reach " + gone + ": connection refused", "cannot reach nowhere.invalid:1", "--brokers"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v: want %q in it", err, want)
		}
	}
}

// What accepts connections and is no broker, or refuses these credentials, is told apart from what is not there.
func TestAClusterThatLetsNobodyInSaysWhy(t *testing.T) {
	spec, _, _ := external(t, store{err: errors.New("store: wrong password")})
	if _, err := Provision(t.Context(), spec, quiet); !errors.Is(err, ErrRun) || !strings.Contains(err.Error(), "accept connections, but: store: wrong password") {
		t.Errorf("%v", err)
	}
}
