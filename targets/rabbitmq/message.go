package rabbitmq

import (
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/harness/history"
	"waybill/targets"
)

// headerAttempt tells an attempt, from the second on: a table costs the broker, and both clients, time with every message. The token begins the
// body, where grep finds it in the broker's files too, and the key is the correlation id.
const headerAttempt = "wb-attempt"

// encode makes the message to publish and the routing key that it gets. Numbers travel as text: a table's integers come
// back in whatever width the broker chose. A message without a token is its payload alone.
func (m mode) encode(n names, msg targets.Message) (key string, p amqp.Publishing) {
	key = n.key
	if m.astray && msg.Key%share == share-1 {
		key = n.nowhere
	}
	p = amqp.Publishing{DeliveryMode: amqp.Transient, Body: msg.Payload}
	if msg.Token != "" {
		p.Body = msg.AppendBody(make([]byte, 0, len(msg.Token)+len(msg.Payload)))
		p.CorrelationId = strconv.FormatUint(uint64(msg.Key), 10)
		if msg.Attempt != 1 {
			p.Headers = amqp.Table{headerAttempt: strconv.FormatUint(uint64(msg.Attempt), 10)}
		}
	}
	if m.persistent {
		p.DeliveryMode = amqp.Persistent
	}
	return key, p
}

// decode reads what encode wrote. What is missing or no number becomes zero: the audit sees what arrived. The payload is the body's.
func decode(h amqp.Table, correlation string, body []byte) (token string, attempt, key uint32, payload []byte) {
	token, payload, ok := history.CutToken(body)
	if !ok {
		return "", 0, 0, payload
	}
	attempt = 1
	if text, there := h[headerAttempt]; there {
		attempt = number(text)
	}
	return token, attempt, number(correlation), payload
}

func number(v any) uint32 {
	s, _ := v.(string)
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil {
		return 0
	}
	return uint32(n)
}

// headerDeliveries counts, on quorum queues, how often a message was delivered before and came back. Other queues know only
// whether it was.
const headerDeliveries = "x-delivery-count"

// deliveries is the number of this delivery, from 1; 0 if all that is known is that it is not the first.
func deliveries(d *amqp.Delivery) uint64 {
	if n, ok := integer(d.Headers[headerDeliveries]); ok && n > 0 {
		return n + 1
	}
	if d.Redelivered {
		return 0
	}
	return 1
}

// integer reads a table's integer, whose width is the broker's choice.
func integer(v any) (uint64, bool) {
	switch n := v.(type) {
	case int64:
		return uint64(n), n >= 0
	case int32:
		return uint64(n), n >= 0
	case int16:
		return uint64(n), n >= 0
	case int8:
		return uint64(n), n >= 0
	case uint8:
		return uint64(n), true
	}
	return 0, false
}
