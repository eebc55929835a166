package nats

import (
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// A replica may answer for a stream that has no leader: what it says proves nothing.
func TestDepthWithoutALeaderIsAnError(t *testing.T) {
	const led = `,"leader":"n1"`
	for _, c := range []struct {
		claim, stream, consumer string
	}{
		{"no leader of the stream", "", led},
		{"no leader of the consumer", led, ""},
	} {
		t.Run(c.claim, func(t *testing.T) {
			e := embedWith(t, false)
			answer(t, e.nc, "$JS.API.STREAM.INFO.q", `{"config":{"name":"q"},"state":{"last_seq":0},"cluster":{"name":"waybill"`+c.stream+`}}`)
			answer(t, e.nc, "$JS.API.CONSUMER.INFO.q.q", `{"name":"q","cluster":{"name":"waybill"`+c.consumer+`}}`)
			i, err := mustClient(t, e.config(t, "q", "jetstream")).Inspector(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			if d, err := i.Depth(t.Context()); !errors.Is(err, targets.ErrNoLeader) {
				t.Errorf("depth %+v, %v, want %v", d, err, targets.ErrNoLeader)
			}
		})
	}
}

func answer(t *testing.T, nc *nats.Conn, subject, body string) {
	t.Helper()
	if _, err := nc.Subscribe(subject, func(m *nats.Msg) { m.Respond([]byte(body)) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

func TestDepthIsSettledOnlyWhenAllIsDeliveredAndAcknowledged(t *testing.T) {
	for _, c := range []struct {
		claim, consumer string
		settled         bool
	}{
		{"all acknowledged", `"delivered":{"stream_seq":9},"ack_floor":{"stream_seq":9},"num_pending":0,"num_ack_pending":0`, true},
		{"pending", `"delivered":{"stream_seq":9},"ack_floor":{"stream_seq":9},"num_pending":1,"num_ack_pending":0`, false},
		{"unacknowledged", `"delivered":{"stream_seq":9},"ack_floor":{"stream_seq":9},"num_pending":0,"num_ack_pending":1`, false},
		{"the consumer's replica is behind", `"delivered":{"stream_seq":8},"ack_floor":{"stream_seq":8},"num_pending":0,"num_ack_pending":0`, false},
		{"the floor is behind", `"delivered":{"stream_seq":9},"ack_floor":{"stream_seq":8},"num_pending":0,"num_ack_pending":0`, false},
	} {
		t.Run(c.claim, func(t *testing.T) {
			e := embedWith(t, false)
			answer(t, e.nc, "$JS.API.STREAM.INFO.q", `{"config":{"name":"q"},"state":{"last_seq":9},"cluster":{"leader":"n1"}}`)
			answer(t, e.nc, "$JS.API.CONSUMER.INFO.q.q", `{"name":"q","cluster":{"leader":"n1"},`+c.consumer+`}`)
			i, err := mustClient(t, e.config(t, "q", "jetstream")).Inspector(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer i.Close()
			d, err := i.Depth(t.Context())
			if err != nil || d.Settled != c.settled || d.Last != 9 {
				t.Errorf("%+v, %v, want settled %v", d, err, c.settled)
			}
		})
	}
}
