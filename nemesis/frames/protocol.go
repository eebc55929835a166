package frames

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Largest frames that are followed. A longer one is taken for something that is not understood.
const (
	maxKafkaFrame = 64 << 20
	maxAMQPFrame  = 64 << 20
	maxNATSFrame  = 8 << 20
	maxNATSLine   = 64 << 10
	maxKafkaHead  = 128 << 10
	// maxKept is how much of what a client wrote is kept back on one connection. One that writes more is cut.
	maxKept = 2 * maxKafkaFrame
	// maxAnswers is how many requests without an answer are remembered on one connection.
	maxAnswers = 1 << 16
)

// protocol is what the filter must know of one.
type protocol struct {
	can  func(Kind, Act) error // nil from it: it can
	open func() session
	// counted says whether a kind of frame cannot vanish alone, since either end counts them or answers come in order.
	counted bool
	// muteStops says whether a muted frame of the kind makes the whole connection silent.
	muteStops func(Kind) bool
	pong      []byte // answers a frame that asks whether the client lives
	beat      []byte // says each second that it does
}

var protocols = map[string]protocol{
	"nats": {
		can: canWithoutTransactions("nats"), open: openNATS,
		muteStops: func(Kind) bool { return false },
		pong:      []byte("PONG\r\n"),
	},
	"kafka": {
		can: canDo, open: openKafka, counted: true,
		muteStops: func(Kind) bool { return true },
	},
	"amqp": {
		can: canWithoutTransactions("amqp"), open: openAMQP, counted: true,
		// A publish that vanished would be covered by the confirmation of a later one.
		muteStops: func(k Kind) bool { return k == Publish },
		beat:      []byte{amqpHeartbeat, 0, 0, 0, 0, 0, 0, amqpEnd},
	},
}

// Protocols lists the protocols whose frames are understood.
func Protocols() []string { return slices.Sorted(maps.Keys(protocols)) }

// canDo refuses what makes no sense in any protocol.
func canDo(k Kind, a Act) error {
	toClient := k == Confirm || k == Commit
	switch {
	case a == Hold && toClient:
		return fmt.Errorf("frames: hold is done to what a client sends: a %s is sent to it", k)
	case a == Repeat && k != Publish:
		return fmt.Errorf("frames: repeat is done to a publish, not to a %s", k)
	}
	return nil
}

func canWithoutTransactions(protocol string) func(Kind, Act) error {
	return func(k Kind, a Act) error {
		if k == Commit || k == End {
			return fmt.Errorf("frames: %s has no transactions whose end could be found", protocol)
		}
		return canDo(k, a)
	}
}

// errNotUnderstood says that bytes are not of the protocol, or longer than is followed.
var errNotUnderstood = errors.New("frames: not understood")

// frame is what the head of one says.
type frame struct {
	kind Kind  // "" is none that a rule can choose
	size int64 // in bytes, all of it
	line bool  // its size is not known: it goes up to the next line feed
	end  byte  // what its last byte must be; 0 is not looked at

	answersCopy bool // it answers the second of two, of which the client knows nothing
	ping        bool // the broker asks whether the client lives

	// A message may be sent as several frames, on one of several channels: a unit.
	channel uint16
	part    bool // continues the unit of its channel
	open    bool // the unit goes on after it
}

// session follows one connection. out and in are each called from one goroutine at a time, and from two at once.
type session interface {
	// out reads the head of a frame that the client sends, at the beginning of b, and in that of one sent to it. false asks to be
	// called again with more, and leaves everything as it was; true comes once for each frame. in may write into the head.
	out(b []byte) (frame, bool, error)
	in(b []byte) (frame, bool, error)
	// again turns the unit that out just read into one to be sent after it, in place. It comes before all of the first was sent.
	again(unit []byte)
}
