package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

// Names of the steps tried inside that others, or remedies, refer to.
const (
	stepPrivate  = "private mounts"
	stepProc     = "mounting /proc"
	stepOverlay  = "overlay of folders, for a broker's unpacked packages"
	stepBridge   = "bridge"
	stepVeth     = "veth"
	stepDrop     = "nftables drop"
	stepRate     = "tbf rate limit"
	stepFastHeal = "TCP settings for --fast-heal"
	stepFUSE     = "FUSE mount"
	stepAllocate = "fallocate"
)

// probeSteps are what the lab, its faults and the recorder do, each tried as they do it, in the namespaces of a lab.
var probeSteps = []struct {
	name   string
	after  string // the step without which it is not tried
	try    func() error
	faults []string
}{
	{stepPrivate, "", func() error { return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "") }, faultsOfAll},
	{stepProc, stepPrivate, func() error { _, err := mountOwn(); return err }, faultsOfAll},
	{stepOverlay, stepPrivate, probeOverlay, nil},
	{"mounting /etc/hosts", stepPrivate, probeHostsFile, faultsOfAll},
	{"namespaces of a host", stepProc, probeHost, faultsOfAll},
	{"kernel settings of a network namespace", stepProc, func() error { return apply(settings(false)) }, faultsOfAll},
	{stepBridge, "", addBridge, faultsOfAll},
	{stepVeth, "", probeVeth, faultsOfAll},
	{stepDrop, "", probeDrop, faultsOfNetwork},
	{stepRate, "", probeRate, faultsOfLinks},
	{stepAllocate, "", probeAllocate, faultsOfAll},
	{stepFUSE, stepPrivate, probeFUSE, faultsOfDisks},
	{stepFastHeal, stepProc, func() error { return apply(settings(true)) }, nil},
}

func probeHostsFile() error { return unix.Mount("/etc/hosts", "/etc/hosts", "", unix.MS_BIND, "") }

// probeOverlay lays an empty folder over another.
func probeOverlay() error {
	dir, err := os.MkdirTemp("", "waybill-probe-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	target, upper := filepath.Join(dir, "target"), filepath.Join(dir, "upper")
	if err := errors.Join(os.Mkdir(target, 0o755), os.Mkdir(upper, 0o755)); err != nil {
		return err
	}
	if err := mountOver(target, upper); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return unix.Unmount(target, unix.MNT_DETACH)
}

func probeHost() error {
	host := &exec.Cmd{
		Path: reexec.Self, Args: reexec.Argv(programProbe),
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: hostFlags},
	}
	return host.Run()
}

func probeVeth() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "probe0"
	cable := netlink.NewVeth(attrs)
	cable.PeerName = "probe1"
	return netlink.LinkAdd(cable)
}

func probeDrop() error {
	here, err := netns.Get()
	if err != nil {
		return err
	}
	defer here.Close()
	return syncFirewall(here, map[netip.Addr]bool{hostAddr(1): true})
}

func probeRate() error {
	here, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer here.Close()
	return shapeLink(here, "lo", 1_000_000)
}

// probeAllocate allocates as the recorder does before it maps, in the folder for temporary files: a run directory
// elsewhere may lie on another file system.
func probeAllocate() error {
	f, err := os.CreateTemp("", "waybill-probe-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := unix.Fallocate(int(f.Fd()), 0, 0, 4096); err != nil {
		return fmt.Errorf("in %s: %w", os.TempDir(), err)
	}
	return nil
}

// probeFUSE mounts a file system that nobody serves, which is enough to know that mounting is permitted.
func probeFUSE() error {
	device, err := os.OpenFile("/dev/fuse", os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer device.Close()
	dir, err := os.MkdirTemp("", "waybill-probe-*")
	if err != nil {
		return err
	}
	defer os.Remove(dir)
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device.Fd())
	if err := unix.Mount("waybill", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	return unix.Unmount(dir, unix.MNT_DETACH)
}
