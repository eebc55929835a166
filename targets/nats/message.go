package nats

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// Headers that a message travels with. The token is a header, so that grep finds it in the broker's files.
const (
	headerToken   = "Waybill-Token"
	headerAttempt = "Waybill-Attempt"
	headerKey     = "Waybill-Key"
)

// names are what one queue is called in the broker.
type names struct {
	stream   string // and durable consumer, and queue group
	subjects string // all of the queue
}

// namesOf keeps to the characters that a stream's name may have.
func namesOf(queue string) names {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, queue)
	return names{stream: clean, subjects: clean + ".>"}
}

func (n names) subject(key uint32) string {
	return n.stream + "." + strconv.FormatUint(uint64(key), 10)
}

// encode makes the message to publish. identified adds the id by which the broker recognises another attempt.
func encode(n names, m targets.Message, identified bool) *nats.Msg {
	h := nats.Header{
		headerToken:   {m.Token},
		headerAttempt: {strconv.FormatUint(uint64(m.Attempt), 10)},
		headerKey:     {strconv.FormatUint(uint64(m.Key), 10)},
	}
	if identified {
		h[nats.MsgIdHdr] = []string{messageID(m.Token)}
	}
	return &nats.Msg{Subject: n.subject(m.Key), Header: h, Data: m.Payload}
}

// messageID is a token without its checksum: the same for every attempt of a message.
func messageID(token string) string {
	if i := strings.LastIndexByte(token, '-'); i > 0 {
		return token[:i]
	}
	return token
}

// decode reads what encode wrote. Headers that are missing or no numbers become zero: the audit sees what arrived.
func decode(m *nats.Msg) (token string, attempt, key uint32) {
	a, _ := strconv.ParseUint(m.Header.Get(headerAttempt), 10, 32)
	k, _ := strconv.ParseUint(m.Header.Get(headerKey), 10, 32)
	return m.Header.Get(headerToken), uint32(a), uint32(k)
}
