// Package labtest runs tests inside labs of their own.
//
// A test binary that uses it re-executes itself: TestMain calls Main, a test calls Run. One lab runs at a time on
// a machine, whatever the number of test binaries, since labs that share processors starve each other's elections.
// The package tests nothing itself, and leaves to the test what is in the lab.
package labtest

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"waybill/harness/lab"
	"waybill/harness/reexec"
)

// Off is the environment variable that, set to 1, skips tests that need a lab, on a machine that permits none.
const Off = "WAYBILL_NO_LAB"

// program is the name under which a test binary runs inside a lab.
const program = "lab-test"

// Verdicts that the test inside sends to the one outside. That it sends one proves that it ran.
const (
	passed  = "passed\n"
	failed  = "failed\n"
	skipped = "skipped\n"
)

// Main is what every TestMain of a package that uses Run does: os.Exit(labtest.Main(m)).
func Main(m *testing.M) int {
	reexec.Register(program, func([]string) int { return m.Run() })
	reexec.Dispatch()
	// With the race detector each program that this one starts would sleep for a second before it ends.
	os.Setenv("GORACE", strings.TrimSpace(os.Getenv("GORACE")+" atexit_sleep_ms=0"))
	favour()
	return m.Run()
}

// Run runs f in a new lab, in a copy of this test binary that runs nothing but the test t. The copy's output becomes
// t's log; t fails or is skipped as the test in the copy is. Where the machine permits no lab t fails and says why,
// unless WAYBILL_NO_LAB=1 is set, which skips it. Hosts' folders are in t.TempDir.
//
// The copy runs t from its beginning: what stands before Run in the test happens outside and inside.
func Run(t *testing.T, f func(t *testing.T, l *lab.Lab)) {
	t.Helper()
	RunOver(t, nil, f)
}

// RunOver is Run in a lab with an overlay, as lab.Spec has it.
func RunOver(t *testing.T, overlay map[string]string, f func(t *testing.T, l *lab.Lab)) {
	t.Helper()
	RunIn(t, lab.Spec{Overlay: overlay}, f)
}

// RunIn is Run in a lab as s describes it; the package itself sets what it needs: Dir, Program, Args, Stdout, Stderr and Control.
func RunIn(t *testing.T, s lab.Spec, f func(t *testing.T, l *lab.Lab)) {
	t.Helper()
	if control := lab.Control(); control != nil {
		runInside(t, control, f)
		return
	}
	Hold(t)
	ours, theirs, err := lab.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	defer ours.Close()
	output, input, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	s.Dir, s.Program, s.Args = t.TempDir(), program, arguments(t)
	s.Stdout, s.Stderr, s.Control = input, input, theirs
	o, err := lab.Enter(s)
	input.Close()
	theirs.Close()
	if err != nil {
		t.Fatalf("%v\n%s(or set %s=1, which skips every test that needs a lab)", err, refusals(t.Context()), Off)
	}
	defer o.Kill()
	t.Cleanup(o.Kill)
	for lines := bufio.NewScanner(output); lines.Scan(); {
		t.Log(lines.Text())
	}
	verdict, _ := io.ReadAll(ours) // ends with the lab; what is missing is judged below
	code, err := o.Wait()
	switch {
	case err != nil:
		t.Fatal(err)
	case strings.Contains(string(verdict), failed) || code != 0:
		t.Fatalf("failed inside the lab, with exit code %d", code)
	case strings.Contains(string(verdict), skipped):
		t.Skip("skipped inside the lab")
	case string(verdict) != passed:
		t.Fatalf("the test did not run inside the lab: expected the verdict %q, got %q", passed, verdict)
	}
}

// runInside runs f in the copy and sends its verdict.
func runInside(t *testing.T, control io.Writer, f func(t *testing.T, l *lab.Lab)) {
	t.Helper()
	t.Cleanup(func() {
		verdict := passed
		if t.Failed() {
			verdict = failed
		} else if t.Skipped() {
			verdict = skipped
		}
		if _, err := io.WriteString(control, verdict); err != nil {
			t.Errorf("labtest: sending the verdict: %v", err)
		}
	})
	l, err := lab.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	f(t, l)
}

// Hold waits until no other lab test runs on this machine, and keeps others waiting until t ends. It is for tests
// that call lab.Enter themselves; Run does it. With WAYBILL_NO_LAB=1 it skips t.
func Hold(t *testing.T) {
	t.Helper()
	Need(t, "leave to start labs, since "+Off+"=1 is set", os.Getenv(Off) != "1")
	release, err := acquire(t.Context(), lockFile())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
}

// arguments make the copy run t alone, as loudly and as long as it may run here, with the package's own flags.
func arguments(t *testing.T) []string {
	parts := strings.Split(t.Name(), "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	args := []string{"-test.run=" + strings.Join(parts, "/"), "-test.v", "-test.count=1"}
	if deadline, ok := t.Deadline(); ok {
		// A little less than is left, so that it is the copy that says where it hung.
		args = append(args, "-test.timeout="+max(time.Second, time.Until(deadline)-time.Second).String())
	}
	if testing.Short() {
		args = append(args, "-test.short")
	}
	flag.Visit(func(f *flag.Flag) {
		if !strings.HasPrefix(f.Name, "test.") {
			args = append(args, fmt.Sprintf("-%s=%s", f.Name, f.Value))
		}
	})
	return args
}

// refusals are the steps that this machine does not permit, a line each.
func refusals(ctx context.Context) string {
	var b strings.Builder
	for _, s := range lab.Probe(ctx) {
		if !s.Can {
			fmt.Fprintf(&b, "%s: %s; %s\n", s.Name, s.Why, s.Remedy)
		}
	}
	return b.String()
}
