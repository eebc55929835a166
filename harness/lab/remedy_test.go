package lab

import (
	"strings"
	"syscall"
	"testing"
)

func TestRemedy(t *testing.T) {
	for _, c := range []struct {
		claim    string
		result   result
		settings map[string]string
		want     string
	}{
		{"Ubuntu's restriction is lifted by its own setting", result{Name: stepPrivate, Errno: syscall.EACCES}, map[string]string{settingAppArmor: "1"}, "kernel.apparmor_restrict_unprivileged_userns=0"},
		{"Debian's by its own", result{Name: stepUser, Errno: syscall.EPERM}, map[string]string{settingClone: "0"}, "kernel.unprivileged_userns_clone=1"},
		{"a setting that permits is not the cause", result{Name: stepUser, Errno: syscall.EPERM}, map[string]string{settingAppArmor: "0", settingClone: "1"}, ""},
		{"a limit is raised", result{Name: stepUser, Errno: syscall.ENOSPC}, nil, "user.max_user_namespaces"},
		{"a full disk is not a limit of namespaces", result{Name: stepAllocate, Errno: syscall.ENOSPC}, nil, "TMPDIR"},
		{"a missing module is loaded", result{Name: stepRate, Errno: syscall.ENOENT}, nil, "modprobe sch_tbf"},
		{"another one too", result{Name: stepVeth, Errno: syscall.EOPNOTSUPP}, nil, "modprobe veth"},
		{"a device that others may not open", result{Name: stepFUSE, Errno: syscall.EACCES}, map[string]string{settingAppArmor: "1"}, "chmod 666 /dev/fuse"},
		{"an old kernel", result{Name: stepFastHeal, Errno: syscall.ENOENT}, nil, "6.15"},
		{"a file system that cannot allocate", result{Name: stepAllocate, Errno: syscall.EOPNOTSUPP}, nil, "ext4"},
		{"what was not tried has no remedy of its own", result{Name: stepProc}, nil, "steps above"},
	} {
		got := remedy(c.result, func(path string) string { return c.settings[path] })
		if !strings.Contains(got, c.want) || got == "" {
			t.Errorf("%s: got %q, want %q in it", c.claim, got, c.want)
		}
		if c.want == "" && strings.Contains(got, "sysctl") {
			t.Errorf("%s: got %q", c.claim, got)
		}
	}
}

func TestEveryProbeStepThatStepsDependOnComesBefore(t *testing.T) {
	seen := map[string]bool{"": true}
	for _, s := range probeSteps {
		if !seen[s.after] {
			t.Errorf("%q is to be tried after %q, which does not come before it", s.name, s.after)
		}
		seen[s.name] = true
	}
	for name := range modules {
		if !seen[name] {
			t.Errorf("a module for the step %q, which there is not", name)
		}
	}
}
