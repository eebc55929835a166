package frames

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatAProtocolCannotDoIsRefusedWithTheReason(t *testing.T) {
	for _, c := range []struct {
		protocol string
		rule     Rule
		says     string
	}{
		{"nats", Rule{Kind: Commit, Act: Drop, Share: 1}, "no transactions"},
		{"amqp", Rule{Kind: End, Act: Drop, Share: 1}, "no transactions"},
		{"kafka", Rule{Kind: Confirm, Act: Hold, Share: 1, For: 1}, "what a client sends"},
		{"kafka", Rule{Kind: Ack, Act: Repeat, Share: 1}, "repeat is done to a publish"},
		{"kafka", Rule{Kind: Ack, Act: Delay, Share: 1}, "for how long"},
		{"kafka", Rule{Kind: Ack, Act: Drop}, "share"},
		{"mqtt", Rule{Kind: Ack, Act: Drop, Share: 1}, "want one of [amqp kafka nats]"},
		{"kafka", Rule{Kind: End, Act: Hold, Share: 1, For: 1}, ""},
	} {
		err := c.rule.Check(c.protocol)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v: %v, want %q", c.protocol, c.rule, err, c.says)
		}
		f, newErr := New(c.protocol, nil)
		if newErr != nil {
			continue
		}
		if setErr := f.Set([]Rule{c.rule}); (setErr == nil) != (err == nil) {
			t.Errorf("%s: %+v: checked %v, set %v", c.protocol, c.rule, err, setErr)
		}
	}
}

func TestADroppedFrameOfNATSIsMissingAlone(t *testing.T) {
	f, hits := newFilter(t, "nats")
	below := &script{}
	w := f.Wrap(below)
	set(t, f, Rule{Kind: Ack, Act: Drop, Share: 1, Count: 1, Ref: 7})
	ack := natsPub("$JS.ACK.s", "", "+ACK")
	if _, err := w.Write(joined(natsPub("s", "", "a"), ack, natsPub("s", "", "b"), ack)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(joined(natsPub("s", "", "a"), natsPub("s", "", "b"), ack)), below.gets.String()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Hit{{Kind: Ack, Act: Drop, Ref: 7, Addr: ":0", Bytes: len(ack)}}, hits.hits); d != "" {
		t.Error(d)
	}
}

func TestWhereFramesAreCountedNothingFollowsADroppedOne(t *testing.T) {
	request := kafkaAsks(3, 1, 1, false)
	for name, c := range map[string]struct {
		kind Kind
		out  [][]byte
		in   [][]byte
	}{
		"request": {Ack, [][]byte{request, kafkaAsks(kafkaOffsetCommit, 2, 2, false), request}, nil},
		"answer": {Confirm, [][]byte{request, kafkaProduces(3, 2, 1), kafkaAsks(3, 1, 3, false)}, [][]byte{
			kafkaAnswers(1, "first"), kafkaAnswers(2, "second"), kafkaAnswers(3, "third"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f, hits := newFilter(t, "kafka")
			below := &script{says: [][]byte{joined(c.in...)}}
			w := f.Wrap(below)
			set(t, f, Rule{Kind: c.kind, Act: Drop, Share: 1})
			if n, err := w.Write(joined(c.out...)); err != nil || n != len(joined(c.out...)) {
				t.Fatalf("wrote %d: %v", n, err)
			}
			p := make([]byte, 1000)
			n, err := w.Read(p)
			if c.in != nil {
				if d := cmp.Diff(string(c.in[0]), string(p[:n])); d != "" || err != nil {
					t.Error(err, d)
				}
				_, err = w.Read(p)
			} else if d := cmp.Diff(string(request), below.gets.String()); d != "" {
				t.Error(d)
			}
			if call := (*os.SyscallError)(nil); !errors.Is(err, syscall.ECONNRESET) || !errors.As(err, &call) {
				t.Errorf("then reading ends with %v, want what the kernel's reset looks like", err)
			}
			if n, err := w.Write(request); n != 0 || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("then %d bytes are written: %v", n, err)
			}
			if !below.closed || hits.count() != 1 {
				t.Errorf("closed: %v, told of %d", below.closed, hits.count())
			}
			if err := w.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
			if len(f.all()) != 0 {
				t.Error("the filter remembers a connection that is over")
			}
		})
	}
}

func TestARepeatedProduceRequestHasAnIDOfItsOwn(t *testing.T) {
	f, _ := newFilter(t, "kafka")
	below := &script{}
	w := f.Wrap(below)
	set(t, f, Rule{Kind: Publish, Act: Repeat, Share: 1})
	silent, loud, other := kafkaProduces(9, 5, 0), kafkaProduces(9, 6, 1), kafkaAsks(3, 1, 7, false)
	if _, err := w.Write(joined(silent, loud, other)); err != nil {
		t.Fatal(err)
	}
	copyOf := func(b []byte, id int32) []byte {
		b = bytes.Clone(b)
		binary.BigEndian.PutUint32(b[8:], uint32(id))
		return b
	}
	if d := cmp.Diff(string(joined(silent, copyOf(silent, -1), loud, copyOf(loud, -2), other)), below.gets.String()); d != "" {
		t.Error(d)
	}
	below.says = [][]byte{joined(kafkaAnswers(6, "a"), kafkaAnswers(-2, "copy"), kafkaAnswers(7, "b"))}
	got, err := io.ReadAll(w)
	if d := cmp.Diff(string(joined(kafkaAnswers(6, "a"), kafkaAnswers(7, "b"))), string(got)); d != "" || err != nil {
		t.Error(err, d)
	}
}

// confirmed is a confirmation: which tag, whether of all up to it.
type confirmed struct {
	Tag      uint64
	Multiple bool
}

func TestConfirmationsAreRenumberedForAClientThatKnowsNothingOfCopies(t *testing.T) {
	for name, c := range map[string]struct {
		from, to []confirmed
	}{ // three publishes, of which the first two go out twice: 1, 2 is its copy, 3, 4 is its copy, 5
		"one by one":                {[]confirmed{{1, false}, {2, false}, {3, false}, {4, false}, {5, false}}, []confirmed{{1, false}, {2, false}, {3, false}}},
		"in another order":          {[]confirmed{{5, false}, {4, false}, {2, false}, {1, false}, {3, false}}, []confirmed{{3, false}, {1, false}, {2, false}}},
		"all at once":               {[]confirmed{{5, true}}, []confirmed{{3, true}}},
		"up to a copy":              {[]confirmed{{2, true}, {4, true}, {5, false}}, []confirmed{{1, true}, {2, true}, {3, false}}},
		"up to one that has a copy": {[]confirmed{{3, true}, {4, false}, {5, true}}, []confirmed{{2, true}, {3, true}}},
	} {
		for method, code := range map[string]uint32{"ack": basicAck, "nack": basicNack} {
			t.Run(name+", "+method, func(t *testing.T) {
				f, hits := newFilter(t, "amqp")
				below := &script{}
				w := f.Wrap(below)
				set(t, f, Rule{Kind: Publish, Act: Repeat, Share: 1, Count: 2})
				open := joined(amqpGreeting, amqpCall(1, channelOpen, 0), amqpCall(1, confirmSelect, 0))
				a, b, last := amqpPublishes(1, 1, "a", "aa"), amqpPublishes(1, 0), amqpPublishes(1, 1, "c")
				if _, err := w.Write(joined(open, a, b, last)); err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(string(joined(open, a, amqpPublishes(1, 0, "a", "aa"), b, b, last)), below.gets.String()); d != "" {
					t.Errorf("the copy is not the same without its mandatory bit: %s", d)
				}
				frames := func(cs []confirmed) (b []byte) {
					for _, c := range cs {
						var bits byte
						if c.Multiple {
							bits = 1
						}
						b = append(b, amqpTagged(1, code, c.Tag, bits)...)
					}
					return b
				}
				below.says = [][]byte{frames(c.from)}
				got, err := io.ReadAll(w)
				if d := cmp.Diff(frames(c.to), got); d != "" || err != nil {
					t.Error(err, d)
				}
				if hits.count() != 2 {
					t.Errorf("told of %d, want 2", hits.count())
				}
			})
		}
	}
}

func TestAUnitIsCopiedThoughAnotherChannelsFramesComeBetween(t *testing.T) {
	f, _ := newFilter(t, "amqp")
	below := &script{}
	w := f.Wrap(below)
	set(t, f, Rule{Kind: Publish, Act: Repeat, Share: 1, Count: 1})
	beat := amqpFrame(amqpHeartbeat, 0, nil)
	publish := amqpPublishes(1, 0, "a", "b")
	at := len(publish) - len(amqpFrame(amqpBody, 1, []byte("b")))
	ack := amqpTagged(2, basicAck, 1, 0)
	if _, err := w.Write(joined(amqpGreeting, publish[:at], beat, ack, publish[at:], beat)); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(joined(amqpGreeting, publish[:at], beat, ack, publish[at:], publish, beat)), below.gets.String()); d != "" {
		t.Error(d)
	}
}

func TestEachFrameIsChosenByItself(t *testing.T) {
	chosen := func(seed uint64, share float64, frames int) (which []int) {
		f, _ := newFilter(t, "nats")
		set(t, f, Rule{Kind: Publish, Act: Drop, Share: share, Seed: seed})
		below := &script{}
		w := f.Wrap(below)
		for i := range frames {
			before := below.gets.Len()
			if _, err := w.Write(natsPub("s", "", "x")); err != nil {
				t.Fatal(err)
			}
			if below.gets.Len() == before {
				which = append(which, i)
			}
		}
		return which
	}
	a, b := chosen(1, 0.1, 10000), chosen(1, 0.1, 10000)
	if d := cmp.Diff(a, b); d != "" {
		t.Errorf("one seed chooses differently: %s", d)
	}
	if len(a) < 800 || len(a) > 1200 {
		t.Errorf("chose %d of 10000, want about a tenth", len(a))
	}
	if cmp.Equal(a, chosen(2, 0.1, 10000)) {
		t.Error("another seed chooses the same")
	}
}
