package lab

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// mountLab cuts the lab's mounts off from the machine's, lays folders over others, and gives the lab a /proc of its
// own processes. On failure it names the step.
func mountLab(overlay map[string]string) (step string, err error) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return "making mounts private", err
	}
	for _, target := range slices.Sorted(maps.Keys(overlay)) {
		if err := mountOver(target, overlay[target]); err != nil {
			return fmt.Sprintf("laying %s over %s", overlay[target], target), err
		}
	}
	return mountOwn()
}

// mountOver makes the content of folder upper appear in target, beside and before what target has, read only. See
// Documentation/filesystems/overlayfs.rst of Linux on multiple lower layers; without a writable layer no extended
// attribute is ever written, so it needs no option of its own in a user namespace (from Linux 5.11).
func mountOver(target, upper string) error {
	// In the list of layers a colon separates and a backslash escapes; a comma would end the option.
	layer := strings.NewReplacer(`\`, `\\`, `:`, `\:`, `,`, `\,`)
	options := "lowerdir=" + layer.Replace(upper) + ":" + layer.Replace(target)
	if len(options) >= os.Getpagesize() {
		return fmt.Errorf("the two paths are longer than the %d bytes that mount takes", os.Getpagesize())
	}
	return unix.Mount("waybill", target, "overlay", unix.MS_RDONLY|unix.MS_NODEV, options)
}

// checkOverlay finds what the kernel would refuse in words that say nothing.
func checkOverlay(overlay map[string]string) error {
	for target, upper := range overlay {
		for _, path := range []string{target, upper} {
			if !filepath.IsAbs(path) {
				return fmt.Errorf("lab: laying %s over %s: expected absolute paths", upper, target)
			}
			info, err := os.Stat(path)
			if err != nil {
				return fmt.Errorf("lab: laying %s over %s: %w", upper, target, err)
			}
			if !info.IsDir() {
				return fmt.Errorf("lab: laying %s over %s: %s is not a folder", upper, target, path)
			}
		}
	}
	return nil
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
