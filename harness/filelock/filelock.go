// Package filelock keeps processes of one machine out of each other's way by an exclusive lock on a file. It neither opens nor makes that
// file, and does not order those who wait: whoever asks first once it is free has it.
package filelock

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// poll is how often a lock is tried that somebody else holds: the kernel's own waiting cannot be ended by a context.
const poll = 20 * time.Millisecond

// Take locks f, and waits for whoever has locked the same file through another opening of it, in this process or another, as long as ctx lasts;
// then the error wraps ctx.Err(). Closing f releases the lock, as does the end of the process. Any mode of opening f will do. It is flock(2):
// on a file system of the network it may not reach other machines.
func Take(ctx context.Context, f *os.File) error {
	again := time.NewTicker(poll)
	defer again.Stop()
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("filelock: %s: %w", f.Name(), err)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("filelock: another process holds %s: %w", f.Name(), ctx.Err())
		}
	}
}
