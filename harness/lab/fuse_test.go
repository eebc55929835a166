package lab_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

func TestAFUSEMountIsTheHostsAloneAndEndsWithIt(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b")
		dir := filepath.Join(h[0].Dir(), "data")
		must(t, os.Mkdir(dir, 0o755))
		must(t, os.WriteFile(filepath.Join(dir, "plain"), nil, 0o644))
		for range 3 {
			device, err := h[0].MountFUSE(t.Context(), dir)
			must(t, err)
			mounts := run(t, h[0], lab.Proc{Name: "mounts", Path: "/bin/cat", Args: []string{"/proc/mounts"}})
			if !strings.Contains(mounts, dir+" fuse ") {
				t.Errorf("the host's mounts are\n%s", mounts)
			}
			if mounts := run(t, h[1], lab.Proc{Name: "mounts", Path: "/bin/cat", Args: []string{"/proc/mounts"}}); strings.Contains(mounts, dir) {
				t.Errorf("the other host's mounts are\n%s", mounts)
			}
			if _, err := os.Stat(filepath.Join(dir, "plain")); err != nil {
				t.Errorf("the program inside sees the mount: %v", err)
			}
			// The kernel's first question is there to be answered; with the host it goes.
			if n, err := unix.Read(int(device.Fd()), make([]byte, 1<<20)); n < 40 || err != nil {
				t.Errorf("reading the device: %d bytes, %v", n, err)
			}
			must(t, h[0].Kill(t.Context()))
			must(t, unix.SetNonblock(int(device.Fd()), true))
			await(t, "the connection has ended", func() bool {
				_, err := unix.Read(int(device.Fd()), make([]byte, 1<<20))
				return errors.Is(err, unix.ENODEV)
			})
			must(t, device.Close())
			must(t, h[0].Restart(t.Context()))
			os.Remove(filepath.Join(h[0].Dir(), "mounts.stdout"))
			os.Remove(filepath.Join(h[1].Dir(), "mounts.stdout"))
		}
	})
}

func TestWhatCannotBeMountedOver(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a")[0]
		file := filepath.Join(h.Dir(), "file")
		must(t, os.WriteFile(file, nil, 0o644))
		for claim, c := range map[string]struct {
			dir  string
			want string
			is   error
		}{
			"a folder elsewhere":      {"/tmp", "below", nil},
			"the host's folder":       {h.Dir(), "below", nil},
			"a folder that is not":    {file + "s", "no such file", syscall.ENOENT},
			"what is not a folder":    {file, "not a directory", syscall.ENOTDIR},
			"a folder by the way out": {h.Dir() + "/../../x", "below", nil},
		} {
			_, err := h.MountFUSE(t.Context(), c.dir)
			if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) || errors.Is(err, lab.ErrNoFUSE) {
				t.Errorf("%s: %v", claim, err)
			}
		}
		must(t, h.Pause(t.Context()))
		if _, err := h.MountFUSE(t.Context(), filepath.Join(h.Dir(), "d")); !errors.Is(err, lab.ErrPaused) {
			t.Errorf("on a paused host: %v", err)
		}
		must(t, h.Kill(t.Context()))
		if _, err := h.MountFUSE(t.Context(), filepath.Join(h.Dir(), "d")); !errors.Is(err, lab.ErrDown) {
			t.Errorf("on a host that is down: %v", err)
		}
	})
}

func TestWithoutFUSETheRefusalSaysWhatWouldPermitIt(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		// For the hosts of this lab the device is another one, which cannot be mounted.
		must(t, unix.Mount("/dev/null", "/dev/fuse", "", unix.MS_BIND, ""))
		h := addHosts(t, l, "a")[0]
		dir := filepath.Join(h.Dir(), "data")
		must(t, os.Mkdir(dir, 0o755))
		begin := time.Now()
		_, err := h.MountFUSE(t.Context(), dir)
		if !errors.Is(err, lab.ErrNoFUSE) || !errors.Is(err, syscall.EINVAL) || !strings.Contains(err.Error(), "modprobe fuse") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(begin); took > patience {
			t.Errorf("it took %v", took)
		}
		run(t, h, lab.Proc{Name: "alive", Program: "t-exit", Args: []string{"0"}}) // and the host goes on
	})
}
