package lab_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-session", func([]string) int {
		for _, pid := range []int{0, 1} { // this process, and the lab's init
			session, err := unix.Getsid(pid)
			fmt.Println(session > 0, err)
		}
		return 0
	})
	reexec.Register("t-settings", printSettings)
	reexec.Register("t-starter", starter)
	reexec.Register("t-busy-lab", busyLab)
}

// enter runs a lab to its end and returns its output.
func enter(t *testing.T, s lab.Spec) (stdout string, code int, err error) {
	t.Helper()
	s.Dir = t.TempDir()
	file, err := os.Create(filepath.Join(s.Dir, "stdout"))
	must(t, err)
	defer file.Close()
	s.Stdout = file
	o, err := lab.Enter(s)
	must(t, err)
	code, err = o.Wait()
	text, readErr := os.ReadFile(file.Name())
	must(t, readErr)
	return string(text), code, err
}

func TestTheProgramsExitCodeIsPassedOn(t *testing.T) {
	labtest.Hold(t)
	for _, want := range []int{0, 1, 4, 137} {
		if _, got, err := enter(t, lab.Spec{Program: "t-exit", Args: []string{strconv.Itoa(want)}}); err != nil || got != want {
			t.Errorf("exit code %d came out as %d, %v", want, got, err)
		}
	}
	if _, code, err := enter(t, lab.Spec{Program: "t-exit", Args: []string{"SIGKILL"}}); !errors.Is(err, lab.ErrSignalled) || code != -1 {
		t.Errorf("a program ended by a signal: %d, %v", code, err)
	}
}

func TestKillEndsTheLab(t *testing.T) {
	labtest.Hold(t)
	o, err := lab.Enter(lab.Spec{Dir: t.TempDir(), Program: "t-sleep"})
	must(t, err)
	o.Kill()
	o.Kill()
	if code, err := o.Wait(); !errors.Is(err, lab.ErrSignalled) || code != -1 {
		t.Errorf("a killed lab: %d, %v", code, err)
	}
	if n := running(t, "t-sleep"); n != 0 {
		t.Errorf("%d processes are left", n)
	}
}

func TestTheLabHasASessionOfItsOwn(t *testing.T) {
	labtest.Hold(t)
	// A session whose leader is outside, such as a shell with a terminal, reads 0.
	if got, _, _ := enter(t, lab.Spec{Program: "t-session"}); got != "true <nil>\ntrue <nil>\n" {
		t.Errorf("sessions of the program and the init: %q, expected that both have leaders inside", got)
	}
}

func TestFastHealSetsTheKernelsTimersOnEveryHost(t *testing.T) {
	labtest.Hold(t)
	release := "6.15 or newer"
	if _, err := os.Stat("/proc/sys/net/ipv4/tcp_rto_max_ms"); err != nil {
		if _, code, _ := enter(t, lab.Spec{Program: "t-settings", FastHeal: true}); code == 0 {
			t.Errorf("a kernel that is not %s was asked for fast heal, and no error came", release)
		}
		return
	}
	if got, code, err := enter(t, lab.Spec{Program: "t-settings", FastHeal: true}); got != "1000\n100\n" || code != 0 {
		t.Errorf("with FastHeal: %q, %d, %v", got, code, err)
	}
	if got, code, err := enter(t, lab.Spec{Program: "t-settings"}); got != "120000\n15\n" || code != 0 {
		t.Errorf("without it the kernel's defaults stay: %q, %d, %v", got, code, err)
	}
}

func printSettings([]string) int {
	l, err := lab.Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := timeout()
	h, err := l.AddHost(ctx, "a")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	p, err := h.Start(ctx, lab.Proc{Name: "cat", Path: "/bin/cat", Args: []string{"/proc/sys/net/ipv4/tcp_rto_max_ms", "/proc/sys/net/ipv4/tcp_retries2"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	<-p.Done()
	text, err := os.ReadFile(filepath.Join(h.Dir(), "cat.stdout"))
	if err != nil {
		return 1
	}
	os.Stdout.Write(text)
	return p.Exit().Code
}

// mark is an argument and environment variable that every process of a starter's lab carries.
const mark = "WAYBILL_TEST_MARK"

// TestALabLeavesNothingWhenItsStarterIsKilled kills starters at random instants of a lab's life.
func TestALabLeavesNothingWhenItsStarterIsKilled(t *testing.T) {
	labtest.Hold(t)
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	interfacesBefore, mountsBefore := interfaces(t), mounts(t)
	for round := range rounds {
		value := fmt.Sprintf("%s=%d-%d", mark, os.Getpid(), round)
		life := "restless"
		if round == 0 {
			life = "still"
		}
		c := reexec.Command("t-starter", t.TempDir(), life)
		c.Env = append(os.Environ(), value)
		c.Stderr = os.Stderr
		must(t, c.Start())
		delay := time.Duration(random.IntN(150)) * time.Millisecond
		if round == 0 {
			// Once the lab is certainly complete (starter, init, program; on each of two hosts an init and two
			// processes): otherwise the test might only ever kill beginnings.
			await(t, "the lab is complete", func() bool { return marked(t, value) >= 9 })
			delay = 0
		}
		after := time.NewTimer(delay)
		<-after.C
		must(t, c.Process.Kill())
		_ = c.Wait() // says that it was killed
		begin := time.Now()
		await(t, fmt.Sprintf("round %d, killed after %v: no process is left", round, delay), func() bool { return marked(t, value) == 0 })
		if took := time.Since(begin); took > time.Second {
			t.Errorf("round %d: processes outlived their starter by %v", round, took)
		}
	}
	if d := cmp.Diff(interfacesBefore, interfaces(t)); d != "" {
		t.Errorf("interfaces (-before +after):\n%s", d)
	}
	if d := cmp.Diff(mountsBefore, mounts(t)); d != "" {
		t.Errorf("mounts (-before +after):\n%s", d)
	}
}

// starter enters a lab and waits for it.
func starter(args []string) int {
	o, err := lab.Enter(lab.Spec{Dir: args[0], Program: "t-busy-lab", Args: args[1:]})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code, _ := o.Wait()
	return code
}

// busyLab makes hosts with daemons and then either lets them be or kills and restarts one of them for ever.
func busyLab(args []string) int {
	l, err := lab.Open()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	ctx := timeout()
	begin := func(h *lab.Host) error {
		_, direct := h.Start(ctx, lab.Proc{Name: "direct", Program: "t-sleep"})
		_, daemon := h.Start(ctx, lab.Proc{Name: "daemon", Program: "t-daemon", Args: []string{"1", "t-sleep"}})
		return errors.Join(direct, daemon)
	}
	var last *lab.Host
	for _, name := range []string{"a", "b"} {
		if last, err = l.AddHost(ctx, name); err == nil {
			err = begin(last)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	if args[0] == "still" {
		<-ctx.Done()
		return 0
	}
	for {
		if err := errors.Join(last.Kill(ctx), last.Restart(ctx), begin(last)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
}

// marked counts the processes, zombies aside, that have the mark in their environment.
func marked(t *testing.T, value string) int {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	must(t, err)
	n := 0
	for _, f := range files {
		environ, err := os.ReadFile(f)
		if err == nil && slices.ContainsFunc(bytes.Split(environ, []byte{0}), func(e []byte) bool { return string(e) == value }) {
			n++
		}
	}
	return n
}

func mounts(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	must(t, err)
	return strings.Split(string(text), "\n")
}
