package targets

import (
	"context"

	"waybill/harness/history"
)

// BatchProducer is implemented by a Producer that takes and answers many messages at once for less than one after another.
type BatchProducer interface {
	Producer
	// SendBatch does for each of ms what Send does, in their order. It does not keep ms, whose contents it may. done is told how attempts
	// ended, each exactly once, as many at a time as are known, from any goroutine; it does not keep the list.
	SendBatch(ctx context.Context, ms []Message, done func(ended []Ended))
}

// Ended is how the attempt with ms[Index] ended.
type Ended struct {
	Index int
	Outcome
}

// BatchAcker is implemented by a Consumer that learns of many acknowledgements at once.
type BatchAcker interface {
	Consumer
	// AckBatch is Ack, told of as many at a time as are known. done does not keep the list.
	AckBatch(ctx context.Context, ds []Delivery, done func(ended []AckEnded)) error
}

// AckEnded is how the acknowledgement of ds[Index] ended.
type AckEnded struct {
	Index  int
	Status history.Status
	Reason history.Reason
}
