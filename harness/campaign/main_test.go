package campaign

import (
	"os"
	"testing"

	"waybill/harness/reexec"
)

// The probe executes this binary again.
func TestMain(m *testing.M) {
	reexec.Dispatch()
	os.Exit(m.Run())
}
