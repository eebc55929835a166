package kafka

import (
	"testing"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/targets/targettest"
)

func TestTheProductsOwnToolPublishesAsManyAsItSays(t *testing.T) {
	dist, tool := targettest.Provision(t, target{}), targettest.ProvisionTool(t, target{})
	labtest.RunOver(t, dist.Overlay, func(t *testing.T, l *lab.Lab) {
		targettest.Rival(t, target{}, dist, tool, l, "acks-0", "acks-1", "acks-all", "idempotent")
	})
}
