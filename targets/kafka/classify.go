package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"waybill/harness/history"
	"waybill/targets"
)

// certain are the refusals which the partition's leader decides before it appends anything, so that no copy can exist
// where the batch was written once and this is the answer to it. All others may come after the append, or from a wait
// that outlived it: NOT_ENOUGH_REPLICAS_AFTER_APPEND and REQUEST_TIMED_OUT say so, and NOT_LEADER_OR_FOLLOWER is also
// what a leader answers that was deposed while it waited for its followers.
var certain = map[*kerr.Error]history.Reason{
	kerr.MessageTooLarge:             history.InvalidMessage, // the batch against max.message.bytes
	kerr.InvalidRecord:               history.InvalidMessage, // validation of its records
	kerr.InvalidTimestamp:            history.InvalidMessage, // likewise
	kerr.TopicAuthorizationFailed:    history.BrokerError,    // before the log is looked up
	kerr.UnsupportedForMessageFormat: history.InvalidMessage, // likewise
	kerr.NotEnoughReplicas:           history.BrokerError,    // the in-sync replicas are counted first; when they shrink later, the answer has another name
}

// classify says what the end of a record means for the attempt. writes is how often a request with the record was handed
// to a connection: what never was, and never will be since the library gave it up, is certainly nowhere.
func classify(m mode, writes int, r *kgo.Record, err error) targets.Outcome {
	if writes == 0 {
		if err == nil { // the witness is wrong, or the library is
			return targets.Outcome{Status: history.Unknown, Reason: history.NoConfirmation, Origin: history.FromClient}
		}
		return targets.Outcome{Status: history.Rejected, Reason: reasonUnwritten(err), Origin: originUnwritten(err)}
	}
	var o targets.Outcome
	if writes > 1 {
		o.Flags = history.Resent
	}
	switch {
	case err == nil && m.acks == acksNone:
		o.Status, o.Reason, o.Origin = history.Unknown, history.NoConfirmation, history.FromClient
	case err == nil:
		o.Status, o.Origin = history.Acked, history.FromBroker
		o.Pos.Partition = uint32(r.Partition)
		if r.Offset >= 0 { // else: stored before, at a place that the broker no longer knows
			o.Pos.Offset = r.Offset + 1
		} else {
			o.Flags |= history.Duplicate
		}
	default:
		o.Status = history.Unknown
		o.Reason, o.Origin = reasonWritten(err)
		// With idempotence several batches fly at once, and the library fails all of a partition with one's error.
		var refusal *kerr.Error
		if writes == 1 && !m.idempotent && errors.As(err, &refusal) {
			if reason, sure := certain[refusal]; sure {
				o.Status, o.Reason = history.Rejected, reason
			}
		}
	}
	return o
}

// reasonUnwritten says why a record was not even written.
func reasonUnwritten(err error) history.Reason {
	switch {
	case errors.Is(err, kerr.MessageTooLarge): // judged by the client, or about others of its batch
		return history.InvalidMessage
	case errors.Is(err, kgo.ErrMaxBuffered):
		return history.LimitReached
	case errors.Is(err, context.Canceled):
		return history.Interrupted
	}
	return history.NotConnected
}

func originUnwritten(err error) history.Origin {
	if errors.Is(err, kgo.ErrClientClosed) {
		return history.FromClose
	}
	return history.FromClient
}

// reasonWritten says why the fate of a record that was written is not known.
func reasonWritten(err error) (history.Reason, history.Origin) {
	var answer *kerr.Error
	switch {
	case errors.Is(err, kgo.ErrClientClosed):
		return history.ConnectionClosed, history.FromClose
	case errors.Is(err, kerr.RequestTimedOut):
		return history.Timeout, history.FromBroker
	case errors.As(err, &answer):
		return history.BrokerError, history.FromBroker
	case errors.Is(err, kgo.ErrRecordTimeout), errors.Is(err, context.DeadlineExceeded):
		return history.Timeout, history.FromTimeout
	}
	return history.ConnectionClosed, history.FromClient // no answer came: the library says only that it does not try again
}
