package kafka

import (
	"strings"
	"testing"
	"time"

	"waybill/harness/semantics"
	"waybill/targets"
)

func TestEveryPromiseNamesWhoMadeIt(t *testing.T) {
	for _, m := range modes() {
		for _, p := range m.Promises {
			if p.Source.Quote == "" || !strings.HasPrefix(p.Source.URL, "https://github.com/apache/kafka/blob/") || p.Source.Version == "" {
				t.Errorf("%s, %v: %+v", m.Name, p.Stage, p.Source)
			}
			if (p.Guarantee == semantics.ExactlyOnce) != (p.Scope != "") {
				t.Errorf("%s, %v: %v within %q", m.Name, p.Stage, p.Guarantee, p.Scope)
			}
		}
	}
}

func TestTraitsAreWhatTheClientsDo(t *testing.T) {
	for _, m := range modes() {
		tr := m.Traits
		if tr.Session != m.idempotent {
			t.Errorf("%s: session %v, idempotent %v", m.Name, tr.Session, m.idempotent)
		}
		if tr.Confirms != (m.acks != acksNone) {
			t.Errorf("%s: confirms %v with acks %d", m.Name, tr.Confirms, m.acks)
		}
		if m.idempotent && m.acks != acksAll {
			t.Errorf("%s: idempotence needs all acks", m.Name)
		}
		if early := m.Promise(semantics.Applied).Guarantee == semantics.AtMostOnce; early != tr.AcksFirst {
			t.Errorf("%s: applied %v, acknowledges first: %v", m.Name, m.Promise(semantics.Applied).Guarantee, tr.AcksFirst)
		}
	}
}

func TestWithAcksOneNothingIsPromisedBeyondALeadersLife(t *testing.T) {
	for _, p := range named(t, "acks-1").Promises {
		for fault, want := range map[string]bool{
			"kill-consumer": true, "pause-consumer": true, "cut-clients": true, "lose-confirms": true,
			"kill-leader:of=queue": false, "kill-broker": false, "kill-all": false, "isolate-leader": false, "pause-broker": false,
		} {
			if p.Covers(fault) != want {
				t.Errorf("%v under %s: promised %v, want %v", p.Stage, fault, !want, want)
			}
		}
	}
}

// The vendor speaks of replicas that are alive: one that loses power leaves others, all leave none, unless everything is synced.
func TestOnlySyncedBrokersPromiseToSurviveTheLossOfAllPower(t *testing.T) {
	for _, m := range modes() {
		if m.Name == "acks-1" {
			continue // beyond a leader's life nothing is promised
		}
		for _, p := range m.Promises {
			rewound := p.Stage != semantics.Stored || p.Guarantee != semantics.AtMostOnce // what is forgotten is never stored twice
			for fault, want := range map[string]bool{
				"power-failure": m.Profile == fsync || !rewound, "power-failure:model=torn": m.Profile == fsync || !rewound,
				"power-failure:of=one": true, "power-failure:of=one:model=torn": true, "kill-all": true,
			} {
				if p.Covers(fault) != want {
					t.Errorf("%s, %v under %s: promised %v, want %v", m.Name, p.Stage, fault, !want, want)
				}
			}
		}
	}
	for _, p := range named(t, "acks-1").Promises {
		if p.Covers("power-failure") || p.Covers("power-failure:of=one") {
			t.Errorf("acks-1, %v: a leader's loss of power is covered", p.Stage)
		}
	}
}

func TestModesAreInTheProfilesThatGiveThem(t *testing.T) {
	for _, p := range profiles() {
		for _, m := range modesOf(p.Name) {
			if m.Profile != p.Name || (m.Name == "acks-all-fsync") != (p.Name == fsync) {
				t.Errorf("profile %s lists %s of %q", p.Name, m.Name, m.Profile)
			}
		}
		if len(modesOf(p.Name)) == 0 {
			t.Errorf("profile %s has no mode", p.Name)
		}
	}
	if d := (target{}).Describe(""); (server{dir: "/n1"}).data() != "/n1/"+d.Data {
		t.Errorf("the broker keeps its data in %s, and %q is on the disk that forgets", (server{dir: "/n1"}).data(), d.Data)
	}
}

func TestAClientWithoutSenseIsRefused(t *testing.T) {
	good := targets.ClientConfig{Nodes: []targets.Node{{Name: "n1", Addr: "127.0.0.1:1"}}, Queue: targets.Queue{Name: "q", Mode: "acks-1"}, Batch: 1, Confirm: time.Second}
	if _, err := newClient(good); err != nil {
		t.Fatal(err)
	}
	for claim, spoil := range map[string]func(*targets.ClientConfig){
		"no mode":    func(c *targets.ClientConfig) { c.Queue.Mode = "acks-2" },
		"no batch":   func(c *targets.ClientConfig) { c.Batch = 0 },
		"no confirm": func(c *targets.ClientConfig) { c.Confirm = 0 },
	} {
		c := good
		spoil(&c)
		if _, err := newClient(c); err == nil {
			t.Errorf("%s: not refused", claim)
		}
	}
	none := good
	none.Nodes = nil
	c, err := newClient(none)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Producer(t.Context()); err == nil {
		t.Error("without nodes: not refused")
	}
}
