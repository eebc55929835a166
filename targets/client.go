package targets

import (
	"context"
	"net"
	"time"

	"waybill/harness/history"
)

// ClientConfig is what a worker needs to speak to the cluster. It travels as JSON.
type ClientConfig struct {
	Name    string        `json:"name"` // of this client, as the broker shows it
	Nodes   []Node        `json:"nodes"`
	Queue   Queue         `json:"queue"`
	Member  int           `json:"member"` // index in the consumer group, or of the producer: spreads first connections over nodes
	Batch   int           `json:"batch"`  // most deliveries that one Receive returns
	Confirm time.Duration `json:"confirm"`
	Access  *Access       `json:"access,omitempty"` // nil: the harness runs the brokers

	// Wrap is put around every connection to a broker, above TLS, before a byte is read or written. nil: nothing is.
	Wrap func(net.Conn) net.Conn `json:"-"`
	// Connected is told of connections opened (why "") and lost, from any goroutine.
	Connected func(open bool, addr, why string) `json:"-"`
	// Assigned is told of a partition that a consumer was given, and of the position it begins at; Revoked of one that was taken
	// away. They are called from any goroutine. nil: nobody wants to know.
	Assigned func(partition uint32, from int64) `json:"-"`
	Revoked  func(partition uint32)             `json:"-"`
	// Reset is told when a consumer's position moved although nobody asked for it: from and to are positions as recorded,
	// the next one to be delivered. nil: nobody wants to know.
	Reset func(partition uint32, from, to int64, why string) `json:"-"`
	// Sought is told when the client itself moves a consumer's position, before anything is delivered from there: from and to as for
	// Reset. nil: nobody wants to know.
	Sought func(partition uint32, from, to int64, why string) `json:"-"`
}

// Client opens the roles that a worker can play.
type Client interface {
	Producer(ctx context.Context) (Producer, error)
	Consumer(ctx context.Context) (Consumer, error)
	Inspector(ctx context.Context) (Inspector, error)
}

// Message is one copy to publish. Nobody changes its payload after it was sent.
type Message struct {
	Token   string
	Attempt uint32
	Key     uint32
	Payload []byte
}

// AppendBody appends what travels where a broker carries bytes and no more: the token, and the payload after it. history.CutToken parts them.
// A token in a header of its own would cost broker and clients more than all of the audit.
func (m *Message) AppendBody(b []byte) []byte { return append(append(b, m.Token...), m.Payload...) }

// Outcome is how an attempt ended, as classified by the target.
type Outcome struct {
	Status history.Status // Acked, Rejected (only when certain) or Unknown
	Reason history.Reason
	Origin history.Origin
	Flags  history.Flags // Duplicate, Returned
	Pos    history.Position
}

// Producer publishes, pipelined. Send hands over and returns; done is called exactly once for each attempt, from any goroutine, within
// about ClientConfig.Confirm. A Producer never retries by itself: a retry is another Send with a higher attempt. In a mode whose
// Traits say Session it is the other way round: the library retries within its session for as long as it takes, done comes when
// it knows (with history.Resent where it had to send more than once), and the harness never sends a message again.
type Producer interface {
	Send(ctx context.Context, m Message, done func(Outcome))
	Flush(ctx context.Context) error // until every attempt so far has its outcome
	Close() error
}

// Delivery is one copy received.
type Delivery struct {
	Token       string
	Attempt     uint32
	Key         uint32
	Payload     []byte
	Pos         history.Position
	Tag         uint64
	Count       uint64 // 1: first
	Redelivered bool
	BrokerTime  int64 // microseconds since the Unix epoch; 0 unknown
	Native      any   // the client library's own, for Ack
}

// Consumer is one member of the lane's consumer group. Receive returns at most a batch, and nil, nil when nothing came within about a second.
// Errors that a reconnection mends are not returned as errors. Ack acknowledges and calls done for each delivery, in any order, from any
// goroutine, before it returns: Confirmed, Failed, Unknown or Unconfirmable.
type Consumer interface {
	Receive(ctx context.Context) ([]Delivery, error)
	Ack(ctx context.Context, ds []Delivery, done func(i int, s history.Status, r history.Reason)) error
	Close() error
}

// Transactor is implemented by the Consumer of a mode whose Traits say Transactional: it consumes, transforms and produces in
// transactions of the broker's own. Ack is not called then.
type Transactor interface {
	// Transact carries one transaction through: it hands the outputs over, adds the inputs' positions, and ends it. It returns when
	// the end is known, or the client has given up on knowing. Afterwards the consumer is ready to receive again: after anything but
	// a commit, from the positions that the group last committed.
	Transact(ctx context.Context, t Transaction) TransactionEnd
}

// Transaction is one attempt to process a batch.
type Transaction struct {
	ID      string // "LIFE/NUMBER": travels with each output, so that a reader can tell which attempt wrote it
	Inputs  []Delivery
	Outputs []Message
	Abort   bool   // on purpose: a probe
	Output  func() // called after each output was handed over
	Ending  func() // called when all outputs are stored, before the end is called
}

// TransactionEnd is how a transaction ended: OK (committed), Aborted, Fenced (by another life with the same transactional id, or by
// the group), or Unknown.
type TransactionEnd struct {
	Status history.Status
	Reason history.Reason
	Text   string // why, where it is not OK
}

// Pinner is implemented by a Producer or Consumer that can be kept on one node: it reconnects there now and stays. "" lets it free.
type Pinner interface {
	Pin(ctx context.Context, node string) error
}
