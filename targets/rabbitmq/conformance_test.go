package rabbitmq

import (
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/targets/targettest"
)

func TestConformance(t *testing.T) {
	dist := targettest.Provision(t, target{})
	labtest.RunOver(t, dist.Overlay, func(t *testing.T, l *lab.Lab) { targettest.Run(t, target{}, dist, l) })
}
