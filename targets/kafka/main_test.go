package kafka

import (
	"os"
	"testing"

	"waybill/harness/lab/labtest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }
