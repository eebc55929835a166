package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// ErrNoFUSE is returned where this machine does not let a host mount a file system that a program serves. The error
// says which step was refused, why, and what would permit it.
var ErrNoFUSE = errors.New("this machine permits no FUSE mount")

// mountRequest asks for a mount over a folder; the reply carries the device to serve it by.
type mountRequest struct{ Dir string }

// MountFUSE mounts a file system over dir, a folder below Dir, for everything on the host and for nobody else: to the
// program inside, and to other hosts, dir is what it was. It returns the open /dev/fuse by which the mount is to be
// served; until it is, whoever looks into dir waits. Kill, and whatever else ends the host, ends the mount; Restart does
// not bring it back. ErrNoFUSE where it is not permitted.
func (h *Host) MountFUSE(ctx context.Context, dir string) (*os.File, error) {
	if inside, err := filepath.Rel(h.dir, dir); err != nil || inside == "." || inside == ".." || strings.HasPrefix(inside, "../") {
		return nil, fmt.Errorf("lab: host %s: mounting over %s: expected a folder below %s", h.name, dir, h.dir)
	}
	h.turn.Lock()
	defer h.turn.Unlock()
	live := h.incarnation()
	if live == nil {
		return nil, h.down()
	}
	if h.paused {
		return nil, fmt.Errorf("lab: host %s: %w: Resume it before MountFUSE", h.name, ErrPaused)
	}
	a, err := live.ask(ctx, request{Mount: &mountRequest{Dir: dir}}, -1)
	switch {
	case err != nil:
		return nil, fmt.Errorf("lab: host %s: mounting over %s: %w", h.name, dir, err)
	case a.Error != "" && a.Step == stepFUSE:
		why := remoteError{a.Error, a.Errno}
		return nil, fmt.Errorf("lab: host %s: %w: %w: %s", h.name, ErrNoFUSE, why, remedy(result{Name: stepFUSE, Error: a.Error, Errno: a.Errno}, readSetting))
	case a.Error != "":
		return nil, fmt.Errorf("lab: host %s: mounting over %s: %w", h.name, dir, remoteError{a.Error, a.Errno})
	case a.file == nil:
		return nil, fmt.Errorf("lab: host %s: mounting over %s: its init sent no device", h.name, dir)
	}
	return a.file, nil
}

// mount does it in the host's namespaces.
func (h *hostInit) mount(id uint64, r mountRequest) {
	m := message{ReplyTo: id}
	device, step, err := mountFUSE(r.Dir)
	if err != nil {
		m.Step, m.Error = step, err.Error()
		errors.As(err, &m.Errno)
		_ = send(h.conn, m, -1) // a broken socket ends the loop that called us
		return
	}
	defer device.Close()
	_ = send(h.conn, m, int(device.Fd())) // likewise
}

// mountFUSE opens the device and mounts it over dir. The step that failed is named where a machine may refuse it.
func mountFUSE(dir string) (device *os.File, step string, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return nil, "", err
	}
	if !info.IsDir() {
		return nil, "", &os.PathError{Op: "mount", Path: dir, Err: syscall.ENOTDIR}
	}
	// Opened for blocking reads, and not given to the poller: the server reads it as the kernel's other servers do.
	fd, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, stepFUSE, fmt.Errorf("opening /dev/fuse: %w", err)
	}
	device = os.NewFile(uintptr(fd), "/dev/fuse")
	// Permissions are the kernel's to check, as on a disk; whoever is another user on the host may use it too.
	options := fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0,default_permissions,allow_other", fd)
	if err := unix.Mount("waybill-disk", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, options); err != nil {
		device.Close()
		return nil, stepFUSE, fmt.Errorf("mounting FUSE: %w", err)
	}
	return device, "", nil
}
