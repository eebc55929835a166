package targets

import (
	"context"

	"waybill/harness/history"
)

// Inspector reads what a queue holds, without consuming.
type Inspector interface {
	// Depth asks those who lead the queue and the consumer group.
	Depth(ctx context.Context) (Depth, error)
	// Scan reads the whole queue once from each of at least replicas distinct replicas, to the end that they hold.
	// The error is returned when fewer could be read, after what could be.
	Scan(ctx context.Context, replicas int, v ScanVisitor) error
	Close() error
}

// ScanVisitor is told what a scan sees, in order.
type ScanVisitor interface {
	// Begin starts a scan of one replica: everything in these ranges, one a partition, is about to be told.
	Begin(replica string, ranges []Range)
	Copy(c Copy)
	End(replica string, copies int64, err error)
}

// Range is a part of a partition, both ends inclusive. An empty one has To.Offset < From.Offset.
type Range struct{ From, To history.Position }

// OutputReader is implemented by the Inspector of a transactional mode: its effects are what a reader of the output sees.
type OutputReader interface {
	// Outputs reads every copy in the output to its proven end, with and without isolation, and says which of them a reader of
	// committed messages sees.
	Outputs(ctx context.Context, each func(Output) error) error
}

// Output is a message that a transaction wrote.
type Output struct {
	Copy
	Transaction string // Transaction.ID of the attempt that wrote it; "" if it has none
	Visible     bool   // to a reader of committed messages
}

// Copy is a copy of a message in a queue.
type Copy struct {
	Token   string
	Attempt uint32
	Key     uint32
	Payload []byte
	Pos     history.Position
	Hidden  bool // in the log, and shown to no reader: written by a transaction that was aborted
}

// Depth is what is left to deliver.
type Depth struct {
	Ready   int64 // stored, not delivered to the group
	Unacked int64 // delivered, not acknowledged
	Last    int64 // the highest offset in the queue, summed over partitions; 0 where it has none
	Settled bool  // this target can prove that nothing is left, and it is so: both zero, said by the leader itself
	From    string
}
