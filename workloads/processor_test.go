package workloads

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// scriptedTransactor hands out batches and ends transactions as a test says; commits and aborts are done as they are asked for otherwise.
type scriptedTransactor struct {
	scriptedConsumer
	end func(t targets.Transaction) targets.TransactionEnd // nil: carries it through

	seen []targets.Transaction
}

func (s *scriptedTransactor) Transact(_ context.Context, t targets.Transaction) targets.TransactionEnd {
	s.seen = append(s.seen, t)
	if s.end != nil {
		return s.end(t)
	}
	return carry(t)
}

// carry does what a healthy cluster's client does.
func carry(t targets.Transaction) targets.TransactionEnd {
	for range t.Outputs {
		t.Output()
	}
	t.Ending()
	if t.Abort {
		return targets.TransactionEnd{Status: history.Aborted}
	}
	return targets.TransactionEnd{Status: history.OK}
}

// processing runs a processor in a synctest bubble for a minute and returns what it recorded.
type processing struct {
	client    *scriptedTransactor
	load      experiment.Load
	batches   int
	steady    bool
	err       error // what Run must return
	dir       string
	rec       *history.Recorder
	counters  *history.Counters
	processor *Processor
}

func (x *processing) run(t *testing.T) []history.Event {
	t.Helper()
	x.dir = t.TempDir()
	x.rec = segmentOf(t, x.dir, 9, "deliveries")
	x.counters = x.rec.Counters()
	x.processor = NewProcessor(ProcessorConfig{Life: 9, Lane: 2, Stamp: stamp, Load: x.load, Batches: x.batches, Seed: 5}, x.client, x.rec)
	if x.steady {
		x.processor.Resume()
	}
	ctx, cancel := context.WithCancel(context.Background())
	finished := make(chan error, 1)
	go func() { finished <- x.processor.Run(ctx) }()
	time.Sleep(time.Minute)
	synctest.Wait()
	cancel()
	if err := <-finished; !errors.Is(err, x.err) {
		t.Errorf("the processor ended with %v, want %v", err, x.err)
	}
	if err := x.rec.Close(); err != nil {
		t.Error(err)
	}
	return recorded(t, x.dir)
}

func (x *processing) figures(t *testing.T, claim string, want map[history.Counter]uint64) {
	t.Helper()
	for k, n := range want {
		if got := x.counters.Load(k); got != n {
			t.Errorf("%s: live figure %d is %d, want %d", claim, k, int64(got), n)
		}
	}
}

// words are events in short: kind, transaction, message and status.
func words(events []history.Event, kinds ...history.Kind) (out []string) {
	for _, e := range ofKind(events, kinds...) {
		out = append(out, fmt.Sprintf("%v %d/%d %v%v", e.Kind, e.Txn, e.Msg.Seq, e.Status, e.Flags))
	}
	return out
}

var txnKinds = []history.Kind{history.TxnBegin, history.TxnMember, history.TxnEnd, history.TxnOutcome,
	history.ApplyBegin, history.ApplyEnd, history.AckCalled, history.AckOutcome}

func TestATransactionIsRecordedStepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &processing{client: &scriptedTransactor{scriptedConsumer: scriptedConsumer{batches: [][]targets.Delivery{batch(1, 2), nil, batch(3, 3)}}}}
		x.client.end = func(tx targets.Transaction) targets.TransactionEnd {
			now := recorded(t, x.dir)
			for _, d := range tx.Inputs {
				if !has(now, history.Delivery, d.Tag) || !has(now, history.TxnMember, d.Tag) || !has(now, history.ApplyBegin, d.Tag) {
					t.Errorf("the transaction of message %d began before that was recorded", d.Tag)
				}
			}
			for i := range tx.Outputs {
				tx.Output()
				if got := x.counters.Load(history.AppliedUnacked); got != uint64(i+1) {
					t.Errorf("%d outputs in an open transaction, want %d", got, i+1)
				}
			}
			if n, open := x.counters.Load(history.Held), x.counters.Load(history.InTransaction); n != uint64(len(tx.Inputs)) || open != 1 {
				t.Errorf("%d deliveries held, %d transactions open", n, open)
			}
			if len(ofKind(recorded(t, x.dir), history.TxnEnd)) != len(x.client.seen)-1 {
				t.Error("the end is recorded before it is about to be called")
			}
			tx.Ending()
			if len(ofKind(recorded(t, x.dir), history.TxnEnd)) != len(x.client.seen) {
				t.Error("the end is called before that is recorded")
			}
			return targets.TransactionEnd{Status: history.OK}
		}
		events := x.run(t)
		want := []string{
			"txn-begin 1/0 ", "txn-member 1/1 ", "apply-begin 1/1 ", "txn-member 1/2 ", "apply-begin 1/2 ",
			"ack-called 1/1 commit", "ack-called 1/2 commit", "txn-end 1/0 commit", "txn-outcome 1/0 ok",
			"apply-end 1/1 ok", "ack-outcome 1/1 confirmed", "apply-end 1/2 ok", "ack-outcome 1/2 confirmed",
			"txn-begin 2/0 ", "txn-member 2/3 ", "apply-begin 2/3 ", "ack-called 2/3 commit", "txn-end 2/0 commit", "txn-outcome 2/0 ok",
			"apply-end 2/3 ok", "ack-outcome 2/3 confirmed",
		}
		if diff := cmp.Diff(want, words(events, txnKinds...)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		for _, e := range ofKind(events, txnKinds...) {
			if e.Lane != 2 || e.Msg.Seq != 0 && (e.Msg.Life != 3 || e.Pos.Offset != int64(100+e.Msg.Seq)) {
				t.Errorf("recorded %+v", e)
			}
		}
		if len(x.client.seen) != 2 || x.client.seen[0].ID != "9/1" || x.client.seen[1].ID != "9/2" || len(x.client.acked) != 0 {
			t.Errorf("transactions %+v, acknowledged %q", x.client.seen, x.client.acked)
		}
		for i, d := range batch(1, 2) {
			want := targets.Message{Token: d.Token, Attempt: d.Attempt, Key: d.Key, Payload: d.Payload}
			if diff := cmp.Diff(want, x.client.seen[0].Outputs[i]); diff != "" {
				t.Errorf("output %d (-want +got)\n%s", i, diff)
			}
		}
		x.figures(t, "at the end", map[history.Counter]uint64{history.Received: 3, history.Applied: 3, history.AckedByConsumer: 3,
			history.Held: 0, history.AppliedUnacked: 0, history.InTransaction: 0})
	})
}

func TestHowATransactionEndedIsHowItsEffectsAndAcknowledgementsDid(t *testing.T) {
	for _, c := range []struct {
		claim   string
		status  history.Status
		ending  bool // the end was called
		applied history.Status
		acked   history.Status // NoStatus: no acknowledgement was called
		counted uint64
	}{
		{"committed", history.OK, true, history.OK, history.Confirmed, 3},
		{"aborted by the broker", history.Aborted, true, history.Failed, history.Failed, 0},
		{"aborted before its end", history.Aborted, false, history.Failed, history.NoStatus, 0},
		{"fenced", history.Fenced, true, history.Failed, history.Failed, 0},
		{"unknown", history.Unknown, true, history.Unknown, history.Unknown, 0},
		{"something that no target may say", history.NoStatus, true, history.Unknown, history.Unknown, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			x := &processing{client: &scriptedTransactor{scriptedConsumer: scriptedConsumer{batches: [][]targets.Delivery{batch(1, 3)}}}}
			x.client.end = func(tx targets.Transaction) targets.TransactionEnd {
				for range 2 {
					tx.Output()
				}
				if c.ending {
					tx.Ending()
				}
				return targets.TransactionEnd{Status: c.status, Reason: history.Timeout, Text: "why"}
			}
			events := x.run(t)
			if o := ofKind(events, history.TxnOutcome); len(o) != 1 || o[0].Status != c.status || o[0].Reason != history.Timeout || o[0].Text != "why" {
				t.Errorf("%s: recorded %+v", c.claim, o)
			}
			for _, e := range ofKind(events, history.ApplyEnd) {
				if e.Status != c.applied {
					t.Errorf("%s: applied %v, want %v", c.claim, e.Status, c.applied)
				}
			}
			acks := ofKind(events, history.AckOutcome)
			if len(ofKind(events, history.ApplyEnd)) != 3 || (len(acks) == 3) != (c.acked != history.NoStatus) || len(acks) != len(ofKind(events, history.AckCalled)) {
				t.Errorf("%s: %d effects, %d acknowledgements", c.claim, len(ofKind(events, history.ApplyEnd)), len(acks))
			}
			for _, e := range acks {
				if e.Status != c.acked {
					t.Errorf("%s: acknowledged %v, want %v", c.claim, e.Status, c.acked)
				}
			}
			x.figures(t, c.claim, map[history.Counter]uint64{history.Applied: c.counted, history.AckedByConsumer: c.counted,
				history.Held: 0, history.AppliedUnacked: 0, history.InTransaction: 0})
		})
	}
}

func TestTransactionsAreAbortedOnPurposeOnlyWhileSteady(t *testing.T) {
	var batches [][]targets.Delivery
	for seq := range uint64(1000) {
		batches = append(batches, batch(seq+1, seq+1))
	}
	for _, c := range []struct {
		claim       string
		share       float64
		batches     int
		steady      bool
		least, most int
	}{
		{"all", 1, 0, true, 1000, 1000},
		{"2 %", 0.02, 0, true, 20, 20},
		{"2 % of batches, with four in a transaction", 0.02, 4, true, 76, 77},
		{"none while the group drains", 1, 0, false, 0, 0},
		{"a share of none", 0, 0, true, 0, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			run := func() []history.Event {
				x := &processing{client: &scriptedTransactor{scriptedConsumer: scriptedConsumer{batches: batches}}, load: experiment.Load{Withhold: c.share}, batches: c.batches, steady: c.steady}
				return x.run(t)
			}
			events := run()
			var aborted []uint64
			for _, e := range ofKind(events, history.TxnOutcome) {
				if e.Status != history.Aborted {
					continue
				}
				aborted = append(aborted, e.Txn)
				if e.Reason != history.Withheld {
					t.Errorf("%s: transaction %d is aborted because of %v", c.claim, e.Txn, e.Reason)
				}
			}
			if len(aborted) < c.least || len(aborted) > c.most {
				t.Errorf("%s: %d of 1000 are aborted", c.claim, len(aborted))
			}
			gaps := map[uint64]bool{}
			for i, n := range aborted {
				gap := n
				if i > 0 {
					gap -= aborted[i-1]
				}
				gaps[gap] = true
				if most := uint64(2 * 1000 / c.most); gap > most+2 {
					t.Errorf("%s: none of %d in a row is aborted", c.claim, gap)
				}
			}
			if c.share > 0 && c.share < 1 && len(gaps) < 5 {
				t.Errorf("%s: those aborted come at regular distances: %v", c.claim, gaps)
			}
			for _, e := range ofKind(events, history.TxnEnd) {
				if (e.Flags == history.Commit) == slices.Contains(aborted, e.Txn) {
					t.Errorf("%s: transaction %d ended with the flags %v", c.claim, e.Txn, e.Flags)
				}
			}
			if n := len(ofKind(events, history.AckCalled)); n != 1000-len(aborted) {
				t.Errorf("%s: %d acknowledgements, %d transactions were aborted", c.claim, n, len(aborted))
			}
			if !cmp.Equal(words(events, history.TxnEnd), words(run(), history.TxnEnd)) {
				t.Errorf("%s: the same seed aborts others", c.claim)
			}
		})
	}
}

// What is open for long can be struck: each message is processed while the transaction is open.
func TestProcessingTakesItsTimeWithinTheTransaction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x := &processing{load: experiment.Load{Processing: time.Second},
			client: &scriptedTransactor{scriptedConsumer: scriptedConsumer{batches: [][]targets.Delivery{batch(1, 4)}}}}
		var took time.Duration
		x.client.end = func(tx targets.Transaction) targets.TransactionEnd {
			began := time.Now()
			defer func() { took = time.Since(began) }()
			return carry(tx)
		}
		x.run(t)
		if took != 3*time.Second {
			t.Errorf("with four messages of a second each, a transaction is open for %s, want three: the first is processed before its output", took)
		}
	})
}

func TestAProcessorEndsWhenItCannotGoOn(t *testing.T) {
	broken := errors.New("protocol error")
	synctest.Test(t, func(t *testing.T) {
		x := &processing{err: broken, client: &scriptedTransactor{scriptedConsumer: scriptedConsumer{batches: [][]targets.Delivery{batch(1, 1)}, err: broken}}}
		x.run(t)
		if len(x.client.seen) != 1 {
			t.Errorf("%d transactions", len(x.client.seen))
		}
	})
	synctest.Test(t, func(t *testing.T) {
		x := &processing{err: history.ErrClosed, client: &scriptedTransactor{scriptedConsumer: scriptedConsumer{batches: [][]targets.Delivery{batch(1, 1), batch(2, 2)}}}}
		x.client.before = func(call int) {
			if call == 1 {
				if err := x.rec.Close(); err != nil {
					t.Error(err)
				}
				x.rec = segmentOf(t, t.TempDir(), 9, "other") // to be closed at the end
			}
		}
		x.run(t)
		if len(x.client.seen) != 1 {
			t.Errorf("%d transactions, although nobody will know of the second", len(x.client.seen))
		}
	})
}
