package rabbitmq

import (
	"bytes"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"pgregory.net/rapid"
	"waybill/targets"
)

func TestAMessageArrivesAsItWasSent(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		sent := targets.Message{Attempt: rapid.Uint32().Draw(rt, "attempt"), Key: rapid.Uint32().Draw(rt, "key"), Payload: []byte(rapid.String().Draw(rt, "payload"))}
		if rapid.Bool().Draw(rt, "named") {
			sent.Token = tokenNamed(rapid.String().Draw(rt, "name"))
		}
		m, _ := modeOf(rapid.SampledFrom(modeNames()).Draw(rt, "mode"))
		key, p := m.encode(namesOf("q"), sent)
		if err := p.Headers.Validate(); err != nil {
			rt.Fatal(err)
		}
		if first := sent.Token == "" || sent.Attempt == 1; (len(p.Headers) == 0) != first {
			rt.Fatalf("attempt %d of %q has headers %v", sent.Attempt, sent.Token, p.Headers)
		}
		arrives := sent
		if sent.Token == "" { // it is payload alone
			arrives.Attempt, arrives.Key = 0, 0
		}
		if token, attempt, k, payload := decode(p.Headers, p.CorrelationId, p.Body); token != arrives.Token || attempt != arrives.Attempt || k != arrives.Key || !bytes.Equal(payload, sent.Payload) {
			rt.Fatalf("sent %+v, arrived %q, %d, %d, %q", sent, token, attempt, k, payload)
		}
		if astray := (m.Name == "unroutable" || m.Name == "mandatory") && sent.Key%4 == 3; (key == "q.nowhere") != astray || (key == "q") == astray {
			rt.Fatalf("key %d of mode %s is routed by %q", sent.Key, m.Name, key)
		}
		if durable := m.Name != "auto-ack"; (p.DeliveryMode == amqp.Persistent) != durable {
			rt.Fatalf("mode %s: delivery mode %d", m.Name, p.DeliveryMode)
		}
	})
}

func TestWhatIsNotOursIsNothing(t *testing.T) {
	for _, c := range []struct {
		headers           amqp.Table
		correlation, body string
		attempt           uint32 // of a token
	}{
		{nil, "7", "hello", 0},
		{amqp.Table{headerAttempt: "3"}, "7", tokenNamed("t")[1:] + "x", 0},
		{amqp.Table{headerAttempt: int32(1)}, "-1", tokenNamed("t"), 0},
		{amqp.Table{headerAttempt: "-1"}, "4294967296", tokenNamed("t"), 0},
		{nil, "", tokenNamed("t"), 1},
	} {
		token, attempt, key, _ := decode(c.headers, c.correlation, []byte(c.body))
		if (token != "") != (c.body == tokenNamed("t")) || attempt != c.attempt || key != 0 {
			t.Errorf("%v, %q, %q is read as %q, %d, %d", c.headers, c.correlation, c.body, token, attempt, key)
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
