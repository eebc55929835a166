package labtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestWaitingEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := acquire(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if _, err := acquire(ctx, path); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAnyUserMayLock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	release, err := acquire(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	release()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != 0o666 {
		t.Errorf("mode %v, want -rw-rw-rw-: another user could not open it", info.Mode())
	}
	// A file of another user can at least be read.
	if err := os.Chmod(path, 0o444); err != nil {
		t.Fatal(err)
	}
	release, err = acquire(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	release()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/hosts", path); err != nil {
		t.Fatal(err)
	}
	if _, err := acquire(t.Context(), path); err == nil {
		t.Error("a symbolic link in place of the lock was followed")
	}
}
