package kafka

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
	"waybill/targets"
)

func (f *fake) consumer() targets.Consumer {
	f.t.Helper()
	var c targets.Consumer
	var err error
	if f.mode.Traits.Transactional {
		c, err = newTransactor(f.link(), namesOf("q"), f.config)
	} else {
		c, err = newConsumer(f.link(), namesOf("q"), f.mode, f.config)
	}
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			f.t.Error(err)
		}
	})
	return c
}

// receive collects n deliveries of one consumer.
func receive(t testing.TB, c targets.Consumer, n int) (all []targets.Delivery) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for len(all) < n {
		ds, err := c.Receive(ctx)
		if err != nil {
			t.Fatalf("after %d of %d: %v", len(all), n, err)
		}
		all = append(all, ds...)
	}
	return all
}

// ack acknowledges and returns how each ended.
func ack(t testing.TB, c targets.Consumer, ds []targets.Delivery) string {
	t.Helper()
	ended := make([]string, len(ds))
	err := c.Ack(t.Context(), ds, func(i int, s history.Status, _ history.Reason) { ended[i] += s.String() })
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(ended, " ")
}

func offsets(ds []targets.Delivery) string {
	var at []string
	for _, d := range ds {
		at = append(at, fmt.Sprint(d.Pos.Offset))
	}
	return strings.Join(at, " ")
}

func TestWhatIsLeftOutOfAnAcknowledgementComesAgain(t *testing.T) {
	f := newFake(t, "idempotent")
	f.stock(5)
	sought := make(chan [3]int64, 16)
	f.config.Sought = func(p uint32, from, to int64, _ string) { sought <- [3]int64{int64(p), from, to} }
	c := f.consumer()
	ds := receive(t, c, 5)
	if diff := cmp.Diff("1 2 3 4 5", offsets(ds)); diff != "" {
		t.Fatal(diff)
	}
	// The third is left out: an offset cannot say so, and stays before it.
	if diff := cmp.Diff("confirmed confirmed failed failed", ack(t, c, append(ds[:2:2], ds[3:]...))); diff != "" {
		t.Error(diff)
	}
	again := receive(t, c, 3)
	if diff := cmp.Diff("3 4 5", offsets(again)); diff != "" {
		t.Error(diff)
	}
	select {
	case s := <-sought:
		if s != [3]int64{0, 6, 3} {
			t.Errorf("told that it went back from and to %v", s)
		}
	default:
		t.Error("told nobody that it went back")
	}
	if diff := cmp.Diff("failed", ack(t, c, ds[2:3])); diff != "" {
		t.Errorf("a delivery that was taken back: %s", diff)
	}
	if diff := cmp.Diff("confirmed confirmed confirmed", ack(t, c, again)); diff != "" {
		t.Error(diff)
	}
	if d, err := f.inspector().Depth(t.Context()); err != nil || !d.Settled {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestAcknowledgementsInPartsCommitWhatIsComplete(t *testing.T) {
	f := newFake(t, "idempotent")
	f.stock(4)
	c := f.consumer()
	ds := receive(t, c, 4)
	for _, part := range []struct {
		ds   []targets.Delivery
		want string
	}{{ds[:2], "confirmed confirmed"}, {ds[2:3], "confirmed"}, {ds[3:], "confirmed"}, {ds[3:], "failed"}} {
		if got := ack(t, c, part.ds); got != part.want {
			t.Errorf("offsets %s: %s, want %s", offsets(part.ds), got, part.want)
		}
	}
	if next, err := c.Receive(t.Context()); err != nil || len(next) > 0 {
		t.Errorf("delivered again: %s, %v", offsets(next), err)
	}
}

func TestAConsumerThatFindsNothingGoesBackToWhatItHolds(t *testing.T) {
	f := newFake(t, "idempotent")
	f.stock(3)
	c := f.consumer()
	receive(t, c, 3)
	again := receive(t, c, 3)
	if diff := cmp.Diff("1 2 3", offsets(again)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff("confirmed confirmed confirmed", ack(t, c, again)); diff != "" {
		t.Error(diff)
	}
}

func TestACommitThatIsNotConfirmedIsDeliveredAgain(t *testing.T) {
	for _, c := range []struct {
		err  *kerr.Error
		want string
	}{
		{kerr.UnknownServerError, "unknown unknown"},
		{kerr.RebalanceInProgress, "failed failed"},
	} {
		t.Run(c.err.Message, func(t *testing.T) {
			f := newFake(t, "idempotent")
			f.stock(2)
			r := f.consumer()
			ds := receive(t, r, 2)
			f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: c.err})
			if got := ack(t, r, ds); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
			again := receive(t, r, 2)
			if diff := cmp.Diff("1 2", offsets(again)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff("confirmed confirmed", ack(t, r, again)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A zombie is a member whose session ended while it held a batch. The group goes on without it: its commit must fail,
// and must not be repeated in the name of the member that it becomes next.
func TestAZombieDropsItsBatch(t *testing.T) {
	f := newFake(t, "autocommit-early")
	f.stock(3)
	zombie := f.consumer()
	held := receive(t, zombie, 3)
	dead := f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat, kmsg.OffsetCommit}, Group: "q", Err: kerr.UnknownMemberID, Count: 2, TopLevel: true},
		kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Group: "q", Err: kerr.UnknownMemberID})
	if err := dead.Wait(within(t, 10*time.Second), 1); err != nil { // a heartbeat
		t.Fatal(err)
	}
	if diff := cmp.Diff("failed failed failed", ack(t, zombie, held)); diff != "" {
		t.Error(diff)
	}
	again := receive(t, zombie, 3)
	if diff := cmp.Diff("1 2 3", offsets(again)); diff != "" {
		t.Errorf("nothing was committed, and the next generation began elsewhere: %s", diff)
	}
	if diff := cmp.Diff("failed failed failed", ack(t, zombie, held)); diff != "" {
		t.Errorf("what an earlier generation delivered: %s", diff)
	}
	if diff := cmp.Diff("confirmed confirmed confirmed", ack(t, zombie, again)); diff != "" {
		t.Error(diff)
	}
}

func TestAPositionThatMovesByItselfIsTold(t *testing.T) {
	for _, c := range []struct {
		mode string
		want string
		to   int64
	}{{"idempotent", "", 1}, {"autocommit-early", "", 0}} {
		t.Run(c.mode, func(t *testing.T) {
			f := newFake(t, c.mode)
			f.stock(4)
			first := f.consumer()
			ack(t, first, receive(t, first, 4))
			first.Close()
			f.stock(1)
			// The log's beginning goes beyond what the group committed: what came between is gone.
			more := f.producer()
			var ms []targets.Message
			for i := range 3 {
				m := message(100 + i)
				m.Key = 0
				ms = append(ms, m)
			}
			f.send(more, ms...)()
			if err := f.DeleteRecords("q", 0, 6); err != nil {
				t.Fatal(err)
			}
			second := f.consumer()
			if c.mode == "autocommit-early" {
				go func() { // a reset to the end is seen with the next message
					time.Sleep(3 * time.Second)
					m := message(200)
					m.Key = 0
					more.Send(context.Background(), m, func(targets.Outcome) {})
				}()
			}
			ds := receive(t, second, 1)
			select {
			case r := <-f.resets:
				if r != [3]int64{0, 5, ds[0].Pos.Offset} {
					t.Errorf("told of partition %d, from %d to %d, and delivered from %d on", r[0], r[1], r[2], ds[0].Pos.Offset)
				}
			case <-time.After(time.Second):
				t.Errorf("delivered from %d on, where 5 was committed to be next, and told nobody", ds[0].Pos.Offset)
			}
		})
	}
}

func TestTransactionsEndAsToldAndStartAgainFromTheCommit(t *testing.T) {
	f := newFake(t, "transactional")
	f.stock(3)
	c := f.consumer().(*transactor)
	outputs := func(ds []targets.Delivery) (ms []targets.Message) {
		for _, d := range ds {
			ms = append(ms, targets.Message{Token: d.Token, Attempt: d.Attempt, Key: d.Key, Payload: d.Payload})
		}
		return ms
	}
	run := func(id string, ds []targets.Delivery, abort bool) targets.TransactionEnd {
		t.Helper()
		return c.Transact(within(t, 30*time.Second), targets.Transaction{ID: id, Inputs: ds, Outputs: outputs(ds), Abort: abort})
	}
	ds := receive(t, c, 3)
	if end := run("1/1", ds[:2], false); end.Status != history.Aborted || !strings.Contains(end.Text, "want all of them") {
		t.Errorf("with a part of what was received: %+v", end)
	}
	ds = receive(t, c, 3)
	if end := run("1/2", ds, true); end.Status != history.Aborted {
		t.Errorf("aborted on purpose: %+v", end)
	}
	ds = receive(t, c, 3)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.TxnOffsetCommit}, Err: kerr.IllegalGeneration})
	if end := run("1/3", ds, false); end.Status != history.Aborted && end.Status != history.Fenced {
		t.Errorf("refused by the group: %+v", end)
	}
	ds = receive(t, c, 3)
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, TopLevel: true, Err: kerr.UnknownServerError})
	if end := run("1/4", ds, false); end.Status != history.Unknown {
		t.Errorf("the answer to the commit says nothing: %+v", end)
	}
	ds = receive(t, c, 3)
	if end := run("1/5", ds, false); end.Status != history.OK {
		t.Errorf("in calm: %+v", end)
	}
	seen := map[string]int{}
	hidden := map[string]int{}
	err := f.inspector().(targets.OutputReader).Outputs(t.Context(), func(o targets.Output) error {
		if o.Visible {
			seen[o.Transaction]++
		} else {
			hidden[o.Transaction]++
		}
		if o.Visible == o.Hidden {
			t.Errorf("%+v is neither visible nor hidden, or both", o)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int{"1/5": 3}, seen); diff != "" {
		t.Errorf("visible: %s", diff)
	}
	if diff := cmp.Diff(map[string]int{"1/2": 3, "1/3": 3, "1/4": 3}, hidden); diff != "" {
		t.Errorf("hidden: %s", diff)
	}
}

func TestATransactionWhoseCommitIsNeverAnsweredIsUnknown(t *testing.T) {
	f := newFake(t, "transactional")
	f.stock(1)
	c := f.consumer().(*transactor)
	c.limit = 3 * time.Second
	ds := receive(t, c, 1)
	end := c.Transact(t.Context(), targets.Transaction{ID: "1/1", Inputs: ds, Outputs: []targets.Message{message(0)},
		Ending: func() {
			f.ControlKey(int16(kmsg.EndTxn), func(q kmsg.Request) (kmsg.Response, error, bool) {
				f.deaf.Store(true) // the end is called, carried out, and its answer lost
				return nil, nil, false
			})
		}})
	f.deaf.Store(false)
	if end.Status != history.Unknown {
		t.Errorf("%+v", end)
	}
	// What the log says is the truth: it was committed, and the next session begins behind it.
	if more, err := c.Receive(t.Context()); err != nil || len(more) != 0 {
		t.Errorf("delivered again: %s, %v", offsets(more), err)
	}
}
