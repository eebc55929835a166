package lab_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() { reexec.Register("t-refused", refused) }

func TestProbeAgreesWithEnter(t *testing.T) {
	labtest.Hold(t)
	o, err := lab.Enter(lab.Spec{Dir: t.TempDir(), Program: "t-exit", Args: []string{"0"}})
	must(t, err)
	_, err = o.Wait()
	must(t, err)

	before := mounts(t)
	files, err := os.ReadDir(os.TempDir())
	must(t, err)
	names := map[string]bool{}
	for _, s := range lab.Probe(t.Context()) {
		if names[s.Name] {
			t.Errorf("two steps %q", s.Name)
		}
		names[s.Name] = true
		if s.Can != (s.Why == "") || s.Can != (s.Remedy == "") {
			t.Errorf("%+v: expected a reason and a remedy exactly where a step is refused", s)
		}
		if !s.Can && slices.Contains(s.Faults, "kill-consumer") {
			t.Errorf("a lab was entered, but the probe says that it cannot be: %+v", s)
		}
	}
	if !slices.Equal(before, mounts(t)) {
		t.Error("the probe left a mount")
	}
	for _, left := range leftovers(t) {
		if !slices.ContainsFunc(files, func(e os.DirEntry) bool { return e.Name() == filepath.Base(left) }) {
			t.Errorf("the probe left %s", left)
		}
	}
}

func leftovers(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(os.TempDir(), "waybill-probe-*"))
	must(t, err)
	return found
}

// TestARefusedNamespaceIsNamed takes the right to make network namespaces away, in a user namespace of its own.
func TestARefusedNamespaceIsNamed(t *testing.T) {
	labtest.Hold(t)
	c := reexec.Command("t-refused", t.TempDir())
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	out, err := c.Output()
	must(t, err)
	var got struct {
		Enter string
		Steps []lab.Step
	}
	must(t, json.Unmarshal(out, &got))
	if !strings.Contains(got.Enter, "starting the namespaces") || !strings.Contains(got.Enter, "no space left") || !strings.Contains(got.Enter, "doctor") {
		t.Errorf("the error of Enter names neither step, errno nor what to do: %s", got.Enter)
	}
	if len(got.Steps) < 10 {
		t.Fatalf("%d steps", len(got.Steps))
	}
	for i, s := range got.Steps {
		if s.Can {
			t.Errorf("%q is said to be permitted", s.Name)
		}
		want := "not tried"
		if i == 0 {
			want = "no space left"
		}
		if !strings.Contains(s.Why, want) {
			t.Errorf("%q: why %q, want %q", s.Name, s.Why, want)
		}
	}
	if r := got.Steps[0].Remedy; !strings.Contains(r, "user.max_net_namespaces") {
		t.Errorf("remedy: %s", r)
	}
}

func refused(args []string) int {
	if err := os.WriteFile("/proc/sys/user/max_net_namespaces", []byte("0"), 0); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	var report struct {
		Enter string
		Steps []lab.Step
	}
	_, err := lab.Enter(lab.Spec{Dir: args[0], Program: "t-exit", Args: []string{"0"}})
	report.Enter = fmt.Sprint(err)
	report.Steps = lab.Probe(timeout())
	if err := json.NewEncoder(os.Stdout).Encode(report); err != nil {
		return 1
	}
	return 0
}
