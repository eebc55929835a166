package nats

import (
	"errors"
	"fmt"
)

// errBehind is of a replica that sent all it holds, which is less than the stream's leader holds.
var errBehind = errors.New("behind")

// progress proves that one replica was read whole. What it lets pass as complete, the audit may call lost.
type progress struct {
	held    uint64 // messages that the replica said it held when its reading began
	last    uint64 // sequence, as the stream's leader said after that
	deleted uint64 // sequences without a message, as the leader said

	copies, seq uint64 // read, and the sequence of the newest
}

// more reports whether the replica has yet to send what it is known to hold.
func (p *progress) more() bool { return p.seq < p.last }

// accept takes the next message, by the consumer's count and the stream's sequence. The count has no holes, unless a
// message was lost between the replica and us; sequences grow, and may have holes where messages are deleted.
func (p *progress) accept(consumer, stream uint64) error {
	if consumer != p.copies+1 || stream <= p.seq {
		return fmt.Errorf("after its message %d at sequence %d came message %d at sequence %d", p.copies, p.seq, consumer, stream)
	}
	p.copies, p.seq = consumer, stream
	return nil
}

// complete is called when the end was reached, or when nothing more comes.
func (p *progress) complete() error {
	if p.copies < p.held {
		return fmt.Errorf("it sent %d messages up to sequence %d, and said it held %d", p.copies, p.seq, p.held)
	}
	// A stream may end with sequences that its leader too calls deleted.
	if p.seq < p.last && p.last-p.seq > p.deleted {
		return fmt.Errorf("%w: it sent messages up to sequence %d, and the stream's leader has up to %d", errBehind, p.seq, p.last)
	}
	return nil
}
