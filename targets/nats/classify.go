package nats

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"waybill/harness/history"
	"waybill/targets"
)

// statusHeader marks a reply that the server makes for nobody: "503" says that no one listens on the subject.
const (
	statusHeader = "Status"
	noResponders = "503"
)

// certain are the server's refusals which it decides on the message alone, before proposing it to the replicas, so that
// every node decides alike and no copy can exist. Refusals that depend on a node's state (resources, a duplicate in
// process, a wrong sequence, a lost leadership) are not: the request may have reached two nodes that believe they lead.
var certain = map[server.ErrorIdentifier]bool{
	server.JSStreamMessageExceedsMaximumErr: true,
	server.JSStreamHeaderExceedsMaximumErr:  true,
}

// classifyReply says what an answer to a publish means for the attempt.
func classifyReply(stream string, m *nats.Msg) targets.Outcome {
	if len(m.Data) == 0 && m.Header.Get(statusHeader) == noResponders {
		// The node that the client is connected to saw no leader. The request itself is known to have reached nobody
		// there, but its interest is gossip, and gossip is stale when leaders change.
		return targets.Outcome{Status: history.Unknown, Reason: history.NoResponders, Origin: history.FromBroker}
	}
	if sequence, ok := plainAck(stream, m.Data); ok {
		return stored(sequence)
	}
	unsure := targets.Outcome{Status: history.Unknown, Reason: history.BrokerError, Origin: history.FromBroker}
	var ack server.JSPubAckResponse
	if err := json.Unmarshal(m.Data, &ack); err != nil {
		return unsure
	}
	if ack.Error != nil {
		if certain[server.ErrorIdentifier(ack.Error.ErrCode)] {
			return targets.Outcome{Status: history.Rejected, Reason: history.InvalidMessage, Origin: history.FromBroker}
		}
		return unsure
	}
	if ack.PubAck == nil || ack.Stream != stream || ack.Sequence == 0 {
		return unsure
	}
	o := stored(ack.Sequence)
	if ack.Duplicate {
		o.Flags |= history.Duplicate // the position is the earlier copy's
	}
	return o
}

func stored(sequence uint64) targets.Outcome {
	return targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Pos: history.Position{Offset: int64(sequence)}}
}

// plainAck reads the answer to nearly every publish, byte for byte as servers write it; whatever differs from that is left to a reader
// of JSON, which takes thirty times as long. The stream's name needs no escape: see namesOf.
func plainAck(stream string, data []byte) (sequence uint64, ok bool) {
	const before, between, after = `{"stream":"`, `","seq":`, "}"
	rest, ok := bytes.CutPrefix(data, []byte(before))
	if ok {
		rest, ok = bytes.CutPrefix(rest, []byte(stream))
	}
	if ok {
		rest, ok = bytes.CutPrefix(rest, []byte(between))
	}
	if ok {
		rest, ok = bytes.CutSuffix(rest, []byte(after))
	}
	if !ok || len(rest) == 0 || len(rest) > 18 || rest[0] == '0' {
		return 0, false
	}
	for _, c := range rest {
		if c < '0' || c > '9' {
			return 0, false
		}
		sequence = 10*sequence + uint64(c-'0')
	}
	return sequence, true
}

// classifyPublish says what an error of the library's publish means. These come before the message is appended to any
// buffer, hence they are certain; any other error may follow a partial write.
func classifyPublish(err error) targets.Outcome {
	rejected := func(r history.Reason) targets.Outcome {
		return targets.Outcome{Status: history.Rejected, Reason: r, Origin: history.FromClient}
	}
	switch {
	case errors.Is(err, nats.ErrReconnectBufExceeded), // no connection, and no buffer to wait in
		errors.Is(err, nats.ErrHeadersNotSupported), // not connected yet: every server of ours has headers
		errors.Is(err, nats.ErrConnectionClosed), errors.Is(err, nats.ErrConnectionDraining):
		return rejected(history.NotConnected)
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject):
		return rejected(history.InvalidMessage)
	}
	return targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClient}
}
