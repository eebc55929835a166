package labtest

import (
	"os"
	"testing"
)

// Require is the environment variable that, set to all, makes a test fail that would be skipped because this machine lacks something.
const Require = "WAYBILL_REQUIRE"

// Need ends t where this machine does not have what it needs: with a skip that says what is not tested, and why, or, with
// WAYBILL_REQUIRE=all, with a failure.
func Need(t testing.TB, what string, have bool) {
	t.Helper()
	switch {
	case have:
	case os.Getenv(Require) == "all":
		t.Fatalf("%s=all is set, and this cannot be tested: %s", Require, what)
	default:
		t.Skipf("not tested: %s (with %s=all that is a failure)", what, Require)
	}
}
