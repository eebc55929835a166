package planted

import (
	"os"
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/targets/targettest"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

func TestConformance(t *testing.T) {
	dist := targettest.Provision(t, target{})
	labtest.RunOver(t, dist.Overlay, func(t *testing.T, l *lab.Lab) { targettest.Run(t, target{}, dist, l) })
}
