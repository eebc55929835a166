package provision

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestPreparingWaitsForOthers(t *testing.T) {
	dir := t.TempDir() + "/new"
	unlock, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Lock(ctx, dir); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another process holds") {
		t.Errorf("%v", err)
	}
	unlock()
	again, err := Lock(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
