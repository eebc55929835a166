package kafka

import (
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/targets/targettest"
)

func TestConformance(t *testing.T) {
	dist := targettest.Provision(t, target{}) // outside the lab; inside it is found in the cache
	labtest.RunOver(t, dist.Overlay, func(t *testing.T, l *lab.Lab) { targettest.Run(t, target{}, dist, l) })
}
