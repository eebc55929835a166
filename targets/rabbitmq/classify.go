package rabbitmq

import (
	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/harness/history"
	"waybill/targets"
)

// notConnected is the outcome of an attempt that was not handed to the library.
var notConnected = targets.Outcome{Status: history.Rejected, Reason: history.NotConnected, Origin: history.FromClient}

// unconfirmed is the outcome of an attempt in a mode that asks for no confirmation, once it was written.
var unconfirmed = targets.Outcome{Status: history.Unknown, Reason: history.NoConfirmation, Origin: history.FromClient}

// expired is the outcome of an attempt that was written and not answered in time.
var expired = targets.Outcome{Status: history.Unknown, Reason: history.Timeout, Origin: history.FromTimeout}

// severed is the outcome of an attempt that was written on a connection that ended before it was answered.
var severed = targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClose}

// classifyPublish says what an error of the library's publish means.
//
// It sends a message as frames: method, header, body. ErrClosed itself, that very value, it returns only instead of
// writing one of them, so that at least the last is missing, and a broker drops a message that is not whole; no more is
// written to a connection or channel that has returned it. Any other error is of a write that may have happened in part.
func classifyPublish(err error) targets.Outcome {
	if err == amqp.ErrClosed {
		return notConnected
	}
	return targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClient}
}

// classifyConfirm says what the end of a deferred confirmation means.
//
// The library ends all that are pending on a channel as not acknowledged when the channel ends, for which the broker said
// nothing. It marks the channel closed before it does so: a confirmation that ended so on a channel which is not marked
// even afterwards was answered with basic.nack. That is no certainty either: a broker also answers so for queues whose
// process ended after it may have written the message. It would be one only from a single queue that rejects by its limit,
// and queues here have none.
//
// basic.return comes before basic.ack, so an acknowledgement of what was returned says that no queue took it. Without the
// acknowledgement it is left unknown.
func classifyConfirm(acked, closed, returned bool) targets.Outcome {
	o := severed
	switch {
	case acked && returned:
		o = targets.Outcome{Status: history.Rejected, Reason: history.InvalidMessage, Origin: history.FromBroker}
	case acked:
		o = targets.Outcome{Status: history.Acked, Origin: history.FromBroker}
	case !closed:
		o = targets.Outcome{Status: history.Unknown, Reason: history.BrokerError, Origin: history.FromBroker}
	}
	if returned {
		o.Flags |= history.Returned
	}
	return o
}

// classifyAck says what the library's answer to an acknowledgement means: the protocol confirms none. ErrClosed comes
// before the frame is written.
func classifyAck(err error) (history.Status, history.Reason) {
	switch err {
	case nil:
		return history.Unconfirmable, history.NoConfirmation
	case amqp.ErrClosed:
		return history.Failed, history.NotConnected
	}
	return history.Unknown, history.ConnectionClosed
}
