package export

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"

	"waybill/harness/history"
)

// line is an event as JSON: every field that is not zero, by the name it has in history.Event. What has a name is written as that.
type line struct {
	Time       int64     `json:"time"` // microseconds of the machine's monotonic clock
	Segment    int       `json:"segment"`
	Life       uint32    `json:"life"`
	Kind       string    `json:"kind"`
	Status     string    `json:"status,omitempty"`
	Reason     string    `json:"reason,omitempty"`
	Origin     string    `json:"origin,omitempty"`
	Flags      string    `json:"flags,omitempty"` // joined with "|"
	Lane       uint32    `json:"lane"`
	Msg        *message  `json:"msg,omitempty"`
	Attempt    uint32    `json:"attempt,omitempty"`
	Key        uint32    `json:"key,omitempty"`
	Session    uint32    `json:"session,omitempty"`
	Txn        uint64    `json:"txn,omitempty"`
	Intended   int64     `json:"intended,omitempty"`
	Pos        *position `json:"pos,omitempty"`
	Call       uint64    `json:"call,omitempty"`
	Tag        uint64    `json:"tag,omitempty"`
	Count      uint64    `json:"count,omitempty"`
	BrokerTime int64     `json:"brokerTime,omitempty"`
	From       int64     `json:"from,omitempty"`
	To         int64     `json:"to,omitempty"`
	Ref        uint64    `json:"ref,omitempty"`
	Other      uint32    `json:"other,omitempty"`
	Name       string    `json:"name,omitempty"`
	Text       string    `json:"text,omitempty"`
}

type message struct {
	Life uint32 `json:"life"`
	Seq  uint64 `json:"seq"`
}

type position struct {
	Incarnation uint32 `json:"incarnation,omitempty"`
	Partition   uint32 `json:"partition"`
	Offset      int64  `json:"offset"` // as recorded: 0 is no position, so brokers that count from 0 are shifted by one
	Epoch       uint64 `json:"epoch,omitempty"`
}

// JSONL writes every event of src in order of time, one JSON object a line. With a lane of 0 or above it writes those of that lane and
// those of the run as a whole; -1 stands for all lanes.
func JSONL(w io.Writer, src history.Source, lane int) error {
	b := bufio.NewWriterSize(w, 1<<16)
	out := json.NewEncoder(b)
	out.SetEscapeHTML(false)
	known := lives{}
	for e, err := range src.Events() {
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		known.see(e)
		if lane >= 0 && ofOneLane(e.Kind) && known.lane(e) != uint32(lane) {
			continue
		}
		if err := out.Encode(newLine(e)); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}

// ofOneLane reports whether an event of the kind is about one lane. The others are about the run, its processes, brokers and faults.
func ofOneLane(k history.Kind) bool {
	switch {
	case k == history.CheckpointEnd, k == history.Leader, k == history.InSync, k == history.ServiceHealed, k == history.FaultVictim:
		return true
	}
	return k >= history.SessionOpen && k <= history.Policy
}

func newLine(e *history.Event) line {
	l := line{
		Time: e.Time, Segment: e.Segment, Life: uint32(e.Life),
		Kind: e.Kind.String(), Status: e.Status.String(), Reason: e.Reason.String(), Origin: e.Origin.String(), Flags: e.Flags.String(),
		Lane: e.Lane, Attempt: e.Attempt, Key: e.Key, Session: e.Session, Txn: e.Txn, Intended: e.Intended, Call: e.Call, Tag: e.Tag,
		Count: e.Count, BrokerTime: e.BrokerTime, From: e.From, To: e.To, Ref: e.Ref, Other: uint32(e.Other), Name: e.Name, Text: e.Text,
	}
	if e.Msg != (history.Msg{}) {
		l.Msg = &message{uint32(e.Msg.Life), e.Msg.Seq}
	}
	if e.Pos != (history.Position{}) {
		l.Pos = &position{e.Pos.Incarnation, e.Pos.Partition, e.Pos.Offset, e.Pos.Epoch}
	}
	return l
}
