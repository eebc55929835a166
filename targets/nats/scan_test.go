package nats

import (
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

// A replica that sends less than it holds must not pass for a complete scan: the audit would call the rest lost.
func TestScanIsCompleteOrAnError(t *testing.T) {
	type sent struct{ consumer, stream uint64 }
	for _, c := range []struct {
		claim               string
		held, last, deleted uint64
		sends               []sent
		want                string // of the error; "" for none
	}{
		{"all of it is complete", 3, 3, 0, []sent{{1, 1}, {2, 2}, {3, 3}}, ""},
		{"more than it held at first is complete", 2, 3, 0, []sent{{1, 1}, {2, 2}, {3, 3}}, ""},
		{"a gap that the replica owns up to is complete: what was in it is not there", 2, 3, 0, []sent{{1, 1}, {2, 3}}, ""},
		{"an empty stream is complete", 0, 0, 0, nil, ""},
		{"an end that the leader calls deleted is complete", 1, 3, 2, []sent{{1, 1}}, ""},
		{"an empty stream that once held something is complete", 0, 3, 3, nil, ""},
		{"an end beyond the leader's is complete: something was stored meanwhile", 1, 3, 0, []sent{{1, 5}}, ""},
		{"fewer messages than it said it held", 3, 3, 0, []sent{{1, 1}, {2, 3}}, "it sent 2 messages up to sequence 3, and said it held 3"},
		{"none of what it said it held", 3, 0, 0, nil, "it sent 0 messages"},
		{"a message lost on the way", 3, 3, 0, []sent{{1, 1}, {3, 3}}, "after its message 1 at sequence 1 came message 3 at sequence 3"},
		{"a message twice", 3, 3, 0, []sent{{1, 1}, {1, 1}}, "came message 1 at sequence 1"},
		{"a sequence that goes back", 3, 4, 0, []sent{{1, 1}, {2, 3}, {3, 2}}, "came message 3 at sequence 2"},
		{"a replica that is behind the leader", 2, 3, 0, []sent{{1, 1}, {2, 2}}, "up to sequence 2, and the stream's leader has up to 3"},
		{"an end of which only a part is deleted", 1, 4, 2, []sent{{1, 1}}, "up to sequence 1, and the stream's leader has up to 4"},
	} {
		t.Run(c.claim, func(t *testing.T) {
			p := progress{held: c.held, last: c.last, deleted: c.deleted}
			err := error(nil)
			for _, s := range c.sends {
				if !p.more() {
					t.Fatalf("it stopped before message %d", s.consumer)
				}
				if err = p.accept(s.consumer, s.stream); err != nil {
					break
				}
			}
			if err == nil {
				err = p.complete()
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}

func TestScanOfAReplicaThatFallsSilentIsAnError(t *testing.T) {
	e := embedWith(t, false)
	answer(t, e.nc, "$JS.API.STREAM.INFO.q", `{"config":{"name":"q"},"state":{"first_seq":1,"last_seq":3},"cluster":{"leader":"n1"}}`)
	answer(t, e.nc, "$JS.API.CONSUMER.CREATE.q.*", `{"name":"scan-x","num_pending":3,"cluster":{"leader":"n2"}}`)
	if _, err := e.nc.Subscribe("$JS.API.CONSUMER.MSG.NEXT.q.scan-x", func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	if err := e.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	i, err := mustClient(t, e.config(t, "q", "jetstream")).Inspector(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	var k keeper
	if err := i.Scan(t.Context(), 1, &k); err == nil || !strings.Contains(err.Error(), "on n2: it sent 0 messages") {
		t.Errorf("%v", err)
	}
	if len(k.ended) != 1 || k.ended[0] == nil {
		t.Errorf("the visitor was told %v", k.ended)
	}
}
