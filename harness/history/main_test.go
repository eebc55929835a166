package history

import (
	"os"
	"testing"

	"waybill/harness/reexec"
)

func TestMain(m *testing.M) {
	reexec.Dispatch()
	os.Exit(m.Run())
}
