package nats

import (
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	"waybill/harness/history"
	"waybill/targets"
)

// headerAttempt tells an attempt, from the second on. Each header costs the server, and both clients, time with every message: the token is
// the beginning of the body, where grep finds it in the broker's files too, and the key the last part of the subject.
const headerAttempt = "Waybill-Attempt"

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

// encoder makes messages to publish, one at a time and in the same memory: the library copies what it is given before it returns, and with small
// messages it is the garbage that makes a client slow. It is used by one goroutine.
type encoder struct {
	names      names
	identified bool     // messages carry the id by which the broker recognises another attempt
	subjects   []string // by key; "": not needed yet
	body       []byte
	msg        nats.Msg
}

// manyKeys is from which key on subjects are not kept.
const manyKeys = 1 << 16

// encode makes a message, which is good until the next. One without a token is its payload alone.
func (e *encoder) encode(m targets.Message) *nats.Msg {
	e.msg = nats.Msg{Subject: e.subject(m.Key), Data: m.Payload}
	if m.Token == "" {
		return &e.msg
	}
	e.body = m.AppendBody(e.body[:0])
	e.msg.Data = e.body
	if m.Attempt != 1 {
		e.msg.Header = nats.Header{headerAttempt: {strconv.FormatUint(uint64(m.Attempt), 10)}}
	}
	if e.identified {
		if e.msg.Header == nil {
			e.msg.Header = nats.Header{}
		}
		e.msg.Header[nats.MsgIdHdr] = []string{messageID(m.Token)}
	}
	return &e.msg
}

func (e *encoder) subject(key uint32) string {
	if key >= manyKeys {
		return e.names.subject(key)
	}
	for int(key) >= len(e.subjects) {
		e.subjects = append(e.subjects, "")
	}
	if e.subjects[key] == "" {
		e.subjects[key] = e.names.subject(key)
	}
	return e.subjects[key]
}

// messageID is a token without its checksum: the same for every attempt of a message.
func messageID(token string) string {
	if i := strings.LastIndexByte(token, '-'); i > 0 {
		return token[:i]
	}
	return token
}

// decode reads what encode wrote. What is missing or no number becomes zero: the audit sees what arrived. The payload is the message's.
func decode(m *nats.Msg) (token string, attempt, key uint32, payload []byte) {
	k, _ := strconv.ParseUint(m.Subject[strings.LastIndexByte(m.Subject, '.')+1:], 10, 32)
	token, payload, ok := history.CutToken(m.Data)
	if !ok {
		return "", 0, uint32(k), payload
	}
	attempt = 1
	if text := m.Header.Get(headerAttempt); text != "" {
		a, _ := strconv.ParseUint(text, 10, 32)
		attempt = uint32(a)
	}
	return token, attempt, uint32(k), payload
}
