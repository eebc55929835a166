package history

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

func init() {
	reexec.Register("history-test-full-disk", recordUntilFull)
}

// recordUntilFull mounts a small file system over args[0] in its own mount namespace, fills it with two segments,
// and checks that both read whole. It exits with 0 if all is well.
func recordUntilFull(args []string) int {
	if err := fillDisk(args[0]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func fillDisk(dir string) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if err := unix.Mount("waybill", dir, "tmpfs", 0, "size=4m"); err != nil {
		return fmt.Errorf("mount a tmpfs: %w", err)
	}
	var recorders [2]*Recorder
	for i := range recorders {
		r, err := Create(filepath.Join(dir, fmt.Sprintf("%d.seg", i)), Header{Life: Life(i + 1)})
		if err != nil {
			return err
		}
		recorders[i] = r
	}
	var recorded [2]uint64
	texts := [2]string{strings.Repeat("a", 2000), strings.Repeat("b", 2000)}
	for full := 0; full < len(recorders); {
		full = 0
		for i, r := range recorders {
			err := r.Record(&Event{Kind: Send, Msg: Msg{1, recorded[i] + 1}, Text: texts[recorded[i]%2]})
			switch {
			case err == nil:
				recorded[i]++
			case errors.Is(err, ErrFull) && errors.Is(err, unix.ENOSPC):
				full++
			default:
				return fmt.Errorf("error %v, want %v and ENOSPC", err, ErrFull)
			}
		}
	}
	if err := createUntilFull(filepath.Join(dir, "late")); err != nil {
		return err
	}
	for _, r := range recorders {
		if err := r.Record(&Event{Kind: Receive}); !errors.Is(err, ErrFull) {
			return fmt.Errorf("a small event after a large one did not fit: %v, want %v", err, ErrFull)
		}
		err := r.Record(&Event{Kind: Abort, Text: strings.Repeat("full ", 1000)})
		if err != nil {
			return fmt.Errorf("the last words on a full disk: %w", err)
		}
		for err == nil { // what is reserved for the seal is left alone
			err = r.Record(&Event{Kind: Abort})
		}
		if !errors.Is(err, ErrFull) {
			return fmt.Errorf("last words beyond the reserve: %w, want %w", err, ErrFull)
		}
		if err := r.Close(); err != nil {
			return fmt.Errorf("close on a full disk: %w", err)
		}
	}
	return readFull(dir, recorded)
}

// createUntilFull takes the room that was less than a chunk, and leaves none of the segments it creates.
func createUntilFull(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	for i := 0; ; i++ {
		r, err := Create(filepath.Join(dir, fmt.Sprintf("%d.seg", i)), Header{})
		if errors.Is(err, ErrFull) && errors.Is(err, unix.ENOSPC) {
			if _, err := os.Stat(filepath.Join(dir, fmt.Sprintf("%d.seg", i))); err == nil {
				return errors.New("Create on a full disk left a file behind")
			}
			return os.RemoveAll(dir)
		}
		if err != nil {
			return fmt.Errorf("Create on a full disk: %w, want %w", err, ErrFull)
		}
		defer r.Close()
	}
}

func readFull(dir string, recorded [2]uint64) error {
	h, err := Open(dir)
	if err != nil {
		return err
	}
	if err := h.Verify(); err != nil {
		return err
	}
	events, err := all(h)
	if err != nil {
		return err
	}
	var sends, aborts [2]uint64
	for _, e := range events {
		switch e.Kind {
		case Send:
			sends[e.Segment]++
		case Abort:
			aborts[e.Segment]++
		}
	}
	if sends != recorded || aborts[0] < 2 || aborts[1] < 2 || recorded[0] < 100 {
		return fmt.Errorf("read %d sends and %d aborts, recorded were %d sends and several aborts each", sends, aborts, recorded)
	}
	for _, s := range h.Segments() {
		if s.Sealed != SealedByOwner || s.Cut != "" {
			return fmt.Errorf("%s: %s, cut %q", s.Path, s.Sealed, s.Cut)
		}
	}
	return nil
}

func TestAFullDiskIsAnErrorAndTheSegmentIsWhole(t *testing.T) {
	cmd := reexec.Command("history-test-full-disk", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS}
	if os.Getuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAFileSystemWithoutFallocateIsFilledWithZeros(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "x"))
	must(t, err)
	defer f.Close()
	must(t, writeZeros(f, 100, firstChunk+5))
	if s, err := f.Stat(); err != nil || s.Size() != 100+firstChunk+5 {
		t.Errorf("size %d, error %v", s.Size(), err)
	}
}
