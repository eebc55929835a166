package lab_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

func TestHostsOnTheMachinesNetworkAreKilledAndPausedButNotCutOff(t *testing.T) {
	// A server of the machine's, outside the lab. The copy inside has one of its own, which nobody uses.
	server, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	defer server.Close()
	if lab.Control() == nil {
		t.Setenv("T_SERVER", server.Addr().String())
	}
	before := interfaces(t)
	labtest.RunIn(t, lab.Spec{HostNetwork: true}, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b")
		addr := os.Getenv("T_SERVER")
		if got := strings.Join(interfaces(t), " "); strings.Contains(got, "wb0") {
			t.Errorf("interfaces: %s: want the machine's", got)
		}
		for _, host := range h {
			if err := l.Reach(t.Context(), host.Name(), addr); err != nil {
				t.Errorf("a server of the machine is not reached: %v", err)
			}
			if host.Addr().String() != "127.0.0.1" || l.Addr() != host.Addr() {
				t.Errorf("addresses %s and %s", host.Addr(), l.Addr())
			}
		}
		if got := run(t, h[0], lab.Proc{Name: "name", Path: "/bin/sh", Args: []string{"-c", "hostname; getent hosts b | cut -d' ' -f1"}}); got != "a\n127.0.0.1\n" {
			t.Errorf("the host's name, and the other's address: %q", got)
		}
		for what, err := range map[string]error{
			"a cut":      second(l.Cut([]string{"a"}, []string{"b"})),
			"a limit":    l.Limit("a", 1_000_000),
			"drops":      second(l.Dropped("a")),
			"a redirect": h[0].Redirect(t.Context(), []uint16{4500}, 4600, 1),
		} {
			if !errors.Is(err, lab.ErrHostNetwork) {
				t.Errorf("%s: %v", what, err)
			}
		}
		sleeper := start(t, h[0], lab.Proc{Name: "sleep", Program: "t-sleep"})
		must(t, h[0].Pause(t.Context()))
		states, err := h[0].States()
		must(t, err)
		if len(states) != 1 || states[sleeper.Pid()] != "T" {
			t.Errorf("states of the paused host: %v", states)
		}
		must(t, h[0].Kill(t.Context()))
		if e := ended(t, sleeper); !e.Killed {
			t.Errorf("exit: %+v", e)
		}
		must(t, h[0].Restart(t.Context()))
		run(t, h[0], lab.Proc{Name: "again", Path: "/bin/true"})
	})
	if after := interfaces(t); lab.Control() == nil && strings.Join(before, " ") != strings.Join(after, " ") {
		t.Errorf("interfaces of the machine: %q before, %q after", before, after)
	}
}

func second[T any](_ T, err error) error { return err }

func TestTheMachinesTimersAreNotSetForALabOnItsNetwork(t *testing.T) {
	_, err := lab.Enter(lab.Spec{Dir: t.TempDir(), Program: "t-sleep", HostNetwork: true, FastHeal: true})
	if !errors.Is(err, lab.ErrHostNetwork) {
		t.Errorf("fast heal on the machine's network: %v", err)
	}
}
