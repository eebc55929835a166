package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Settings of the kernel by which distributions restrict user namespaces.
const (
	settingAppArmor = "kernel/apparmor_restrict_unprivileged_userns" // Ubuntu from 23.10: clone succeeds, what follows does not
	settingClone    = "kernel/unprivileged_userns_clone"             // Debian's kernels
	settingMax      = "user/max_user_namespaces"
)

// modules are the kernel modules that steps need, and that only root can load.
var modules = map[string]string{
	stepBridge: "bridge", stepVeth: "veth", stepDrop: "nf_tables", stepRate: "sch_tbf", stepFUSE: "fuse", stepOverlay: "overlay",
}

// readSetting is a kernel setting below /proc/sys, or "" where there is none.
func readSetting(path string) string {
	value, err := os.ReadFile(filepath.Join("/proc/sys", path))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(value))
}

// inContainer reports whether a container's engine left its mark. It only chooses words.
func inContainer() bool {
	for _, mark := range []string{"/.dockerenv", "/run/.containerenv"} {
		if _, err := os.Stat(mark); !errors.Is(err, fs.ErrNotExist) {
			return true
		}
	}
	return false
}

// remedy says what would permit a step that was refused.
func remedy(r result, setting func(string) string) string {
	const root = "run it with sudo"
	switch r.Errno {
	case 0:
		return "see the steps above"
	case syscall.EPERM, syscall.EACCES:
		switch {
		case r.Name == stepFUSE && r.Errno == syscall.EACCES:
			return "chmod 666 /dev/fuse, or " + root
		case setting(settingAppArmor) == "1":
			return "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or " + root
		case setting(settingClone) == "0":
			return "sysctl -w kernel.unprivileged_userns_clone=1, or " + root
		case setting(settingMax) == "0":
			return "sysctl -w user.max_user_namespaces=15000, or " + root
		case inContainer():
			return "start the container with docker run --privileged"
		case os.Getuid() == 0:
			return "run it with CAP_SYS_ADMIN and CAP_NET_ADMIN, in a container by docker run --privileged"
		}
		return root
	case syscall.ENOSPC:
		if r.Name == stepAllocate {
			return "free some space in the folder for temporary files, or set TMPDIR"
		}
		return "raise the limits of namespaces: sysctl -w user.max_user_namespaces=15000 user.max_pid_namespaces=15000 user.max_mnt_namespaces=15000 user.max_net_namespaces=15000"
	case syscall.ENOENT, syscall.ENODEV, syscall.ENXIO, syscall.EOPNOTSUPP, syscall.EINVAL, syscall.ENOSYS, syscall.EPROTONOSUPPORT:
		if m := modules[r.Name]; m != "" {
			return "modprobe " + m + " as root, or a kernel that has it"
		}
		switch r.Name {
		case stepFastHeal:
			return "Linux 6.15 or newer, or leave --fast-heal off"
		case stepAllocate:
			return "a run directory on ext4, xfs, btrfs or tmpfs"
		}
		return "a kernel with namespaces (CONFIG_USER_NS, CONFIG_PID_NS, CONFIG_NET_NS)"
	}
	return root
}
