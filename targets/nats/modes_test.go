package nats

import (
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"waybill/harness/semantics"
)

// What a server acknowledges is in memory for two minutes, unless it is told to sync; a run must neither break a promise that the vendor
// does not make nor spare the one that it does.
func TestOnlySyncedStreamsPromiseToSurviveALossOfPower(t *testing.T) {
	for _, m := range modes() {
		for _, p := range m.Promises {
			for _, fault := range []string{"power-failure", "power-failure:model=torn", "power-failure:of=one"} {
				want := m.Profile == syncProfile || !m.stream // core promises at most once, whatever happens
				if p.Covers(fault) != want {
					t.Errorf("%s, %s: covers %s: %v, want %v", m.Name, p.Stage, fault, p.Covers(fault), want)
				}
			}
			if !p.Covers("kill-all") {
				t.Errorf("%s, %s: a kill of all servers is left out: the page cache survives that", m.Name, p.Stage)
			}
			if m.stream != strings.Contains(p.Source.Quote, "fsync") {
				t.Errorf("%s, %s: the source says nothing about syncing: %q", m.Name, p.Stage, p.Source.Quote)
			}
		}
	}
}

func TestServersSyncAlwaysInTheProfileOfThatNameAlone(t *testing.T) {
	for _, p := range profiles() {
		m := machine{name: "n1", client: "127.0.0.1:4222", route: "127.0.0.1:6222", dir: t.TempDir()}
		path, err := writeConfig(p.Name, m, []machine{m})
		if err != nil {
			t.Fatal(err)
		}
		o, err := server.ProcessConfigFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if o.SyncAlways != (p.Name == syncProfile) {
			t.Errorf("profile %s: the server reads sync always %v", p.Name, o.SyncAlways)
		}
		if d := (target{}).Describe(""); o.StoreDir != m.dir+"/"+d.Data {
			t.Errorf("profile %s: the server stores in %s, and %q below the host's folder is on the disk that forgets", p.Name, o.StoreDir, d.Data)
		}
	}
}

func TestAStreamForgetsIdsEarlyInTheModeOfAShortWindowAlone(t *testing.T) {
	for _, m := range modes() {
		if !m.stream {
			continue
		}
		short := streamConfig(namesOf("q"), m.window).Duplicates < duplicateWindow
		if short != (m.Profile == windowProfile) || m.window <= 0 {
			t.Errorf("%s remembers ids for %v", m.Name, m.window)
		}
		if exactly := m.Promise(semantics.Stored).Guarantee == semantics.ExactlyOnce; exactly && short || exactly != m.Traits.DedupStore {
			t.Errorf("%s promises exactly once %v, with ids remembered for %v and traits %+v", m.Name, exactly, m.window, m.Traits)
		}
	}
}
