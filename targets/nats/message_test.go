package nats

import (
	"bytes"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"waybill/harness/history"
	"waybill/targets"
)

func TestAMessageIsReadAsItWasWritten(t *testing.T) {
	n := namesOf("q")
	payload := []byte("what is carried")
	m := history.Msg{Life: 3, Seq: 77}
	token := history.Token("unittest", m, history.Checksum(m, 5, payload))
	for _, c := range []struct {
		claim      string
		sent       targets.Message
		identified bool
		headers    string
	}{
		{"a first attempt has no headers", targets.Message{Token: token, Attempt: 1, Key: 5, Payload: payload}, false, ""},
		{"another one says which it is", targets.Message{Token: token, Attempt: 12, Key: 5, Payload: payload}, false, headerAttempt},
		{"an id is a header", targets.Message{Token: token, Attempt: 1, Key: 5, Payload: payload}, true, nats.MsgIdHdr},
		{"of another attempt both are", targets.Message{Token: token, Attempt: 2, Key: 5, Payload: payload}, true, nats.MsgIdHdr + "," + headerAttempt},
		{"a payload may be empty", targets.Message{Token: token, Attempt: 1, Key: 4294967295}, false, ""},
		{"without a token there is a payload alone", targets.Message{Key: 5, Payload: payload}, false, ""},
	} {
		msg := (&encoder{names: n, identified: c.identified}).encode(c.sent)
		for _, h := range []string{nats.MsgIdHdr, headerAttempt} {
			if got, want := msg.Header.Get(h) != "", strings.Contains(c.headers, h); got != want {
				t.Errorf("%s: header %s is there: %t, want %t", c.claim, h, got, want)
			}
		}
		token, attempt, key, payload := decode(msg)
		if token != c.sent.Token || attempt != c.sent.Attempt || key != c.sent.Key || !bytes.Equal(payload, c.sent.Payload) {
			t.Errorf("%s: read as %q, %d, %d, %q", c.claim, token, attempt, key, payload)
		}
	}
	if id := (&encoder{names: n, identified: true}).encode(targets.Message{Token: token, Attempt: 2}).Header.Get(nats.MsgIdHdr); id != m.Prefix("unittest") {
		t.Errorf("the id is %q, want the same for every attempt", id)
	}
}

func TestWhatNoProducerWroteIsShownAsItIs(t *testing.T) {
	token := history.Token("unittest", history.Msg{Life: 3, Seq: 77}, 5)
	broken := strings.Replace(token, "77", "7x", 1)
	for _, c := range []struct {
		claim, body, token, payload string
	}{
		{"nothing", "", "", ""},
		{"another's body", "hello", "", "hello"},
		{"a token that is cut off", token[:history.TokenLen-1], "", token[:history.TokenLen-1]},
		{"a token that is none", broken + "rest", broken, "rest"},
	} {
		token, _, _, payload := decode(&nats.Msg{Subject: "q.1", Data: []byte(c.body)})
		if token != c.token || string(payload) != c.payload {
			t.Errorf("%s: read as %q and %q", c.claim, token, payload)
		}
	}
}
