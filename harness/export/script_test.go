package export

import (
	"bytes"
	"testing"

	"waybill/harness/experiment"
	"waybill/harness/golden"
	"waybill/harness/history"
)

const (
	controller history.Life = 1
	producing  history.Life = 17
	consuming  history.Life = 18
	inspecting history.Life = 19
)

var oneLane = experiment.Experiment{Run: "testtest", Target: "kafka", Version: "4.1.0", Lanes: []experiment.Lane{{Name: "acks-all"}}}

// script is a history that a test writes: each event a millisecond after the one before.
type script struct{ history.Memory }

func (s *script) by(life history.Life, e history.Event) {
	e.Life, e.Time = life, int64(len(s.Memory)+5)*1000
	s.Memory = append(s.Memory, e)
}

func (s *script) send(seq uint64, attempt, key uint32) {
	s.by(producing, history.Event{Kind: history.Send, Msg: history.Msg{Life: producing, Seq: seq}, Attempt: attempt, Key: key})
}

func (s *script) outcome(seq uint64, attempt uint32, status history.Status, at history.Position, why history.Reason) {
	s.by(producing, history.Event{Kind: history.Outcome, Msg: history.Msg{Life: producing, Seq: seq}, Attempt: attempt, Status: status, Pos: at, Reason: why})
}

func (s *script) deliver(call, seq uint64, at history.Position) {
	s.by(consuming, history.Event{Kind: history.Delivery, Call: call, Msg: history.Msg{Life: producing, Seq: seq}, Pos: at})
}

func (s *script) edn(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	if _, err := Jepsen(&b, s.Memory, oneLane, 0); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func at(partition uint32, offset int64) history.Position {
	return history.Position{Partition: partition, Offset: offset}
}

// aLog is a queue of two partitions, keys 0 and 1 of the workload, and something of everything that can happen to a message.
func aLog() *script {
	s := &script{}
	s.by(controller, history.Event{Kind: history.LifeStart, Other: producing})
	s.by(consuming, history.Event{Kind: history.Receive, Call: 1})
	s.send(1, 1, 0)
	s.send(2, 1, 1)
	s.send(3, 1, 0) // while the others are open
	s.outcome(1, 1, history.Acked, at(0, 1), 0)
	s.outcome(2, 1, history.Unknown, history.Position{}, history.Timeout)
	s.outcome(3, 1, history.Rejected, history.Position{}, history.NotConnected)
	s.by(controller, history.Event{Kind: history.FaultInject, Ref: 1, Name: "kill-leader", Text: `n1 "at" once`})
	s.by(controller, history.Event{Kind: history.FaultInjected, Ref: 1})
	s.send(2, 2, 1)
	s.deliver(1, 1, at(0, 1))
	s.by(consuming, history.Event{Kind: history.ApplyBegin, Msg: history.Msg{Life: producing, Seq: 1}})
	s.outcome(2, 2, history.Acked, at(1, 7), 0) // offsets 1 to 6 hold nothing that a client was told of
	s.by(controller, history.Event{Kind: history.FaultRecover, Ref: 1})
	s.by(controller, history.Event{Kind: history.FaultVerified, Ref: 1, Status: history.OK})
	s.send(4, 1, 0)
	s.outcome(4, 1, history.Unknown, history.Position{}, history.Timeout)
	s.send(5, 1, 0) // never resolved
	s.send(6, 1, 9) // never seen anywhere
	s.by(consuming, history.Event{Kind: history.Receive, Call: 2})
	s.deliver(2, 2, at(1, 7))
	s.deliver(2, 4, at(0, 4))
	s.by(consuming, history.Event{Kind: history.Delivery, Call: 2, Flags: history.Foreign, Pos: at(0, 5)})
	s.deliver(2, 2, at(1, 9)) // stored twice
	s.deliver(2, 99, at(0, 6))
	s.by(consuming, history.Event{Kind: history.Receive, Call: 3})
	s.by(consuming, history.Event{Kind: history.Receive, Call: 4}) // nothing came
	s.deliver(4, 1, at(0, 1))
	s.by(controller, history.Event{Kind: history.LifeEnd, Other: consuming})
	return s
}

func TestALogIsWrittenAsJepsensKafkaWorkload(t *testing.T) {
	golden.Compare(t, "log.edn", []byte(aLog().edn(t)))
}

func TestAQueueWithoutPositionsIsWrittenAsATotalQueue(t *testing.T) {
	s := &script{}
	s.by(consuming, history.Event{Kind: history.Receive, Call: 1})
	s.send(1, 1, 0)
	s.send(2, 1, 1)
	s.outcome(1, 1, history.Acked, history.Position{}, 0)
	s.outcome(2, 1, history.Rejected, history.Position{}, history.BrokerError)
	s.by(consuming, history.Event{Kind: history.Receive, Call: 2}) // nothing came
	s.deliver(2, 1, history.Position{})
	s.deliver(2, 2, history.Position{})
	s.deliver(2, 3, history.Position{}) // nobody sent it
	s.by(consuming, history.Event{Kind: history.Receive, Call: 3})
	golden.Compare(t, "queue.edn", []byte(s.edn(t)))
}

func TestWhatComesOutOfAQueueAtTheLastDrainedCheckpointIsADrain(t *testing.T) {
	s := &script{}
	s.by(consuming, history.Event{Kind: history.Receive, Call: 1})
	s.send(1, 1, 0)
	s.send(2, 1, 0)
	s.outcome(1, 1, history.Acked, history.Position{}, 0)
	s.by(controller, history.Event{Kind: history.CheckpointBegin, Ref: 1})
	s.deliver(1, 1, history.Position{}) // before the last send has ended
	s.by(consuming, history.Event{Kind: history.Receive, Call: 2})
	s.outcome(2, 1, history.Acked, history.Position{}, 0)
	s.deliver(2, 2, history.Position{})
	s.by(consuming, history.Event{Kind: history.Receive, Call: 3})
	s.deliver(3, 2, history.Position{})
	s.by(controller, history.Event{Kind: history.CheckpointEnd, Ref: 1, Status: history.OK})
	s.by(controller, history.Event{Kind: history.CheckpointBegin, Ref: 2}) // is never proven
	s.by(consuming, history.Event{Kind: history.Receive, Call: 4})
	s.by(controller, history.Event{Kind: history.CheckpointEnd, Ref: 2, Status: history.Failed})
	golden.Compare(t, "drain.edn", []byte(s.edn(t)))
}

func TestTransactionsAreWrittenWithWhatTheyReadAndWrote(t *testing.T) {
	s := &script{}
	for seq := uint64(1); seq <= 3; seq++ {
		s.send(seq, 1, 0)
		s.outcome(seq, 1, history.Acked, at(0, int64(seq)), 0)
	}
	try := func(n uint64, seq uint64, status history.Status) {
		s.by(consuming, history.Event{Kind: history.Receive, Call: n})
		s.deliver(n, seq, at(0, int64(seq)))
		s.by(consuming, history.Event{Kind: history.TxnBegin, Txn: n})
		s.by(consuming, history.Event{Kind: history.TxnMember, Txn: n, Msg: history.Msg{Life: producing, Seq: seq}, Pos: at(0, int64(seq))})
		s.by(consuming, history.Event{Kind: history.TxnEnd, Txn: n, Flags: history.Commit})
		s.by(consuming, history.Event{Kind: history.TxnOutcome, Txn: n, Status: status})
	}
	try(1, 1, history.Aborted)
	try(2, 1, history.OK)
	try(3, 2, history.Unknown)
	try(4, 3, history.Fenced)
	s.by(consuming, history.Event{Kind: history.Receive, Call: 5}) // nothing to make a transaction from
	s.by(controller, history.Event{Kind: history.CheckpointBegin, Ref: 2})
	output := func(txn, seq uint64, offset int64, flags history.Flags) {
		s.by(inspecting, history.Event{Kind: history.Readback, Ref: 2, Other: consuming, Txn: txn, Msg: history.Msg{Life: producing, Seq: seq}, Pos: at(0, offset), Count: 1, Flags: flags})
	}
	output(1, 1, 1, history.Invisible)
	output(3, 2, 5, 0) // its end was unknown: it committed
	output(2, 1, 3, 0)
	output(77, 3, 8, 0) // by a transaction that nobody recorded
	s.by(inspecting, history.Event{Kind: history.ReadbackEnd, Ref: 2, Status: history.OK})
	golden.Compare(t, "transactions.edn", []byte(s.edn(t)))
}

func TestWhatIsLeftOutIsCounted(t *testing.T) {
	s := aLog()
	s.by(consuming, history.Event{Kind: history.Delivery, Flags: history.Corrupt, Pos: at(0, 8)})
	s.deliver(4, 1, history.Position{})
	left, err := Jepsen(new(bytes.Buffer), s.Memory, oneLane, 0)
	if want := (Left{Foreign: 1, Corrupt: 1, Nowhere: 1, Unwritten: 1}); err != nil || left != want {
		t.Errorf("%+v, %v; want %+v", left, err, want)
	}
	if got, want := left.String(), "1 of another run, 1 corrupt, 1 without a position, 1 that nobody is known to have sent (given a send of unknown outcome)"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestALaneThatIsNotThereIsAnError(t *testing.T) {
	for _, lane := range []int{-1, 1} {
		if _, err := Jepsen(new(bytes.Buffer), history.Memory{}, oneLane, lane); err == nil {
			t.Errorf("lane %d: no error", lane)
		}
	}
}

// where is the operation of this f and type, the n-th of them from 0.
func where(t *testing.T, ops []operation, f, kind string, n int) operation {
	t.Helper()
	for _, o := range ops {
		if o.f == f && o.kind == kind {
			if n == 0 {
				return o
			}
			n--
		}
	}
	t.Fatalf("no such %s %s in %v", f, kind, ops)
	return operation{}
}

func TestAMessageIsWhereItWasAcknowledgedThoughItsKeyIsElsewhere(t *testing.T) {
	s := &script{}
	for seq, partition := range []uint32{0, 1} {
		s.send(uint64(seq)+1, 1, 0)
		s.outcome(uint64(seq)+1, 1, history.Acked, at(partition, 1), 0)
	}
	ops := operations(t, s.edn(t))
	for i, key := range []int64{0, 1} {
		if got := microOps(where(t, ops, "send", invoke, i))[0][1]; got != key {
			t.Errorf("message %d is sent to key %v, want %d", i+1, got, key)
		}
	}
}

func TestAnOutcomeThatWasMergedBeforeItsSendEndsIt(t *testing.T) {
	s := aLog()
	s.outcome(7, 1, history.Acked, at(0, 20), 0)
	s.send(7, 1, 0)
	last := operations(t, s.edn(t))
	if got := where(t, last, "send", ok, 2); microOps(got)[0][2].([]any)[1] != int64(170000000007) {
		t.Errorf("%+v, want message 7 to end :ok", got)
	}
}

func TestWherePartitionsAreAssignedOnlyAChangeIsARebalance(t *testing.T) {
	s := &script{}
	s.by(consuming, history.Event{Kind: history.Assign, Pos: at(1, 0)})
	s.send(1, 1, 0)
	s.outcome(1, 1, history.Acked, at(1, 1), 0)
	for call := uint64(1); call <= 3; call++ {
		s.by(consuming, history.Event{Kind: history.Receive, Call: call})
		s.deliver(call, 1, at(1, 1))
	}
	s.by(consuming, history.Event{Kind: history.Revoke, Pos: at(1, 0)})
	ops := operations(t, s.edn(t))
	for i, want := range []bool{true, false} {
		if _, has := where(t, ops, "poll", ok, i).rest[keyword("rebalance-log")]; has != want {
			t.Errorf("poll %d has a rebalance-log: %v, want %v", i+1, has, want)
		}
	}
	if _, has := where(t, ops, "poll", info, 0).rest[keyword("rebalance-log")]; !has {
		t.Error("the poll during which a partition was revoked has no rebalance-log")
	}
}
