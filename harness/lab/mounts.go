package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// mountLab cuts the lab's mounts off from the machine's, and gives it a /proc of its own processes. On failure it
// names the step.
func mountLab() (step string, err error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "making mounts private", err
	}
	return mountOwn()
}

// mountHost makes what a host sees its own: its processes, shared memory and host names.
func mountHost(hosts string) (step string, err error) {
	if step, err := mountOwn(); err != nil {
		return step, err
	}
	if err := unix.Mount(hosts, "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return "mounting /etc/hosts", err
	}
	return "", nil
}

func mountOwn() (step string, err error) {
	const flags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC
	if err := unix.Mount("proc", "/proc", "proc", flags, ""); err != nil {
		return "mounting /proc", err
	}
	// A machine without shared memory in /dev runs programs that do without.
	if err := unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777"); err != nil && err != unix.ENOENT {
		return "mounting /dev/shm", err
	}
	return "", nil
}

// setting is one kernel setting of a network namespace, below /proc/sys/net.
type setting struct {
	path, value string
	optional    bool // a kernel without it has nothing to set
}

// settings are those of every namespace of the lab. IPv6 is off so that there is one path to cut between any two
// hosts. With fastHeal a connection that was cut is tried again every second and not given up; see
// Documentation/networking/ip-sysctl.rst of Linux on tcp_rto_max_ms (from 6.15) and tcp_retries2.
func settings(fastHeal bool) []setting {
	s := []setting{
		{path: "ipv6/conf/all/disable_ipv6", value: "1", optional: true},
		{path: "ipv6/conf/default/disable_ipv6", value: "1", optional: true},
	}
	if fastHeal {
		s = append(s, setting{path: "ipv4/tcp_rto_max_ms", value: "1000"}, setting{path: "ipv4/tcp_retries2", value: "100"})
	}
	return s
}

// apply sets the settings in the namespace of the calling process.
func apply(settings []setting) error {
	for _, s := range settings {
		err := os.WriteFile("/proc/sys/net/"+s.path, []byte(s.value), 0)
		if s.optional && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("kernel setting %s=%s: %w", s.path, s.value, err)
		}
	}
	return nil
}
