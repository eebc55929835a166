package provision

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"waybill/harness/filelock"
)

// Lock keeps other processes out of a folder that is being filled, which it makes if it is not there. It waits for one that is in it, as long
// as ctx lasts. The kernel releases the lock with the process.
func Lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	if err := filelock.Take(ctx, f); err != nil {
		f.Close()
		return nil, fmt.Errorf("cache: one process at a time prepares it: %w", err)
	}
	return func() { f.Close() }, nil
}
