package targettest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"waybill/harness/lab/labtest"
	"waybill/targets"
)

// provisionWithin is how long fetching may take, the first time: a network that answers nothing fails the test, and does not use up its
// whole time.
const provisionWithin = 5 * time.Minute

// Provision finds or fetches what a target needs, where the command keeps it too. It is called outside the lab, which reaches no network,
// and inside, where it finds what was fetched. Where this machine lacks something, t is skipped or fails as labtest.Need says.
func Provision(t *testing.T, tgt targets.Target) targets.Distribution {
	t.Helper()
	return provision(t, tgt, tgt.Provision)
}

// ProvisionTool does the same for the product's own benchmark tool.
func ProvisionTool[R interface {
	targets.Target
	targets.Rival
}](t *testing.T, tgt R) targets.Tool {
	t.Helper()
	return provision(t, tgt, tgt.ProvisionTool)
}

func provision[T any](t *testing.T, tgt targets.Target, fetch func(context.Context, targets.Provisioning) (T, error)) T {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	ctx, cancel := context.WithTimeout(t.Context(), provisionWithin)
	defer cancel()
	found, err := fetch(ctx, targets.Provisioning{Cache: filepath.Join(cache, "waybill", tgt.Describe("").Name), Log: t.Logf})
	if errors.Is(err, targets.ErrMissing) {
		labtest.Need(t, err.Error(), false)
	}
	if err != nil {
		t.Fatalf("provisioning, within %v: %v", provisionWithin, err)
	}
	return found
}
