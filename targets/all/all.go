// Package all links every target into the binary. It alone imports their packages, and does nothing else.
package all

import (
	_ "waybill/targets/kafka"    // registers itself, as all do
	_ "waybill/targets/nats"     //
	_ "waybill/targets/planted"  // the harness's own test piece
	_ "waybill/targets/rabbitmq" //
)
