package labtest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestOneHolderAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders, most atomic.Int32
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			release, err := acquire(t.Context(), path)
			if err != nil {
				t.Error(err)
				return
			}
			most.Store(max(most.Load(), holders.Add(1)))
			time.Sleep(5 * time.Millisecond) // holds it, so that others would be seen beside it
			holders.Add(-1)
			release()
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d held the lock at once", most.Load())
	}
}

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
