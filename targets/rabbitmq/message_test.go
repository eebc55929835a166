package rabbitmq

import (
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
	"waybill/targets"
)

func TestAMessageArrivesAsItWasSent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sent := targets.Message{
			Token: rapid.String().Draw(rt, "token"), Attempt: rapid.Uint32().Draw(rt, "attempt"), Key: rapid.Uint32().Draw(rt, "key"),
		}
		m, _ := modeOf(rapid.SampledFrom(modeNames()).Draw(rt, "mode"))
		key, p := m.encode(namesOf("q"), sent)
		if err := p.Headers.Validate(); err != nil {
			rt.Fatal(err)
		}
		if token, attempt, k := decode(p.Headers); token != sent.Token || attempt != sent.Attempt || k != sent.Key {
			rt.Fatalf("sent %+v, arrived %q, %d, %d", sent, token, attempt, k)
		}
		if astray := (m.Name == "unroutable" || m.Name == "mandatory") && sent.Key%4 == 3; (key == "q.nowhere") != astray || (key == "q") == astray {
			rt.Fatalf("key %d of mode %s is routed by %q", sent.Key, m.Name, key)
		}
		if durable := m.Name != "auto-ack"; (p.DeliveryMode == amqp.Persistent) != durable {
			rt.Fatalf("mode %s: delivery mode %d", m.Name, p.DeliveryMode)
		}
	})
}

func TestHeadersThatAreNotOursAreNothing(t *testing.T) {
	for _, h := range []amqp.Table{nil, {headerToken: 5, headerAttempt: int32(1), headerKey: []byte("1")}, {headerAttempt: "-1", headerKey: "4294967296"}} {
		if token, attempt, key := decode(h); token != "" || attempt != 0 || key != 0 {
			t.Errorf("%v is read as %q, %d, %d", h, token, attempt, key)
		}
	}
}

func TestDeliveriesAreCountedAsFarAsTheQueueKnows(t *testing.T) {
	for _, x := range []struct {
		claim string
		d     amqp.Delivery
		want  uint64
	}{
		{"first", amqp.Delivery{}, 1},
		{"again, of a classic queue", amqp.Delivery{Redelivered: true}, 0},
		{"once before", amqp.Delivery{Redelivered: true, Headers: amqp.Table{headerDeliveries: int64(1)}}, 2},
		{"whatever the width", amqp.Delivery{Redelivered: true, Headers: amqp.Table{headerDeliveries: uint8(3)}}, 4},
		{"whatever the width", amqp.Delivery{Redelivered: true, Headers: amqp.Table{headerDeliveries: int32(3)}}, 4},
		{"first, and the header is there", amqp.Delivery{Headers: amqp.Table{headerDeliveries: int16(0)}}, 1},
		{"a header that is no number", amqp.Delivery{Redelivered: true, Headers: amqp.Table{headerDeliveries: "7"}}, 0},
		{"a header that is no count", amqp.Delivery{Redelivered: true, Headers: amqp.Table{headerDeliveries: int8(-1)}}, 0},
	} {
		if got := deliveries(&x.d); got != x.want {
			t.Errorf("%s: %d, want %d", x.claim, got, x.want)
		}
	}
}
