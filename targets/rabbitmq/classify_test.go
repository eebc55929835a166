package rabbitmq

import (
	"errors"
	"fmt"
	"net"
	"testing"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/harness/history"
	"waybill/targets"
)

func TestAPublishThatFailsIsRejectedOnlyIfNothingWholeWasWritten(t *testing.T) {
	rejected := targets.Outcome{Status: history.Rejected, Reason: history.NotConnected, Origin: history.FromClient}
	unknown := targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClient}
	for _, x := range []struct {
		claim string
		err   error
		want  targets.Outcome
	}{
		{"closed before the last frame", amqp.ErrClosed, rejected},
		{"another error with the words of that", &amqp.Error{Code: amqp.ErrClosed.Code, Reason: amqp.ErrClosed.Reason}, unknown},
		{"that error inside another", fmt.Errorf("later: %w", amqp.ErrClosed), unknown},
		{"the socket was closed while it was written to", net.ErrClosed, unknown},
		{"the peer did not read in time", &net.OpError{Op: "write", Err: errors.New("i/o timeout")}, unknown},
		{"the broker's exception", &amqp.Error{Code: amqp.NotFound, Server: true}, unknown},
		{"anything else", errors.New("?"), unknown},
	} {
		if got := classifyPublish(x.err); got != x.want {
			t.Errorf("%s: %+v, want %+v", x.claim, got, x.want)
		}
	}
}

func TestAConfirmationSaysOnlyWhatTheBrokerSaid(t *testing.T) {
	for _, x := range []struct {
		claim                   string
		acked, closed, returned bool
		want                    targets.Outcome
	}{
		{"acknowledged", true, false, false, targets.Outcome{Status: history.Acked, Origin: history.FromBroker}},
		{"acknowledged, and the channel ended since", true, true, false, targets.Outcome{Status: history.Acked, Origin: history.FromBroker}},
		{"returned and acknowledged", true, false, true,
			targets.Outcome{Status: history.Rejected, Reason: history.InvalidMessage, Origin: history.FromBroker, Flags: history.Returned}},
		{"returned and acknowledged, and the channel ended since", true, true, true,
			targets.Outcome{Status: history.Rejected, Reason: history.InvalidMessage, Origin: history.FromBroker, Flags: history.Returned}},
		{"refused by a living broker", false, false, false, targets.Outcome{Status: history.Unknown, Reason: history.BrokerError, Origin: history.FromBroker}},
		{"ended with the channel", false, true, false, targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClose}},
		{"returned, and ended with the channel", false, true, true,
			targets.Outcome{Status: history.Unknown, Reason: history.ConnectionClosed, Origin: history.FromClose, Flags: history.Returned}},
		{"returned and refused", false, false, true,
			targets.Outcome{Status: history.Unknown, Reason: history.BrokerError, Origin: history.FromBroker, Flags: history.Returned}},
	} {
		if got := classifyConfirm(x.acked, x.closed, x.returned); got != x.want {
			t.Errorf("%s: %+v, want %+v", x.claim, got, x.want)
		}
	}
}

func TestAnAcknowledgementIsNeverConfirmed(t *testing.T) {
	for _, x := range []struct {
		claim  string
		err    error
		status history.Status
		reason history.Reason
	}{
		{"written", nil, history.Unconfirmable, history.NoConfirmation},
		{"closed before it was written", amqp.ErrClosed, history.Failed, history.NotConnected},
		{"perhaps written in part", net.ErrClosed, history.Unknown, history.ConnectionClosed},
	} {
		if s, r := classifyAck(x.err); s != x.status || r != x.reason {
			t.Errorf("%s: %v, %v, want %v, %v", x.claim, s, r, x.status, x.reason)
		}
	}
}
