package filelock

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// opened is the file, made if it is not there, through an opening of its own.
func opened(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestOneHolderAtATime(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	var holders, most atomic.Int32
	var all sync.WaitGroup
	for range 5 {
		f := opened(t, path)
		all.Go(func() {
			if err := Take(t.Context(), f); err != nil {
				t.Error(err)
				return
			}
			most.Store(max(most.Load(), holders.Add(1)))
			time.Sleep(5 * time.Millisecond) // holds it, so that others would be seen beside it
			holders.Add(-1)
			f.Close()
		})
	}
	all.Wait()
	if most.Load() != 1 {
		t.Errorf("%d held the lock at once", most.Load())
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := Take(t.Context(), opened(t, path)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*poll)
	defer cancel()
	if err := Take(ctx, opened(t, path)); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), path) {
		t.Errorf("%v, want the end of the time, and the file's name", err)
	}
}

func TestWhatIsNoOpenFileIsAnError(t *testing.T) {
	f := opened(t, filepath.Join(t.TempDir(), "lock"))
	f.Close()
	if err := Take(t.Context(), f); err == nil {
		t.Error("a closed file was locked")
	}
}
