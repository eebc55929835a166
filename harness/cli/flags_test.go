package cli

import (
	"bytes"
	"errors"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/run"
	"waybill/results"
)

// differs sets every field that overrule could take to something that is not its default.
func differs(s *experiment.Spec) {
	*s = experiment.Spec{Target: "other", Version: "other", Dist: "other", Cluster: "other", Brokers: []string{"other"}, Ledger: "other", Profile: "other", Modes: []string{"other"}, Faults: []string{"other"}, Time: time.Hour, Seed: 99, FastHeal: true, Proxy: true, Plant: map[string]float64{"other": 1},
		Load: experiment.LoadSpec{Rate: 99, Size: 99, Producers: 9, Consumers: 9}}
}

// A flag that overrule does not know would be silently ignored beside a file.
func TestEveryFlagOfTheExperimentOverrulesTheFile(t *testing.T) {
	var flags experiment.Spec
	differs(&flags)
	notOfTheExperiment := []string{"schedule", "out", "expect", "help", "live", "stop-on", "soak"}
	var names []string
	for _, m := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(testCommand(screen{}).Flags().FlagUsages(), -1) {
		if !slices.Contains(notOfTheExperiment, m[1]) {
			names = append(names, m[1])
		}
	}
	if len(names) < 15 {
		t.Fatalf("only %v are flags of an experiment", names)
	}
	changes := map[string]string{}
	for _, name := range names {
		got := overrule(experiment.DefaultSpec(), flags, func(n string) bool { return n == name })
		diff := cmp.Diff(experiment.DefaultSpec(), got)
		if diff == "" {
			t.Errorf("--%s does not overrule the file", name)
		}
		if other, taken := changes[diff]; taken {
			t.Errorf("--%s and --%s overrule the same field", name, other)
		}
		changes[diff] = name
	}
	if got := overrule(experiment.DefaultSpec(), flags, func(string) bool { return false }); !reflect.DeepEqual(got, experiment.DefaultSpec()) {
		t.Errorf("no flag was given, but the file is overruled:\n%s", cmp.Diff(experiment.DefaultSpec(), got))
	}
}

// The help names the defaults of a run without a file.
func TestFlagsBeginAtTheDefaults(t *testing.T) {
	var spec = experiment.DefaultSpec()
	f := testCommand(screen{}).Flags()
	for name, want := range map[string]string{"target": spec.Target, "rate": "200", "size": "128", "producers": "2", "consumers": "2", "seed": "0", "expect": ""} {
		if got := f.Lookup(name).DefValue; got != want {
			t.Errorf("--%s is %q by default, want %q", name, got, want)
		}
	}
}

func TestRatesArePrintedSeldomWhereNothingCanBeRepainted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		p := newProgress(screen{out: &out, err: &out, width: 80}, aPlan())
		p.Planned(aPlan(), results.Dir("runs/x"))
		out.Reset()
		p.Told(run.Progress{Phase: "clients up"})
		for range 60 { // a minute
			time.Sleep(time.Second)
			p.Told(run.Progress{Lanes: []run.LaneRate{{Name: "core", Acked: 200.4, Applied: 198.6, Flying: 12}}})
		}
		want := "0:00  clients up\n"
		for _, at := range []string{"0:15", "0:30", "0:45", "1:00"} {
			want += at + "  clients up; acked→applied: core 200→199/s (12 open)\n"
		}
		if out.String() != want {
			t.Errorf("printed\n%swant\n%s", out.String(), want)
		}
	})
}

func TestWhatIsSaidOverManyLinesEachHasItsTime(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(screen{out: &out, err: &out}, aPlan())
	p.Planned(aPlan(), results.Dir("runs/x"))
	out.Reset()
	p.Told(run.Progress{Warning: "two things:\none\ntwo\n"})
	if want := "0:00  ! two things:\n0:00  one\n0:00  two\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
}

func TestTheFirstInterruptHealsAndTheSecondEnds(t *testing.T) {
	var said bytes.Buffer
	stop, kill, release := interrupts(screen{err: &said}, "Interrupted: healing", "Ended")
	defer release()
	for i, c := range []<-chan struct{}{stop, kill} {
		if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
			t.Fatal(err)
		}
		select {
		case <-c:
		case <-time.After(10 * time.Second):
			t.Fatalf("interrupt %d has no effect", i+1)
		}
		if i == 0 {
			select {
			case <-kill:
				t.Fatal("the first interrupt ends the run at once")
			default:
			}
		}
	}
	if got := said.String(); !strings.HasPrefix(got, "Interrupted: healing") || strings.Count(got, "\n") != 2 {
		t.Errorf("said %q", got)
	}
}

func TestAListNamesWhatThereIsAndAnythingElseIsAMistake(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		out  string
		err  string
	}{
		{[]string{"list", "faults"}, ExitKept, "kill-all*", ""},
		{[]string{"list", "faults"}, ExitKept, "* in the default tour", ""},
		{[]string{"list", "colours"}, ExitUsage, "", "want one of targets, modes, faults"},
		{[]string{"list"}, ExitUsage, "", "want one of targets, modes, faults"},
		{[]string{"list", "faults", "modes"}, ExitUsage, "", `no target "modes": want some of kafka, nats, planted, rabbitmq`},
		{[]string{"list", "faults", "rabbitmq"}, ExitKept, "not with rabbitmq", ""},
		{[]string{"list", "modes", "kafka", "--version", "abc"}, ExitUsage, "", `version "abc" is not supported: want a release like`},
		{[]string{"test", "--fault", "all,kill-all"}, ExitUsage, "", `want "all" alone, or faults by name`},
		{[]string{"export", "--help"}, ExitKept, "3 bad usage or run directory", ""},
		{[]string{"list", "modes", "nosuch"}, ExitUsage, "", `no target "nosuch"`},
		{[]string{"list", "faults", "--target", "nosuch"}, ExitUsage, "", `no target "nosuch"`},
		{[]string{"list", "faults", "--cluster", "cloud"}, ExitUsage, "", `--cluster "cloud": want lab or external`},
		{[]string{"provision"}, ExitUsage, "", "requires at least 1 arg"},
		{[]string{"provision", "nosuch"}, ExitUsage, "", `no target "nosuch"`},
		{[]string{"export", t.TempDir()}, ExitUsage, "", "it lacks experiment.yaml"},
		{[]string{"export", t.TempDir(), "--format", "xml"}, ExitUsage, "", `--format "xml": want jepsen, porcupine, jsonl or csv`},
		{[]string{"test", "--target", "papre"}, ExitUsage, "", `no target "papre"`},
		{[]string{"test", "--expect", "kept,broken"}, ExitUsage, "", "want kept, broken or inconclusive"},
		{[]string{"audit", t.TempDir()}, ExitUsage, "", "it lacks experiment.yaml"},
		{[]string{"frobnicate"}, ExitUsage, "", "Try 'waybill --help'"},
		{[]string{"test", "--frobnicate"}, ExitUsage, "", "Try 'waybill test --help'"},
		{[]string{"--help"}, ExitKept, "Exit codes: 0 every promise kept", ""},
		{nil, ExitKept, "Usage:", ""},
	} {
		var out, said bytes.Buffer
		code := Main(c.args, &out, &said)
		if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(said.String(), c.err) || c.err == "" && said.Len() > 0 {
			t.Errorf("%q: exit %d, want %d\nprinted %q, want %q\nsaid %q, want %q", c.args, code, c.code, out.String(), c.out, said.String(), c.err)
		}
	}
}

func TestACodeWithoutAnErrorHasBeenExplained(t *testing.T) {
	bare := coded{code: ExitBroken}
	if bare.Error() != "exit code 1" || bare.Unwrap() != nil {
		t.Errorf("%q, %v", bare.Error(), bare.Unwrap())
	}
	why := errors.New("why")
	if c := (coded{ExitRun, why}); c.Error() != "why" || !errors.Is(c, why) {
		t.Errorf("%q", c.Error())
	}
}
