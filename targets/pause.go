package targets

import (
	"context"
	"time"
)

// Pause lets time pass, between two looks at something of which nobody is told, for instance. It returns ctx's error if that ended first.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
