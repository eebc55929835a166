package frames

import (
	"bytes"
	"io"
	"testing"
)

func FuzzNATS(f *testing.F) {
	f.Add(joined([]byte("CONNECT {}\r\n"), natsPub("s", "_INBOX.a", "x"), natsPub("$JS.ACK.s", "", "+ACK")), joined([]byte("INFO {}\r\n"), natsHMsg("_INBOX.a", "", "NATS/1.0\r\n\r\n", "x")), uint8(3))
	f.Add(natsHPub("s", "_INBOX.a", "NATS/1.0\r\n\r\n", "x"), natsMsg("_INBOX.a", "x"), uint8(200))
	fuzz(f, "nats")
}

func FuzzKafka(f *testing.F) {
	f.Add(joined(kafkaProduces(11, 1, -1), kafkaAsks(kafkaEndTxn, 3, 2, true)), joined(kafkaAnswers(1, "x"), kafkaAnswers(2, "y")), uint8(3))
	f.Add(joined(kafkaProduces(3, 1, 0), kafkaAsks(kafkaOffsetCommit, 2, 2, false)), kafkaAnswers(2, "y"), uint8(200))
	fuzz(f, "kafka")
}

func FuzzAMQP(f *testing.F) {
	open := joined(amqpGreeting, amqpCall(1, channelOpen, 0), amqpCall(1, confirmSelect, 0))
	f.Add(joined(open, amqpPublishes(1, 1, "x", "y"), amqpTagged(1, basicAck, 1, 1)), joined(amqpTagged(1, basicAck, 1, 0), amqpTagged(1, basicNack, 2, 1)), uint8(3))
	f.Add(joined(open, amqpPublishes(1, 1)), amqpTagged(1, basicAck, 0, 1), uint8(200))
	fuzz(f, "amqp")
}

// fuzz sends any bytes in both directions, in pieces of any size: without rules they come out as they went in, and with rules
// nothing breaks.
func fuzz(f *testing.F, protocol string) {
	f.Fuzz(func(t *testing.T, out, in []byte, size uint8) {
		const headroom = 1 << 10
		n := int(size) + 1
		for _, rules := range [][]Rule{nil, {
			{Kind: Publish, Act: Repeat, Share: 0.5}, {Kind: Publish, Act: Drop, Share: 0.1}, {Kind: Confirm, Act: Drop, Share: 0.3}, {Kind: Ack, Act: Mute, Share: 0.3},
		}} {
			fl, hits := newFilter(t, protocol)
			set(t, fl, rules...)
			below := &script{}
			for rest := bytes.Clone(in); len(rest) > 0; {
				k := min(n, len(rest))
				below.says, rest = append(below.says, rest[:k:k]), rest[k:]
			}
			c := fl.Wrap(below).(*conn)
			for rest := out; len(rest) > 0 && c.state.Load() == stateOpen; {
				k := min(n, len(rest))
				if _, err := c.Write(rest[:k]); err != nil && c.state.Load() == stateOpen {
					t.Fatal(err)
				}
				rest = rest[k:]
			}
			if c.state.Load() == stateSilent {
				c.Close() //nolint:errcheck // so that reading does not wait
			}
			got := make([]byte, 0, len(in))
			p := make([]byte, n)
			for {
				k, err := c.Read(p)
				got = append(got, p[:k]...)
				if err != nil {
					if err != io.EOF && c.state.Load() == stateOpen {
						t.Fatal(err)
					}
					break
				}
			}
			if kept := cap(c.out.head) + cap(c.in.buffer) + c.out.bytes + c.in.bytes; kept > 4*(len(out)+len(in))+8*4096+headroom {
				t.Fatalf("keeps %d bytes of %d", kept, len(out)+len(in))
			}
			if rules != nil {
				continue
			}
			if len(hits.hits) > 0 {
				t.Fatal("did something without rules")
			}
			if err := c.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(below.gets.Bytes(), out) {
				t.Fatalf("sent %q as %q", out, below.gets.Bytes())
			}
			if !bytes.Equal(got, in) {
				t.Fatalf("passed %q on as %q", in, got)
			}
		}
	})
}
