package nemesis

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
)

func (w *world) Plug(_ context.Context, hosts ...string) error {
	return w.step("plug %s", strings.Join(hosts, ","))
}

func (w *world) Forget(_ context.Context, hosts ...string) (int64, error) {
	return 4096, w.step("forget %s", strings.Join(hosts, ","))
}

// order is what was done to machines and disks.
func (w *world) order() (out []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.steps {
		if word, _, _ := strings.Cut(s, " "); slices.Contains([]string{"plug", "kill", "forget", "restart"}, word) {
			out = append(out, s)
		}
	}
	return out
}

// A disk that loses power after its host was killed has kept what the broker wrote meanwhile; one that forgets while its host lives is
// written to again; one that forgets after the restart takes back what the new broker has read.
func TestPowerIsTakenFromTheDisksBeforeAnyHostDiesAndForgottenBeforeAnyIsBack(t *testing.T) {
	for spec, hosts := range map[string]string{"power-failure": "n1,n2,n3", "power-failure:model=torn": "n1,n2,n3", "power-failure:of=one": ""} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := action(t, spec, w.view(), 1)
			ctx := within(t, time.Minute)
			if err := errors.Join(a.Arm(ctx), a.Inject(ctx)); err != nil {
				t.Fatal(err)
			}
			x, err := a.Observe(ctx)
			if err != nil || !x.Bit {
				t.Fatalf("%+v, %v", x, err)
			}
			if err := errors.Join(a.Recover(ctx), a.Verify(ctx)); err != nil {
				t.Fatal(err)
			}
			if hosts == "" {
				_, hosts, _ = strings.Cut(w.order()[0], " ")
			}
			want := []string{"plug " + hosts, "kill " + hosts, "forget " + hosts, "restart " + hosts}
			if diff := cmp.Diff(want, w.order()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", spec, diff)
			}
			_, model, _ := strings.Cut(spec, "model=")
			for _, say := range []string{"forgot 4096 bytes on " + strings.ReplaceAll(hosts, ",", ", "), "(model " + model, "publishes without a confirmation"} {
				if !strings.Contains(x.Text, say) {
					t.Errorf("%s: %q does not say %q", spec, x.Text, say)
				}
			}
		})
	}
}

// Whatever fails half-way, no broker is started on a disk that has lost power and not forgotten, nor left running on one.
func TestALossOfPowerThatFailsHalfWayIsFinishedBeforePowerReturns(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		claim, fails string
		observe      bool
		want         []string
	}{
		{"the strike was never tried", "", false, nil},
		{"the disks could not all be plugged", "plug", false, []string{"plug n1,n2,n3", "kill n1,n2,n3", "forget n1,n2,n3", "restart n1,n2,n3"}},
		{"the hosts could not all be killed", "kill", false, []string{"plug n1,n2,n3", "kill n1,n2,n3", "kill ", "forget n1,n2,n3", "restart n1,n2,n3"}},
		{"nobody looked", "none", false, []string{"plug n1,n2,n3", "kill n1,n2,n3", "forget n1,n2,n3", "restart n1,n2,n3"}},
		{"the disks did not forget when they were looked at", "forget", true, []string{"plug n1,n2,n3", "kill n1,n2,n3", "forget n1,n2,n3", "forget n1,n2,n3", "restart n1,n2,n3"}},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			a := action(t, "power-failure", w.view(), 1)
			ctx := within(t, time.Minute)
			if c.fails != "" {
				w.fail[c.fails] = broken
				if err := a.Inject(ctx); (c.fails == "plug" || c.fails == "kill") != errors.Is(err, broken) {
					t.Errorf("%s: injected with %v", c.claim, err)
				}
			}
			if c.observe {
				if x, err := a.Observe(ctx); !errors.Is(err, broken) {
					t.Errorf("%s: %+v, %v", c.claim, x, err)
				}
			}
			clear(w.fail)
			for range 2 { // the second time nothing is left to do
				if err := a.Recover(ctx); err != nil {
					t.Error(err)
				}
			}
			if diff := cmp.Diff(c.want, w.order()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.claim, diff)
			}
		})
	}
}

func TestADiskThatWillNotForgetIsNotUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		a := action(t, "power-failure", w.view(), 1)
		ctx := within(t, time.Minute)
		w.fail["forget"] = errors.New("broken")
		if err := a.Inject(ctx); err != nil {
			t.Fatal(err)
		}
		if err := a.Recover(ctx); err == nil || len(w.did("restart")) > 0 {
			t.Errorf("%v, restarted %v", err, w.did("restart"))
		}
	})
}

func TestALossOfPowerIsRefusedOnPlainDisks(t *testing.T) {
	v := newWorld().view()
	v.Disks = nil
	for _, name := range []string{"power-failure", "power-failure:of=one"} {
		f, args, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.New(rand.New(rand.NewPCG(1, 1)), v, args); err == nil {
			t.Errorf("%s: brokers on plain disks lose power", name)
		}
		for place, want := range map[*Place]string{
			{}: "the brokers are run by somebody else", {Brokers: true, Disks: "no /dev/fuse"}: "no /dev/fuse", {Brokers: true}: "",
		} {
			if got := f.Here(*place, args); got != want {
				t.Errorf("%s in %+v: %q, want %q", name, *place, got, want)
			}
		}
	}
}

func TestAScheduleHasOneModelOfDisks(t *testing.T) {
	for _, c := range []struct {
		faults      []string
		model, says string
	}{
		{[]string{"kill-all", "lose-acks"}, "", ""},
		{nil, "", ""},
		{[]string{"kill-all", "power-failure"}, "lazy", ""},
		{[]string{"power-failure:model=writeback=30s", "power-failure:of=one:model=writeback=30s"}, "writeback=30s", ""},
		{[]string{"power-failure", "power-failure:of=one:model=lazy"}, "lazy", ""},
		{[]string{"power-failure", "power-failure:of=one:model=torn"}, "", "power-failure and power-failure:of=one:model=torn want disks of two models, lazy and torn"},
		{[]string{"power-out"}, "", `no fault "power-out"`},
	} {
		var s experiment.Schedule
		for i, f := range c.faults {
			s.Episodes = append(s.Episodes, experiment.Episode{Number: i + 1, Fault: f})
		}
		model, err := DiskModel(s)
		if model != c.model || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %q, %v; want %q, %q", c.faults, model, err, c.model, c.says)
		}
	}
}

// slow are disks that take their time, longer than a look at a fault may.
type slow struct{ *world }

func (s slow) Forget(ctx context.Context, hosts ...string) (int64, error) {
	select {
	case <-time.After(20 * time.Second):
		return s.world.Forget(ctx, hosts...)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func TestWhatDisksForgotIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		v := w.view()
		v.Disks = slow{w}
		a := action(t, "power-failure", v, 1)
		if err := a.Inject(within(t, time.Minute)); err != nil {
			t.Fatal(err)
		}
		x, err := a.Observe(within(t, 2*time.Second))
		if err != nil || !strings.Contains(x.Text, "forgot 4096 bytes") {
			t.Errorf("%+v, %v", x, err)
		}
	})
}
