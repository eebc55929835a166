package labtest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"waybill/harness/filelock"
)

func lockFile() string { return filepath.Join(os.TempDir(), "waybill-lab.lock") }

// acquire takes the machine's lock for lab tests; it is released by release, or by the end of the process. The file
// may belong to any user: an existing one is opened for reading, which is enough to lock it, because a kernel with
// fs.protected_regular refuses even root to open another user's file in /tmp with O_CREAT.
func acquire(ctx context.Context, path string) (release func(), err error) {
	f, err := openLock(path)
	if err != nil {
		return nil, fmt.Errorf("labtest: lock: %w", err)
	}
	if err := filelock.Take(ctx, f); err != nil {
		f.Close()
		return nil, fmt.Errorf("labtest: one lab test at a time: %w", err)
	}
	return func() { f.Close() }, nil
}

func openLock(path string) (*os.File, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue // somebody was quicker
		}
		if err != nil {
			return nil, err
		}
		if err := f.Chmod(0o666); err != nil { // whatever the umask
			f.Close()
			return nil, err
		}
		return f, nil
	}
}
