package kafka

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"waybill/harness/history"
	"waybill/targets"
)

func named(t testing.TB, name string) mode {
	t.Helper()
	m, ok := modeOf(name)
	if !ok {
		t.Fatalf("no mode %q", name)
	}
	return m
}

func TestTheEndOfARecordIsClassified(t *testing.T) {
	at := func(offset int64) *kgo.Record { return &kgo.Record{Partition: 3, Offset: offset} }
	outcome := func(s history.Status, r history.Reason, o history.Origin) targets.Outcome {
		return targets.Outcome{Status: s, Reason: r, Origin: o}
	}
	acked := targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Pos: history.Position{Partition: 3, Offset: 8}}
	again := acked
	again.Flags = history.Resent
	nowhere := targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Flags: history.Duplicate, Pos: history.Position{Partition: 3}}
	unsure := outcome(history.Unknown, history.BrokerError, history.FromBroker)
	cut := outcome(history.Unknown, history.ConnectionClosed, history.FromClient)
	resent := func(o targets.Outcome) targets.Outcome { o.Flags |= history.Resent; return o }
	tooLarge := fmt.Errorf("%w (uncompressed_bytes=9)", kerr.MessageTooLarge)

	for _, c := range []struct {
		claim  string
		mode   string
		writes int
		offset int64
		err    error
		want   targets.Outcome
	}{
		{"an answer is acked at the next position, since offsets begin at 0", "acks-all", 1, 7, nil, acked},
		{"the first offset is a position too", "acks-1", 1, 0, nil, targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Pos: history.Position{Partition: 3, Offset: 1}}},
		{"an answer after two writes is acked and resent", "idempotent", 2, 7, nil, again},
		{"an answer without an offset is a duplicate at a place unknown", "idempotent", 1, -1, nil, nowhere},
		{"with acks=0 a write confirms nothing", "acks-0", 1, 0, nil, outcome(history.Unknown, history.NoConfirmation, history.FromClient)},
		{"success without a write makes no sense", "acks-all", 0, 7, nil, outcome(history.Unknown, history.NoConfirmation, history.FromClient)},

		{"given up unwritten is certain", "acks-all", 0, -1, kgo.ErrRecordTimeout, outcome(history.Rejected, history.NotConnected, history.FromClient)},
		{"so it is after retries that never came to a write", "acks-1", 0, -1, kgo.ErrRecordRetries, outcome(history.Rejected, history.NotConnected, history.FromClient)},
		{"and with idempotence", "idempotent", 0, -1, kgo.ErrClientClosed, outcome(history.Rejected, history.NotConnected, history.FromClose)},
		{"too large for the client", "acks-all", 0, -1, tooLarge, outcome(history.Rejected, history.InvalidMessage, history.FromClient)},
		{"no room in the client", "acks-all", 0, -1, kgo.ErrMaxBuffered, outcome(history.Rejected, history.LimitReached, history.FromClient)},
		{"cancelled before a write", "acks-all", 0, -1, context.Canceled, outcome(history.Rejected, history.Interrupted, history.FromClient)},

		{"too large for the broker", "acks-all", 1, -1, tooLarge, outcome(history.Rejected, history.InvalidMessage, history.FromBroker)},
		{"an invalid record", "acks-1", 1, -1, kerr.InvalidRecord, outcome(history.Rejected, history.InvalidMessage, history.FromBroker)},
		{"an invalid timestamp", "acks-1", 1, -1, kerr.InvalidTimestamp, outcome(history.Rejected, history.InvalidMessage, history.FromBroker)},
		{"another message format", "acks-1", 1, -1, kerr.UnsupportedForMessageFormat, outcome(history.Rejected, history.InvalidMessage, history.FromBroker)},
		{"not allowed", "acks-all", 1, -1, kerr.TopicAuthorizationFailed, outcome(history.Rejected, history.BrokerError, history.FromBroker)},
		{"too few replicas before the append", "acks-all", 1, -1, kerr.NotEnoughReplicas, outcome(history.Rejected, history.BrokerError, history.FromBroker)},
		{"too few replicas, said of the second write", "acks-all", 2, -1, kerr.NotEnoughReplicas, resent(unsure)},
		{"too large, said of the second write", "acks-all", 2, -1, tooLarge, resent(unsure)},
		{"a refusal of one batch of several that fly", "idempotent", 1, -1, tooLarge, unsure},

		{"too few replicas after the append", "acks-all", 1, -1, kerr.NotEnoughReplicasAfterAppend, unsure},
		{"the broker's own timeout", "acks-all", 1, -1, kerr.RequestTimedOut, outcome(history.Unknown, history.Timeout, history.FromBroker)},
		{"a leader deposed, perhaps while it waited", "acks-all", 1, -1, kerr.NotLeaderForPartition, unsure},
		{"an unknown topic on a node that may be behind", "acks-all", 1, -1, kerr.UnknownTopicOrPartition, unsure},
		{"a disk error", "acks-1", 1, -1, kerr.KafkaStorageError, unsure},
		{"a batch that arrived damaged", "acks-1", 1, -1, kerr.CorruptMessage, unsure},
		{"a sequence out of order", "idempotent", 1, -1, kerr.OutOfOrderSequenceNumber, unsure},
		{"an error of the broker that is not named", "acks-1", 1, -1, kerr.UnknownServerError, unsure},
		{"no answer and no retry", "acks-all", 1, -1, kgo.ErrRecordRetries, cut},
		{"no answer in time", "acks-all", 1, -1, kgo.ErrRecordTimeout, outcome(history.Unknown, history.Timeout, history.FromTimeout)},
		{"a write that broke, with acks=0", "acks-0", 1, -1, kgo.ErrRecordRetries, cut},
		{"a lost connection", "acks-1", 1, -1, io.EOF, cut},
		{"the client closed", "idempotent", 3, -1, kgo.ErrClientClosed, resent(outcome(history.Unknown, history.ConnectionClosed, history.FromClose))},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if diff := cmp.Diff(c.want, classify(named(t, c.mode), c.writes, at(c.offset), c.err)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whatever the library says, nothing that was written more than once, or beside others, is ever called rejected.
func TestOnlyTheFirstAnswerCanReject(t *testing.T) {
	for code := int16(1); code < 150; code++ {
		err := kerr.ErrorForCode(code)
		for _, m := range modes() {
			for writes := 1; writes < 3; writes++ {
				o := classify(m, writes, &kgo.Record{Offset: -1}, err)
				_, sure := certain[err.(*kerr.Error)]
				if want := sure && writes == 1 && !m.idempotent; (o.Status == history.Rejected) != want {
					t.Errorf("%s: %v after %d writes is %v", m.Name, err, writes, o.Status)
				}
			}
		}
	}
}

func TestTheEndOfACommitIsClassified(t *testing.T) {
	for _, c := range []struct {
		claim  string
		err    error
		writes int64
		want   verdict
	}{
		{"committed", nil, 1, verdict{history.Confirmed, history.NoReason}},
		{"committed at the second try", nil, 2, verdict{history.Confirmed, history.NoReason}},
		{"a zombie's generation", kerr.IllegalGeneration, 1, verdict{history.Failed, history.BrokerError}},
		{"a zombie's membership", kerr.UnknownMemberID, 1, verdict{history.Failed, history.BrokerError}},
		{"in the midst of a rebalance", kerr.RebalanceInProgress, 1, verdict{history.Failed, history.BrokerError}},
		{"a refusal of the second try says nothing of the first", kerr.IllegalGeneration, 2, verdict{history.Unknown, history.BrokerError}},
		{"nothing was written", kgo.ErrClientClosed, 0, verdict{history.Failed, history.NotConnected}},
		{"a coordinator that moves may have written it", kerr.NotCoordinator, 1, verdict{history.Unknown, history.BrokerError}},
		{"the coordinator's own timeout", kerr.RequestTimedOut, 1, verdict{history.Unknown, history.BrokerError}},
		{"no answer in time", context.DeadlineExceeded, 1, verdict{history.Unknown, history.Timeout}},
		{"a lost connection", io.EOF, 1, verdict{history.Unknown, history.ConnectionClosed}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			if got := classifyCommit(c.err, c.writes); got != c.want {
				t.Errorf("%+v, want %+v", got, c.want)
			}
		})
	}
}

func TestTheEndOfATransactionIsClassified(t *testing.T) {
	for _, c := range []struct {
		claim     string
		committed bool
		err       error
		commits   int64
		taken     bool
		want      history.Status
	}{
		{"committed", true, nil, 1, false, history.OK},
		{"committed at the second try", true, nil, 2, false, history.OK},
		{"aborted before a commit was asked for", false, nil, 0, false, history.Aborted},
		{"aborted because an output failed", false, kerr.InvalidTxnState, 0, false, history.Aborted},
		{"a connection lost before the end was called", false, io.EOF, 0, false, history.Aborted},
		{"the group took partitions away", false, nil, 0, true, history.Fenced},
		{"the offsets were refused for their generation", false, kerr.IllegalGeneration, 0, false, history.Fenced},
		{"another life has the id", false, kerr.ProducerFenced, 0, false, history.Fenced},
		{"another life has the id, said of the only commit", false, kerr.ProducerFenced, 1, false, history.Fenced},
		{"another life has the id, said of the second commit", false, kerr.ProducerFenced, 2, false, history.Unknown},
		{"a commit without an answer", false, io.EOF, 1, false, history.Unknown},
		{"a commit without an answer, followed by an abort", false, nil, 1, false, history.Unknown},
		{"a commit without an answer, and then the group moved on", false, nil, 1, true, history.Unknown},
		{"a commit that took too long", false, context.DeadlineExceeded, 1, false, history.Unknown},
		{"a commit that the broker failed at", false, kerr.UnknownServerError, 1, false, history.Unknown},
	} {
		t.Run(c.claim, func(t *testing.T) {
			got := conclude(c.committed, c.err, c.commits, c.taken)
			if got.Status != c.want || (got.Text == "") != (c.want == history.OK) {
				t.Errorf("%+v, want %v, and a text unless it was committed", got, c.want)
			}
			if c.err != nil && got.Reason == history.NoReason {
				t.Errorf("%+v has no reason", got)
			}
		})
	}
	if end := conclude(false, errors.New("odd"), 0, false); end.Reason != history.ConnectionClosed {
		t.Errorf("%+v", end)
	}
}
