package frames

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// said is one frame, and what is to be known of it.
type said struct {
	toClient bool
	bytes    []byte
	kind     Kind
}

func out(k Kind, b []byte) said { return said{false, b, k} }
func in(k Kind, b []byte) said  { return said{true, b, k} }

func TestKindsOfFrames(t *testing.T) {
	const nobody = "NATS/1.0 503\r\n\r\n"
	for name, c := range map[string]struct {
		protocol string
		said     []said
	}{
		"nats: publishes and their answers": {"nats", []said{
			in("", []byte("INFO {\"a\":1}\r\n")), out("", []byte("CONNECT {}\r\n")), out("", []byte("PING\r\n")), in("", []byte("PONG\r\n")),
			out("", []byte("SUB _INBOX.a.* 1\r\n")), in("", []byte("+OK\r\n")), in("", []byte("-ERR 'no'\r\n")),
			out(Publish, natsPub("s.1", "_INBOX.a.1", "MSG _INBOX.a.1 1 2")),
			out(Publish, natsHPub("s.1", "_INBOX.a.2", "NATS/1.0\r\nA: b\r\n\r\n", "x")),
			out(Publish, natsPub("s.1", "", "")),
			in("", natsMsg("_INBOX.b", "other")),
			in(Confirm, natsMsg("_INBOX.a.2", "{}")),
			in("", natsMsg("_INBOX.a.2", "{}")),
			in(Confirm, natsHMsg("_INBOX.a.1", "r", "NATS/1.0\r\n\r\n", "{}")),
			out("", []byte("UNSUB 1\r\n")), out("", []byte("PONG\r\n")), in("", []byte("PING\r\n")),
		}},
		"nats: what is no publish": {"nats", []said{
			out("", natsPub("$JS.API.STREAM.INFO.s", "_INBOX.a.1", "")), in("", natsMsg("_INBOX.a.1", "{}")),
			out("", natsPub("_INBOX.x", "", "an answer")), out("", natsPub("_R_.x", "", "an answer")),
		}},
		"nats: that nobody listens confirms nothing": {"nats", []said{
			out(Publish, natsPub("s.1", "_INBOX.a.1", "x")), in("", natsHMsg("_INBOX.a.1", "", nobody, "")),
		}},
		"nats: acknowledgements": {"nats", []said{
			out(Ack, natsPub("$JS.ACK.s.c.1.1.1.1.0", "", "")), out(Ack, natsPub("$JS.ACK.s.c.1.1.1.1.0", "_INBOX.a", "+ACK")),
			out(Ack, natsPub("$JS.ACK.s", "", "-NAK {\"delay\":1}")), out(Ack, natsPub("$JS.ACK.s", "", "+TERM why")), out(Ack, natsPub("$JS.ACK.s", "", "+NXT")),
			out("", natsPub("$JS.ACK.s", "", "+WPI")), out("", natsPub("$JS.ACK.s", "", "+AC")),
			out(Ack, natsHPub("$JS.ACK.s", "r", "NATS/1.0\r\n\r\n", "+ACK")), out("", natsHPub("$JS.ACK.s", "r", "NATS/1.0\r\n\r\n", "+WPI")),
			in("", natsMsg("_INBOX.a", "")),
		}},
		"nats: as people type it": {"nats", []said{out(Publish, []byte("pub\ts   _INBOX.q\t 2 \r\nhi\r\n")), in(Confirm, []byte("msg _INBOX.q 7 0\r\n\r\n"))}},
		"kafka: produce in all its forms": {"kafka", []said{
			out("", kafkaAsks(18, 3, 1, false)), in("", kafkaAnswers(1, "versions")),
			out(Publish, kafkaProduces(2, 2, 1)), out(Publish, kafkaProduces(3, 3, -1)), out(Publish, kafkaProduces(8, 4, 0)), out(Publish, kafkaProduces(9, 5, 0)), out(Publish, kafkaProduces(11, 6, -1)),
			in(Confirm, kafkaAnswers(2, "")), in(Confirm, kafkaAnswers(3, "x")), in(Confirm, kafkaAnswers(6, "x")),
		}},
		"kafka: offsets and transactions": {"kafka", []said{
			out(Ack, kafkaAsks(8, 8, 1, true)), out(End, kafkaAsks(26, 3, 2, true)), out(Ack, kafkaAsks(28, 3, 3, true)), out("", kafkaAsks(1, 12, 4, true)),
			in("", kafkaAnswers(1, "x")), in(Commit, kafkaAnswers(2, "x")), in("", kafkaAnswers(3, "x")), in("", kafkaAnswers(4, "x")),
		}},
		"amqp: confirmations": {"amqp", []said{
			out("", amqpGreeting), in("", amqpCall(0, 10<<16|10, 1, 2, 3)), out("", amqpCall(1, channelOpen, 0)),
			in("", amqpTagged(1, basicAck, 1, 0)), // not asked for
			out("", amqpCall(1, confirmSelect, 0)), in("", amqpCall(1, 85<<16|11)),
			in(Confirm, amqpTagged(1, basicAck, 1, 0)), in(Confirm, amqpTagged(1, basicNack, 2, 1)), in("", amqpTagged(2, basicAck, 1, 0)),
			in("", amqpFrame(amqpHeartbeat, 0, nil)), out("", amqpFrame(amqpHeartbeat, 0, nil)),
			out("", amqpCall(1, channelClosed)), in("", amqpTagged(1, basicAck, 1, 0)),
		}},
		"amqp: acknowledgements": {"amqp", []said{
			out("", amqpGreeting), out(Ack, amqpTagged(1, basicAck, 1, 0)), out(Ack, amqpTagged(1, basicNack, 2, 3)), out(Ack, amqpTagged(1, basicReject, 2, 1)),
		}},
		"amqp: a broker of another version": {"amqp", []said{out("", amqpGreeting), in("", []byte("AMQP\x00\x01\x00\x00"))}},
	} {
		t.Run(name, func(t *testing.T) {
			s := protocols[c.protocol].open()
			for i, what := range c.said {
				read := s.out
				if what.toClient {
					read = s.in
				}
				more := append(bytes.Clone(what.bytes), 1, 2, 3) // of the next
				var f frame
				var ok bool
				for n := 1; !ok; n++ {
					if n > len(what.bytes) {
						t.Fatalf("frame %d, %q: more is wanted than it has", i, what.bytes)
					}
					var err error
					if f, ok, err = read(more[:n:n]); err != nil {
						t.Fatalf("frame %d, %q: %v after %d bytes", i, what.bytes, err, n)
					}
				}
				if f.kind != what.kind {
					t.Errorf("frame %d, %q: kind %q, want %q", i, what.bytes, f.kind, what.kind)
				}
				if !f.line && f.size != int64(len(what.bytes)) {
					t.Errorf("frame %d, %q: %d bytes, want %d", i, what.bytes, f.size, len(what.bytes))
				}
			}
		})
	}
}

func TestWhatIsNotOfTheProtocolIsGivenUpSoon(t *testing.T) {
	hello := []byte{0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0, 1, 0xfc, 3, 3, 1, 2, 3, 4, 5}
	for name, c := range map[string]struct {
		protocol string
		out, in  []byte
	}{
		"nats: TLS":                       {"nats", hello, hello},
		"nats: another protocol":          {"nats", []byte("GET / HTTP/1.1\r\n"), []byte("HTTP/1.1 200 OK\r\n")},
		"nats: a size that is none":       {"nats", []byte("PUB a b x\r\n"), []byte("MSG a b\r\n")},
		"nats: too many words":            {"nats", []byte("PUB a b c d 1\r\n"), []byte("MSG a 1 b c d e f g 1\r\n")},
		"nats: a header past its message": {"nats", []byte("HPUB a 9 3\r\n"), []byte("HMSG a 1 9 3\r\n")},
		"nats: too large":                 {"nats", []byte("PUB a 99999999\r\n"), []byte("MSG a 1 99999999999999999999999\r\n")},
		"nats: a line without end":        {"nats", []byte("PUB " + strings.Repeat("a", maxNATSLine)), []byte("MSG " + strings.Repeat("a", maxNATSLine))},
		"kafka: TLS":                      {"kafka", hello, hello},
		"kafka: another protocol":         {"kafka", []byte("GET / HTTP/1.1\r\n"), []byte("HTTP/1.1 200 OK\r\n")},
		"kafka: no request was sent":      {"kafka", nil, kafkaAnswers(1, "x")},
		"kafka: an unheard of request":    {"kafka", kafkaAsks(5000, 1, 1, false), nil},
		"kafka: less than it says":        {"kafka", kafkaFrame([]byte{0, 0, 0, 9, 0, 0, 0, 1, 0, 90, 1, 1, 1, 1}), nil},
		"kafka: tags without end":         {"kafka", kafkaFrame([]byte{0, 0, 0, 9, 0, 0, 0, 1, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 1}), nil},
		"amqp: TLS":                       {"amqp", hello, hello},
		"amqp: version 1.0":               {"amqp", []byte("AMQP\x00\x01\x00\x00"), []byte("AMQX\x00\x01\x00\x00")},
		"amqp: an unheard of frame":       {"amqp", append(bytes.Clone(amqpGreeting), 4, 0, 0), []byte{4, 0, 0}},
		"amqp: an ack without a tag":      {"amqp", append(bytes.Clone(amqpGreeting), amqpCall(1, basicAck)...), amqpCall(1, basicAck)},
		"amqp: too large":                 {"amqp", append(bytes.Clone(amqpGreeting), 1, 0, 1, 255, 255, 255, 255), []byte{1, 0, 1, 255, 255, 255, 255}},
	} {
		t.Run(name, func(t *testing.T) {
			for direction, b := range map[string][]byte{"out": c.out, "in": c.in} {
				if b == nil {
					continue
				}
				f, _ := newFilter(t, c.protocol)
				set(t, f, Rule{Kind: Publish, Act: Drop, Share: 1}, Rule{Kind: Confirm, Act: Drop, Share: 1})
				below := &script{says: [][]byte{bytes.Clone(b)}}
				w := f.Wrap(below)
				got := through(t, w, below, direction, b, len(b))
				if d := cmp.Diff(string(b), string(got)); d != "" {
					t.Errorf("%s: did not pass untouched: %s", direction, d)
				}
				if f.Lost() != 1 {
					t.Errorf("%s: %d connections were given up, want 1", direction, f.Lost())
				}
			}
		})
	}
}

// through sends b in one direction through w, in pieces of at most n bytes, and returns what came out.
func through(t *testing.T, w interface {
	Read([]byte) (int, error)
	Write([]byte) (int, error)
}, below *script, direction string, b []byte, n int) []byte {
	t.Helper()
	if direction == "in" {
		var got []byte
		p := make([]byte, n)
		for {
			k, err := w.Read(p)
			got = append(got, p[:k]...)
			if err != nil {
				return got
			}
		}
	}
	for len(b) > 0 {
		k := min(n, len(b))
		if m, err := w.Write(b[:k]); m != k || err != nil {
			t.Fatalf("wrote %d of %d: %v", m, k, err)
		}
		b = b[k:]
	}
	return below.gets.Bytes()
}

func TestEncryptedKnowsTLS(t *testing.T) {
	for text, want := range map[string]bool{"\x16\x03\x01": true, "\x16\x03\x03\x00": true, "\x16": false, "": false, "CONNECT": false, "AMQP": false, "\x00\x00\x00\x10": false} {
		if got := Encrypted([]byte(text)); got != want {
			t.Errorf("%q: %v", text, got)
		}
	}
}

func TestNATSRemembersTheNewestReplySubjectsOnly(t *testing.T) {
	s := openNATS().(*natsSession)
	ask := func(i int) {
		if _, ok, err := s.out(natsPub("s", "_INBOX."+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/182%100)+"."+strings.Repeat("z", i/18200), "")); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	for i := range 2 * maxAnswers {
		ask(i)
	}
	if len(s.wants) > maxAnswers || len(s.order) > maxAnswers {
		t.Errorf("%d and %d are remembered, want at most %d", len(s.wants), len(s.order), maxAnswers)
	}
}
