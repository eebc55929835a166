package frames

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// traffic is what a client and a broker may say, whole frames all of it.
type traffic struct{ out, in [][]byte }

func drawTraffic(t *rapid.T, protocol string) traffic {
	switch protocol {
	case "nats":
		return drawNATS(t)
	case "kafka":
		return drawKafka(t)
	}
	return drawAMQP(t)
}

func payload(t *rapid.T) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "payload")) + string(bytes.Repeat([]byte("\r\nMSG"), rapid.IntRange(0, 3000).Draw(t, "more")*rapid.IntRange(0, 1).Draw(t, "long")))
}

func drawNATS(t *rapid.T) (r traffic) {
	r.in = append(r.in, []byte("INFO {}\r\n"))
	r.out = append(r.out, []byte("CONNECT {}\r\n"))
	for i := range rapid.IntRange(1, 12).Draw(t, "frames") {
		reply := fmt.Sprintf("_INBOX.a.%d", i)
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			r.out, r.in = append(r.out, natsPub("s", reply, payload(t))), append(r.in, natsMsg(reply, payload(t)))
		case 1:
			r.out, r.in = append(r.out, natsHPub("s", reply, "NATS/1.0\r\n\r\n", payload(t))), append(r.in, natsHMsg(reply, "", "NATS/1.0\r\n\r\n", payload(t)))
		case 2:
			r.in, r.out = append(r.in, natsMsg("s", payload(t))), append(r.out, natsPub("$JS.ACK.s", "", "+ACK"))
		case 3:
			r.in, r.out = append(r.in, []byte("PING\r\n")), append(r.out, []byte("PONG\r\n"))
		case 4:
			r.out = append(r.out, natsPub("s", "", payload(t)))
		}
	}
	return r
}

func drawKafka(t *rapid.T) (r traffic) {
	for i := range rapid.Int32Range(1, 12).Draw(t, "frames") {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			acks := rapid.Int16Range(-1, 1).Draw(t, "acks")
			r.out = append(r.out, kafkaProduces(rapid.SampledFrom([]uint16{0, 3, 8, 9, 11}).Draw(t, "version"), i, acks))
			if acks == 0 {
				continue
			}
		case 1:
			r.out = append(r.out, kafkaAsks(kafkaOffsetCommit, 2, i, false, []byte(payload(t))...))
		case 2:
			r.out = append(r.out, kafkaAsks(kafkaEndTxn, 3, i, true, []byte(payload(t))...))
		default:
			r.out = append(r.out, kafkaAsks(1, 4, i, false, []byte(payload(t))...))
		}
		r.in = append(r.in, kafkaAnswers(i, payload(t)))
	}
	return r
}

func drawAMQP(t *rapid.T) (r traffic) {
	r.out = append(r.out, amqpGreeting, amqpCall(1, channelOpen, 0), amqpCall(1, confirmSelect, 0))
	r.in = append(r.in, amqpCall(0, 10<<16|10, 1), amqpCall(1, 20<<16|11), amqpCall(1, 85<<16|11))
	tag := uint64(0)
	for range rapid.IntRange(1, 12).Draw(t, "frames") {
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			var bodies []string
			for range rapid.IntRange(0, 3).Draw(t, "bodies") {
				bodies = append(bodies, "x"+payload(t))
			}
			tag++
			r.out, r.in = append(r.out, amqpPublishes(1, 1, bodies...)), append(r.in, amqpTagged(1, basicAck, tag, 0))
		case 1:
			r.in, r.out = append(r.in, amqpCall(1, 60<<16|60, 0)), append(r.out, amqpTagged(1, basicAck, tag, 1))
		case 2:
			r.out, r.in = append(r.out, amqpFrame(amqpHeartbeat, 0, nil)), append(r.in, amqpFrame(amqpHeartbeat, 0, nil))
		case 3:
			r.out = append(r.out, amqpPublishes(2, 0, "on a channel without confirmations"))
		}
	}
	return r
}

// result is what came out of a connection.
type result struct {
	Out, In  string
	OutEnded bool // with a reset
	InEnded  bool
	Hits     []Hit
	Lost     int
}

// run sends out and then in through a new filter with rules, in pieces whose sizes come from size.
func run(t *rapid.T, protocol string, out, in []byte, rules []Rule, size func() int) (r result) {
	l := &hitList{}
	f, err := New(protocol, l.add)
	if err == nil {
		err = f.Set(rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	below := &script{}
	for rest := bytes.Clone(in); len(rest) > 0; {
		k := min(size(), len(rest))
		below.says, rest = append(below.says, rest[:k:k]), rest[k:]
	}
	w := f.Wrap(below)
	for rest := bytes.Clone(out); len(rest) > 0; {
		k := min(size(), len(rest))
		before := bytes.Clone(rest[:k])
		n, err := w.Write(rest[:k])
		if !bytes.Equal(before, rest[:k]) {
			t.Fatal("what was to be written was written into")
		}
		if errors.Is(err, syscall.ECONNRESET) {
			r.OutEnded = true
			break
		}
		if err != nil || n != k {
			t.Fatalf("wrote %d of %d: %v", n, k, err)
		}
		rest = rest[k:]
	}
	if err := w.(interface{ CloseWrite() error }).CloseWrite(); errors.Is(err, syscall.ECONNRESET) {
		r.OutEnded = true
	} else if err != nil {
		t.Fatal(err)
	}
	var got []byte
	for {
		p := make([]byte, size())
		n, err := w.Read(p)
		got = append(got, p[:n]...)
		if errors.Is(err, syscall.ECONNRESET) {
			r.InEnded = true
			break
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	r.Out, r.In, r.Hits, r.Lost = below.gets.String(), string(got), l.hits, f.Lost()
	return r
}

func TestWithoutRulesWhatComesOutIsWhatWentIn(t *testing.T) {
	for _, protocol := range Protocols() {
		t.Run(protocol, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				tr := drawTraffic(t, protocol)
				out, in := joined(tr.out...), joined(tr.in...)
				lost := 0
				switch rapid.IntRange(0, 3).Draw(t, "end") {
				case 1:
					out, in = out[:rapid.IntRange(0, len(out)).Draw(t, "out")], in[:rapid.IntRange(0, len(in)).Draw(t, "in")]
					if protocol == "kafka" {
						in = nil // answers need requests
					}
				case 2:
					junk := append([]byte{0xff}, rapid.SliceOf(rapid.Byte()).Draw(t, "junk")...)
					out, in, lost = append(out, junk...), append(in, junk...), 1
				}
				got := run(t, protocol, out, in, nil, func() int { return rapid.IntRange(1, 300).Draw(t, "size") })
				if protocol == "kafka" && lost == 1 && got.Lost == 0 {
					got.Lost = 1 // too short to tell
				}
				if d := cmp.Diff(result{Out: string(out), In: string(in), Lost: lost}, got); d != "" {
					t.Fatal(d)
				}
			})
		})
	}
}

func TestHowAStreamIsSplitChangesNothing(t *testing.T) {
	acts := map[string][]Rule{
		"nats": {
			{Kind: Confirm, Act: Drop}, {Kind: Confirm, Act: Mute}, {Kind: Ack, Act: Drop}, {Kind: Publish, Act: Drop}, {Kind: Publish, Act: Repeat},
			{Kind: Publish, Act: Cut}, {Kind: Confirm, Act: Cut},
		},
		"kafka": {
			{Kind: Publish, Act: Repeat}, {Kind: Publish, Act: Drop}, {Kind: Confirm, Act: Drop}, {Kind: Commit, Act: Cut}, {Kind: End, Act: Drop},
		},
		"amqp": {
			{Kind: Publish, Act: Repeat}, {Kind: Publish, Act: Drop}, {Kind: Confirm, Act: Drop}, {Kind: Confirm, Act: Mute}, {Kind: Ack, Act: Mute}, {Kind: Ack, Act: Cut},
		},
	}
	for _, protocol := range Protocols() {
		t.Run(protocol, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				tr := drawTraffic(t, protocol)
				rule := rapid.SampledFrom(acts[protocol]).Draw(t, "rule")
				rule.Share, rule.Seed, rule.Count = rapid.Float64Range(0.2, 1).Draw(t, "share"), rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 2).Draw(t, "count")
				out, in := joined(tr.out...), joined(tr.in...)
				if rule.Act == Repeat && protocol != "nats" {
					in = nil // the broker would answer otherwise
				}
				whole := run(t, protocol, out, in, []Rule{rule}, func() int { return 1 << 20 })
				split := run(t, protocol, out, in, []Rule{rule}, func() int { return rapid.IntRange(1, 300).Draw(t, "size") })
				if len(out) > 0 && whole.OutEnded != split.OutEnded { // the last Write may be the one that was cut
					whole.OutEnded, split.OutEnded = false, false
				}
				if d := cmp.Diff(whole, split); d != "" {
					t.Fatalf("%+v: whole, and then split:\n%s", rule, d)
				}
				if len(whole.Hits) == 0 && (whole.Out != string(out) || whole.In != string(in)) {
					t.Fatal("told of nothing, and changed something")
				}
			})
		})
	}
}
