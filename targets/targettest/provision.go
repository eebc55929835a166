package targettest

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"waybill/harness/lab/labtest"
	"waybill/targets"
)

// Provision finds or fetches what a target needs, where the command keeps it too. It is called outside the lab, which reaches no network,
// and inside, where it finds what was fetched. Where this machine lacks something, t is skipped or fails as labtest.Need says.
func Provision(t *testing.T, tgt targets.Target) targets.Distribution {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	d, err := tgt.Provision(t.Context(), targets.Provisioning{Cache: filepath.Join(cache, "waybill", tgt.Describe("").Name), Log: t.Logf})
	if errors.Is(err, targets.ErrMissing) {
		labtest.Need(t, err.Error(), false)
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}
