package frames

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Kind is what a frame is for, in whatever protocol.
type Kind string

const (
	Confirm Kind = "confirm" // to the client: the answer to a publish
	Ack     Kind = "ack"     // from the client: a consumer's acknowledgement, or its commit of offsets
	Commit  Kind = "commit"  // to the client: the answer to the end of a transaction
	Publish Kind = "publish" // from the client: a request that stores messages
	End     Kind = "end"     // from the client: the request that ends a transaction
)

// Act is what is done to a frame that was chosen.
type Act string

const (
	// Drop makes it vanish: alone, or where a protocol counts its frames, with all that follows on the connection, which is then cut.
	Drop Act = "drop"
	// Cut makes it vanish and the connection with it, in every protocol.
	Cut Act = "cut"
	// Mute makes it vanish, and every later one of its kind on every connection of the client, until the rule is lifted. The client
	// is left waiting. Where its absence would show, in Kafka and for publishes of AMQP, nothing more passes on the connection in
	// either direction, and it is cut when the rule is lifted. Rule.Count limits how often a frame is chosen, not what follows it.
	Mute Act = "mute"
	// Delay lets it arrive after Rule.For, or when the rule is lifted; where a protocol counts its frames, all that follows on the
	// connection waits behind it. What a client sends arrives even if it closes the connection meanwhile.
	Delay Act = "delay"
	// Hold cuts the client's side of the connection, and lets the frame arrive at the other end after Rule.For, or when the rule is
	// lifted: its sender has given it up. Only for what a client sends.
	Hold Act = "hold"
	// Repeat sends it twice. The second answer is kept from the client. Only for a publish.
	Repeat Act = "repeat"
)

// Rule chooses frames and says what is done to them. It travels as JSON.
type Rule struct {
	Kind  Kind          `json:"kind"`
	Act   Act           `json:"act"`
	Share float64       `json:"share"` // of the frames of this kind, each by itself; above 0, at most 1
	Count int           `json:"count"` // at most so many; 0 is no limit
	For   time.Duration `json:"for"`   // of Delay and Hold
	Seed  uint64        `json:"seed"`
	Ref   uint64        `json:"ref"` // comes back in every Hit
}

// Check says what is wrong with a rule, or why a protocol cannot do it.
func (r Rule) Check(protocol string) error {
	p, ok := protocols[protocol]
	if !ok {
		return fmt.Errorf("frames: no protocol %q: want one of %s", protocol, Protocols())
	}
	switch {
	case !slices.Contains([]Kind{Confirm, Ack, Commit, Publish, End}, r.Kind):
		return fmt.Errorf("frames: no kind %q of frame", r.Kind)
	case !slices.Contains([]Act{Drop, Cut, Mute, Delay, Hold, Repeat}, r.Act):
		return fmt.Errorf("frames: nothing called %q can be done to a frame", r.Act)
	case !(r.Share > 0 && r.Share <= 1): // not a number is neither
		return fmt.Errorf("frames: share %v: want more than 0, at most 1", r.Share)
	case r.Count < 0 || r.For < 0:
		return fmt.Errorf("frames: count %d, for %s: want neither below 0", r.Count, r.For)
	case cmp.Compare(r.For, 0) == 0 && (r.Act == Delay || r.Act == Hold):
		return fmt.Errorf("frames: %s %s for how long?", r.Act, r.Kind)
	}
	return p.can(r.Kind, r.Act)
}

// Hit is one frame to which something was done.
type Hit struct {
	Kind  Kind
	Act   Act
	Ref   uint64 // of the rule
	Addr  string // the other end of its connection
	Bytes int
}
