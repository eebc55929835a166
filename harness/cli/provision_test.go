package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/harness/campaign"
	"waybill/targets"
	_ "waybill/targets/all"
)

// needy is a target that nothing can be done with but to ask what it needs.
type needy struct{ targets.Target }

func (needy) Requirements(context.Context) []targets.Requirement {
	return []targets.Requirement{{Name: "Java 17 or newer", Have: true, Version: "17.0.15"}, {Name: "Maven", Get: "apt-get install maven"}}
}

func TestDoctorSaysWhatATargetNeedsAndHowToGetIt(t *testing.T) {
	for _, c := range []struct {
		target targets.Target
		want   string
	}{
		{needy{}, "  cannot  some\n          has Java 17 or newer: 17.0.15\n          lacks Maven; to get it: apt-get install maven\n"},
		{struct{ targets.Target }{}, "  can     some: needs nothing of this machine\n"},
	} {
		var out bytes.Buffer
		showRequirements(t.Context(), screen{out: &out}, "some", c.target)
		if out.String() != c.want {
			t.Errorf("printed\n%swant\n%s", out.String(), c.want)
		}
	}
}

func TestAnInterruptEndsProvisioningWithACodeOfItsOwn(t *testing.T) {
	var said bytes.Buffer
	err := provisioning(t.Context(), screen{err: &said}, func(ctx context.Context, log func(string, ...any)) error {
		log("fetching %d jars\x1b[2J", 92)
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("maven: %w", ctx.Err())
		case <-time.After(10 * time.Second):
			return errors.New("the interrupt has no effect")
		}
	})
	var own coded
	if !errors.As(err, &own) || own.code != ExitRun || !strings.Contains(err.Error(), "interrupted while provisioning") || !strings.Contains(err.Error(), "maven: context canceled") {
		t.Errorf("%v, want exit code %d, that it was interrupted, and where", err, ExitRun)
	}
	if got, want := said.String(), "0:00  fetching 92 jars [2J\n"; got != want {
		t.Errorf("said %q, want %q", got, want)
	}
}

func TestWhatProvisioningReturnsStandsWithoutAnInterrupt(t *testing.T) {
	full := fmt.Errorf("%w: no Java", campaign.ErrRun)
	for _, want := range []error{nil, full} {
		if err := provisioning(t.Context(), screen{}, func(context.Context, func(string, ...any)) error { return want }); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

func TestAVersionIsOfOneTarget(t *testing.T) {
	err := oneTarget([]string{"nats", "nats"}, map[string]string{"version": "2", "dist": ""})
	if err == nil || !strings.Contains(err.Error(), "--version 2: of which?") {
		t.Errorf("%v", err)
	}
	if err := oneTarget([]string{"nats"}, map[string]string{"version": "2"}); err != nil {
		t.Error(err)
	}
}

func TestWhatWasProvisionedIsShown(t *testing.T) {
	var out bytes.Buffer
	d := targets.Distribution{Dir: "/cache/x", Version: "3.10.8", Overlay: map[string]string{"/usr/lib": "/cache/x/lib"}, Facts: map[string]string{"erlang": "25", "apt": strings.Repeat("libone=2.6 ", 10)}}
	if err := showDistribution(screen{out: &out, width: 100}, "x", d, targets.Tool{Name: "bench", Version: "1.2", Dir: "/cache/y"}, 3210*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	want := "x                3.10.8\n  where          /cache/x\n  over /usr/lib  /cache/x/lib\n  apt            libone=2.6 libone=2.6 libone=2.6 libone=2.6 libone=2.6 libone=2.6 libone=2.6\n                 libone=2.6 libone=2.6 libone=2.6\n  erlang         25\n  bench          1.2 in /cache/y\n  took           3.2s\n"
	if out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
}

func TestRefusedFaultsAreListedByReason(t *testing.T) {
	got := refusals(map[string]string{"kill-leader": "others run them", "cut-clients": "no network", "kill-all": "others run them"})
	if want := "kill-all, kill-leader: others run them"; len(got) != 2 || got[1] != want || got[0] != "cut-clients: no network" {
		t.Errorf("%q, want the second to be %q", got, want)
	}
}
