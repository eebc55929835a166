package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"

	"waybill/checkers"
	"waybill/checkers/plant"
	"waybill/harness/cli"
	"waybill/harness/history"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
	"waybill/harness/semantics"
	"waybill/results"
)

// thorough is set by `make verify`: more of everything.
var thorough = os.Getenv("WAYBILL_VERIFY") == "1"

// exitCode is the exit code in an error of os/exec.
func exitCode(err error) string {
	var x *exec.ExitError
	if errors.As(err, &x) {
		return fmt.Sprint(x.ExitCode())
	}
	return err.Error()
}

// waybill is the command under test in a process of its own, with a marker that every process it starts inherits.
func waybill(marker string, args ...string) *exec.Cmd {
	c := reexec.Command(asWaybill, args...)
	c.Env = append(os.Environ(), "WAYBILL_TEST_MARKER="+marker)
	return c
}

// runDir is the only run directory below out.
func runDir(t *testing.T, out string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(out, "nats", "*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("run directories below %s: %v %v, want one", out, found, err)
	}
	return found[0]
}

// A short run, as a user has it: the verdict, the views, and the same verdict again from the directory alone.
func TestShortRunIsKeptAndAuditsAgain(t *testing.T) {
	labtest.Hold(t)
	out := t.TempDir()
	b, err := waybill("short", "test", "--mode", "core,jetstream-ledger", "--fault", "kill-consumer", "--seed", "3", "--out", out).CombinedOutput()
	if err != nil {
		t.Fatalf("exit %s, want 0\n%s", exitCode(err), b)
	}
	for _, want := range []string{"kill-consumer", "jetstream-ledger", "kept", "exit code 0"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the output lacks %q\n%s", want, b)
		}
	}
	d := runDir(t, out)
	for _, name := range []string{"experiment.yaml", "schedule.yaml", "manifest.json", "verdict.json", "report.html", "junit.xml", "brokers/n1/configuration"} {
		if s, err := os.Stat(filepath.Join(d, name)); err != nil || s.Size() == 0 {
			t.Errorf("%s: %v, want a file that is not empty", name, err)
		}
	}
	if _, err := os.Stat(filepath.Join(d, "lab")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lab's folders are still there: %v", err)
	}
	t.Run("the report says how long the run took", func(t *testing.T) {
		b, err := os.ReadFile(filepath.Join(d, "report.html"))
		if err != nil || !bytes.Contains(b, []byte("<span>took</span>")) {
			t.Errorf("%v: the manifest had no end when the report was drawn", err)
		}
	})
	t.Run("the audit repeats verdict and exit code", func(t *testing.T) {
		b, err := waybill("audit", "audit", d).CombinedOutput()
		if err != nil || !bytes.Contains(b, []byte("exit code 0")) {
			t.Errorf("%v\n%s", err, b)
		}
	})
	t.Run("each lane can be exported for other checkers", func(t *testing.T) { exportFrom(t, d) })
	t.Run("each anomaly planted into the recorded history is named", func(t *testing.T) { plantInto(t, d) })
	t.Run("a segment cut short makes what rests on it inconclusive, and is named", func(t *testing.T) {
		c := copyRun(t, d)
		seg := segment(t, c, "deliveries")
		s, err := os.Stat(seg)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(seg, s.Size()*2/3); err != nil {
			t.Fatal(err)
		}
		b, err := waybill("cut", "audit", c).CombinedOutput()
		if exitCode(err) != "2" || !bytes.Contains(b, []byte(filepath.Base(seg))) {
			t.Errorf("exit %v, want 2 and the name %s\n%s", err, filepath.Base(seg), b)
		}
	})
	t.Run("one byte flipped in the middle is an error, and is named", func(t *testing.T) {
		c := copyRun(t, d)
		seg := segment(t, c, "deliveries")
		b, err := os.ReadFile(seg)
		if err != nil {
			t.Fatal(err)
		}
		b[4096+(len(b)-4096)/2] ^= 0x10 // behind the header page
		if err := os.WriteFile(seg, b, 0o644); err != nil {
			t.Fatal(err)
		}
		o, err := waybill("flip", "audit", c).CombinedOutput()
		if exitCode(err) != "3" || !bytes.Contains(o, []byte(filepath.Base(seg))) {
			t.Errorf("exit %v, want 3 and the name %s\n%s", err, filepath.Base(seg), o)
		}
	})
}

// Every anomaly planted into the history of a real run is named; the history as it was recorded has none.
func plantInto(t *testing.T, d string) {
	h, err := history.Open(filepath.Join(d, "history"))
	if err != nil {
		t.Fatal(err)
	}
	var recorded history.Memory
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		recorded = append(recorded, *e)
	}
	dir, err := results.OpenDir(d)
	if err != nil {
		t.Fatal(err)
	}
	exp, err1 := dir.LoadExperiment()
	sched, err2 := dir.LoadSchedule()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	audit := func(h history.Memory) semantics.Verdict {
		v, err := checkers.Audit(t.Context(), checkers.Input{Source: h, Experiment: exp, Schedule: sched})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if v := audit(recorded); len(v.Findings) > 0 {
		t.Fatalf("findings without a plant: %+v", v.Findings)
	}
	applied := 0
	for i, lane := range exp.Lanes {
		for _, p := range plant.All() {
			if !p.Fits(lane.Mode) {
				continue
			}
			planted, ok := p.Apply(rand.New(rand.NewPCG(7, uint64(i))), recorded, uint32(i))
			if !ok {
				t.Logf("%s: nothing in %s to plant it into", p.Name, lane.Name)
				continue
			}
			applied++
			named := false
			for _, f := range audit(planted.Events).Findings {
				named = named || f.Lane == lane.Name && strings.HasPrefix(f.Anomaly, p.Anomaly)
			}
			if !named {
				t.Errorf("%s planted into %s (%v) is not named: want %q", p.Name, lane.Name, planted.Msgs, p.Anomaly)
			}
		}
	}
	if applied < 10 {
		t.Errorf("only %d plants could be applied: this history proves little", applied)
	}
}

// copyRun copies a run directory, to be damaged.
func copyRun(t *testing.T, d string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(d)); err != nil {
		t.Fatal(err)
	}
	return to
}

// segment is the largest segment of a goroutine role.
func segment(t *testing.T, d, role string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(d, "history", "*-"+role+".seg"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no segment of %s in %s: %v", role, d, err)
	}
	best, size := "", int64(-1)
	for _, f := range found {
		if s, err := os.Stat(f); err == nil && s.Size() > size {
			best, size = f, s.Size()
		}
	}
	return best
}

// However the harness is killed, nothing of it is left but a run directory that can be audited.
func TestKilledHarnessLeavesNothing(t *testing.T) {
	labtest.Hold(t)
	times := 5
	if thorough {
		times = 15
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("instants from seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	mounts, links := mountsNow(t), linksNow(t)
	for i := range times {
		marker := fmt.Sprintf("killed-%d-%d", os.Getpid(), i)
		out := t.TempDir()
		c := waybill(marker, "test", "--mode", "core,jetstream", "--fault", "kill-broker", "--seed", "1", "--out", out)
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		after := time.Duration(rng.Int64N(int64(18 * time.Second)))
		timer := time.NewTimer(after) // the instant itself is what is wanted
		<-timer.C
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		c.Wait()
		if left := waitGone(marker, 5*time.Second); len(left) > 0 {
			t.Errorf("killed after %s: left running: %v", after, left)
		}
		if now := mountsNow(t); now != mounts {
			t.Errorf("killed after %s: mounts were %s, are %s", after, mounts, now)
		}
		if now := linksNow(t); now != links {
			t.Errorf("killed after %s: interfaces were %s, are %s", after, links, now)
		}
		found, _ := filepath.Glob(filepath.Join(out, "nats", "*"))
		for _, d := range found {
			b, err := waybill("after", "audit", d).CombinedOutput()
			if code := exitCode(err); err != nil && code != "1" && code != "2" && code != "3" || bytes.Contains(b, []byte("panic")) {
				t.Errorf("killed after %s: audit of %s: %v\n%s", after, d, err, b)
			}
		}
	}
}

// waitGone waits until no process has the marker in its environment, and returns those that still have.
func waitGone(marker string, limit time.Duration) (left []string) {
	deadline := time.After(limit)
	for {
		left = left[:0]
		envs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, e := range envs {
			if b, err := os.ReadFile(e); err == nil && bytes.Contains(b, []byte("WAYBILL_TEST_MARKER="+marker)) {
				left = append(left, filepath.Dir(e))
			}
		}
		if len(left) == 0 {
			return nil
		}
		select {
		case <-deadline:
			return left
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func mountsNow(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(bytes.Count(b, []byte("\n")))
}

func linksNow(t *testing.T) string {
	t.Helper()
	l, err := os.ReadDir("/sys/class/net")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, x := range l {
		names = append(names, x.Name())
	}
	return strings.Join(names, " ")
}

// One Ctrl-C from a terminal reaches only the outermost process: no broker dies of it, the run heals, drains, audits and says that it was cut short.
func TestInterruptHealsAndReports(t *testing.T) {
	labtest.Hold(t)
	out := t.TempDir()
	c := waybill("interrupt", "test", "--mode", "core,jetstream", "--fault", "pause-broker,kill-consumer", "--seed", "2", "--out", out)
	terminal, err := pty.StartWithSize(c, &pty.Winsize{Rows: 40, Cols: 110})
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close()
	var said bytes.Buffer
	interrupted := false
	buf := make([]byte, 4096)
	for {
		n, err := terminal.Read(buf)
		said.Write(buf[:n])
		if !interrupted && bytes.Contains(said.Bytes(), []byte(": fault")) {
			interrupted = true
			if _, err := terminal.Write([]byte{3}); err != nil { // Ctrl-C, as the keyboard sends it
				t.Fatal(err)
			}
		}
		if err != nil {
			break // EIO: the command has closed the terminal
		}
	}
	err = c.Wait()
	if exitCode(err) != "2" {
		t.Errorf("exit %v, want 2: what was not tried is inconclusive\n%s", err, said.String())
	}
	for _, want := range []string{"Interrupted", "cut short"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the output lacks %q\n%s", want, said.String())
		}
	}
	b, err := waybill("after", "audit", runDir(t, out)).CombinedOutput()
	if exitCode(err) != "2" || bytes.Contains(b, []byte("crashed")) {
		t.Errorf("audit: %v; no broker may have died of the interrupt\n%s", err, b)
	}
}

// asWaybillOnSmallDisk is the command in a mount namespace of its own, where its first argument is a file system of 4 MiB.
const asWaybillOnSmallDisk = "waybill-on-small-disk"

func smallDisk(args []string) int {
	if err := unix.Mount("tmpfs", args[0], "tmpfs", 0, "size=4m"); err != nil {
		fmt.Fprintln(os.Stderr, "mount:", err)
		return 99
	}
	code := cli.Main(args[1:], os.Stdout, os.Stderr)
	found, _ := filepath.Glob(filepath.Join(args[0], "nats", "*"))
	for _, d := range found {
		fmt.Println("audit again:", cli.Main([]string{"audit", d}, os.Stdout, os.Stderr))
	}
	return code
}

// A disk that fills up ends in a clear error and a run that can be audited, not in a crash.
func TestFullDisk(t *testing.T) {
	labtest.Hold(t)
	dir := t.TempDir()
	fast := filepath.Join(t.TempDir(), "fast.yaml")
	if err := os.WriteFile(fast, []byte("modes: [core]\nfaults: [kill-consumer]\nload: {rate: 30000, processing: 0s}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	c := reexec.Command(asWaybillOnSmallDisk, dir, "test", fast, "--seed", "1", "--out", dir)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	b, err := c.CombinedOutput()
	if exitCode(err) != "2" {
		t.Errorf("exit %v, want 2: inconclusive", err)
	}
	for _, want := range []string{"is full", "audit again: 2"} {
		if !bytes.Contains(b, []byte(want)) {
			t.Errorf("the output lacks %q", want)
		}
	}
	if bytes.Contains(b, []byte("SIGBUS")) || bytes.Contains(b, []byte("panic")) {
		t.Error("something crashed")
	}
	if t.Failed() {
		t.Logf("%s", b)
	}
}

// A consumer that is killed a hundred times while it holds deliveries makes redeliveries and no loss.
func TestConsumerKilledAHundredTimesIsNoLoss(t *testing.T) {
	if !thorough {
		t.Skip("a minute and a half: make verify runs it")
	}
	labtest.Hold(t)
	out := t.TempDir()
	b, err := waybill("hundred", "test", "--mode", "jetstream", "--fault", "kill-consumer:times=100", "--seed", "5", "--out", out).CombinedOutput()
	if err != nil {
		t.Errorf("exit %s, want 0", exitCode(err))
	}
	t.Logf("%s", b)
	if !bytes.Contains(b, []byte("lost 0")) {
		t.Error("the ledger does not say that nothing was lost")
	}
}
