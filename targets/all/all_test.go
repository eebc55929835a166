package all

import (
	"slices"
	"testing"

	"waybill/harness/semantics"
	"waybill/nemesis"
	"waybill/targets"
)

func TestEveryTargetIsRegistered(t *testing.T) {
	if got, want := targets.Names(), []string{"kafka", "nats", "planted", "rabbitmq"}; !slices.Equal(got, want) {
		t.Errorf("targets of this binary: %q, want %q", got, want)
	}
}

// What a mode's brokers sync to disk, and when, decides what a loss of power takes: no page about modes can do without it.
func TestEveryModeSaysWhenItIsSynced(t *testing.T) {
	for _, name := range targets.Names() {
		target, _ := targets.Find(name)
		for _, version := range append(map[string][]string{"rabbitmq": {"4.2.0"}}[name], "") {
			for _, m := range target.Describe(version).Modes {
				checkSync(t, name, m)
			}
		}
	}
}

func checkSync(t *testing.T, target string, m semantics.Mode) {
	t.Helper()
	p := m.Promise(semantics.Stored)
	covered := p.Guarantee.ForbidsLoss() && p.Covers("power-failure:of=all")
	if m.Traits.Sync == "" || covered && m.Traits.Sync != semantics.SyncedBefore {
		t.Errorf("%s, mode %s, is synced %q; it promises %s for a loss of all power: %v", target, m.Name, m.Traits.Sync, p.Guarantee, covered)
	}
}

// A fault's name that is misspelt in a promise would silently put the real one outside of it.
func TestPromisesAreMadeUnderFaultsThatThereAre(t *testing.T) {
	for _, name := range targets.Names() {
		target, _ := targets.Find(name)
		for _, m := range target.Describe("").Modes {
			for _, p := range m.Promises {
				for _, fault := range p.Faults {
					if _, _, err := nemesis.Find(fault); err != nil {
						t.Errorf("%s, mode %s, %s: %v", name, m.Name, p.Stage, err)
					}
				}
			}
		}
	}
}

// A promise that covers no fault with which it could be tried is none.
func TestEveryPromiseCanBeTried(t *testing.T) {
	for _, name := range targets.Names() {
		target, _ := targets.Find(name)
		d := target.Describe("")
		can, _, err := nemesis.Available(nemesis.All(), nemesis.Place{Brokers: true, Network: true, Leaders: d.Leaders})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range d.Modes {
			for _, p := range m.Promises {
				if p.Guarantee == semantics.None {
					continue
				}
				if !slices.ContainsFunc(can, func(spec string) bool {
					f, _, err := nemesis.Find(spec)
					return err == nil && (p.Covers(f.Name) || p.Covers(spec)) && f.Spares(m, p.Stage) == ""
				}) {
					t.Errorf("%s, mode %s: no fault tries what it promises for %s", name, m.Name, p.Stage)
				}
			}
		}
	}
}
