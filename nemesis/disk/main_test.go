package disk

import (
	"os"
	"testing"

	"waybill/harness/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
