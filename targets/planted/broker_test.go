package planted

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/history"
	"waybill/targets"
)

const many = 400 // messages, of which a bug of one in twenty harms about twenty

// oneIn20 plants one bug.
func oneIn20(bug string) map[string]float64 { return map[string]float64{bug: 0.05} }

// differ returns the tokens of want whose count in got is not n.
func differ(sent map[string]int64, got map[string]int, n int) map[string]bool {
	out := map[string]bool{}
	for token := range sent {
		if got[token] != n {
			out[token] = true
		}
	}
	return out
}

// agrees fails unless exactly the messages that the brokers confess to are those that were seen to be harmed, and there are some.
func agrees(t *testing.T, l *local, bug string, seen map[string]bool) {
	t.Helper()
	confessed := l.confessed(bug)
	if len(confessed) == 0 {
		t.Error("nothing was harmed: the test saw nothing")
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(confessed)), slices.Sorted(maps.Keys(seen))); d != "" {
		t.Errorf("harmed, as the brokers say (-) and as was seen (+):\n%s", d)
	}
}

func TestWithoutAPlantNothingIsHarmed(t *testing.T) {
	l := brokers(t, nil)
	for _, mode := range []string{modeAtLeastOnce, modeDedup} {
		q := l.queue(mode, mode)
		sent := l.send(q, 1, many)
		l.restart(l.led())
		again := l.send(q, 2, many)
		l.restart(l.nodes...)
		maps.Copy(sent, again)
		if d := differ(sent, l.scanned(q), 1); len(d) > 0 {
			t.Errorf("%s: %d messages are not stored once: %v", mode, len(d), d)
		}
		if d := differ(sent, l.drained(q), 1); len(d) > 0 {
			t.Errorf("%s: %d messages are not delivered once: %v", mode, len(d), d)
		}
	}
	for _, b := range bugs() {
		if n := len(l.confessed(b.Name)); n > 0 {
			t.Errorf("%s harmed %d messages, and was not planted", b.Name, n)
		}
	}
}

func TestLoseAckedForgetsAtARestart(t *testing.T) {
	l := brokers(t, oneIn20(loseAcked))
	q := l.queue("q", modeAtLeastOnce)
	sent := l.send(q, 1, many)
	if d := differ(sent, l.scanned(q), 1); len(d) > 0 {
		t.Fatalf("before the restart %d messages are not stored once", len(d))
	}
	l.restart(l.led())
	l.until("the leader has heard of it", func() bool { return len(l.confessed(loseAcked)) > 0 })
	agrees(t, l, loseAcked, differ(sent, l.scanned(q), 1))
	agrees(t, l, loseAcked, differ(sent, l.drained(q), 1))
}

func TestLoseOnFailoverForgetsWhenTheLeaderMoves(t *testing.T) {
	l := brokers(t, oneIn20(loseOnFailover))
	q := l.queue("q", modeAtLeastOnce)
	sent := l.send(q, 1, many)
	l.restart(l.led())
	agrees(t, l, loseOnFailover, differ(sent, l.scanned(q), 1))
}

func TestAckEarlyIsLostWithTheLeader(t *testing.T) {
	l := brokers(t, oneIn20(ackEarly))
	q := l.queue("q", modeAtLeastOnce)
	sent := l.send(q, 1, many)
	l.restart(l.led())
	agrees(t, l, ackEarly, differ(sent, l.scanned(q), 1))
}

func TestAckEarlyIsStoredWhenThereIsTime(t *testing.T) {
	l := brokers(t, oneIn20(ackEarly))
	q := l.queue("q", modeAtLeastOnce)
	sent := l.send(q, 1, many)
	l.until("all are spared", func() bool { return len(l.confessed(ackEarly)) == 0 })
	l.until("all are stored", func() bool { return len(differ(sent, l.scanned(q), 1)) == 0 })
}

func TestStoreTwiceStoresARetryAgain(t *testing.T) {
	l := brokers(t, oneIn20(storeTwice))
	q := l.queue("q", modeDedup)
	sent := l.send(q, 1, many)
	agrees(t, l, storeTwice, differ(sent, l.scanned(q), 1))
}

func TestForgetDedupStoresARetryAgainAfterARestart(t *testing.T) {
	l := brokers(t, oneIn20(forgetDedup))
	q := l.queue("q", modeDedup)
	done := make(chan map[string]int64)
	go func() { done <- l.send(q, 1, many) }()
	l.until("messages are stored", func() bool {
		n := l.led()
		n.machine.mu.RLock()
		defer n.machine.mu.RUnlock()
		return n.machine.queues["q"].last() >= many
	})
	followers := slices.DeleteFunc(slices.Clone(l.nodes), func(n *node) bool { return n == l.led() || n.config.Name == "n1" })
	l.restart(followers[0])
	agrees(t, l, forgetDedup, differ(<-done, l.scanned(q), 1))
}

func TestDuplicateOnRedeliveryStoresAnotherCopy(t *testing.T) {
	l := brokers(t, oneIn20(dupRedelivery))
	q := l.queue("q", modeDedup)
	sent := l.send(q, 1, many)
	l.drained(q)
	agrees(t, l, dupRedelivery, differ(sent, l.scanned(q), 1))
}

func TestRedeliverAckedDeliversAgain(t *testing.T) {
	l := brokers(t, oneIn20(redeliverAcked))
	q := l.queue("q", modeDedup)
	sent := l.send(q, 1, many)
	agrees(t, l, redeliverAcked, differ(sent, l.drained(q), 1))
}

func TestSkipPassesOverAtARebalance(t *testing.T) {
	l := brokers(t, oneIn20(skip))
	q := l.queue("q", modeAtLeastOnce)
	sent := l.send(q, 1, many)
	cl, err := newClient(q)
	if err != nil {
		t.Fatal(err)
	}
	first, err := cl.Consumer(l.ctx())
	if err != nil {
		t.Fatal(err)
	}
	for range 3 { // takes deliveries, and goes
		if _, err := first.Receive(l.ctx()); err != nil {
			t.Fatal(err)
		}
	}
	first.Close()
	l.until("the group has changed", func() bool { return len(l.confessed(skip)) > 0 })
	got := l.drained(q)
	seen := map[string]bool{}
	for token := range sent {
		if got[token] == 0 {
			seen[token] = true
		}
	}
	agrees(t, l, skip, seen)
}

func TestCorruptChangesThePayload(t *testing.T) {
	l := brokers(t, oneIn20(corrupt))
	q := l.queue("q", modeAtLeastOnce)
	l.send(q, 1, many)
	cl, err := newClient(q)
	if err != nil {
		t.Fatal(err)
	}
	i, err := cl.Inspector(l.ctx())
	if err != nil {
		t.Fatal(err)
	}
	defer i.Close()
	v := &counting{}
	if err := i.Scan(l.ctx(), 2, v); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := range many {
		if m := msg(1, n+1); v.payloads[m.Token] != string(m.Payload) {
			seen[m.Token] = true
		}
	}
	agrees(t, l, corrupt, seen)
}

func TestLeakPutsACopyIntoAnotherQueue(t *testing.T) {
	l := brokers(t, oneIn20(leak))
	q, other := l.queue("q", modeAtLeastOnce), l.queue("other", modeDedup)
	l.send(q, 1, many)
	seen := map[string]bool{}
	for token := range l.scanned(other) {
		seen[token] = true
	}
	agrees(t, l, leak, seen)
}

func TestHangDeliversNothingFromItsMessageOn(t *testing.T) {
	l := brokers(t, oneIn20(hang))
	q := l.queue("q", modeAtLeastOnce)
	sent := l.send(q, 1, many)
	cl, err := newClient(q)
	if err != nil {
		t.Fatal(err)
	}
	r, err := cl.Consumer(l.ctx())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	got := 0
	for range 6 {
		ds, err := r.Receive(l.ctx())
		if err != nil {
			t.Fatal(err)
		}
		got += len(ds)
	}
	for token := range l.confessed(hang) {
		if int64(got) != sent[token]-1 {
			t.Errorf("%d messages were delivered, and the one at which it hangs lies at %d", got, sent[token])
		}
	}
	if len(l.confessed(hang)) != 1 {
		t.Errorf("it hangs at %d messages, want one", len(l.confessed(hang)))
	}
}

func TestReorderPutsALaterMessageBeforeAnEarlierOneOfItsKey(t *testing.T) {
	l := brokers(t, oneIn20(reorder))
	q := l.queue("q", modeAtLeastOnce)
	before := l.send(q, 1, many)
	l.pass(aWhile + 500)
	after := l.sendFrom(q, 1, many+1, many)
	last := int64(0)
	for _, pos := range before {
		last = max(last, pos)
	}
	seen := map[string]bool{}
	for token, pos := range after {
		if pos < last {
			seen[token] = true
		}
	}
	agrees(t, l, reorder, seen)
}

// committed processes a queue in transactions until nothing is left, and returns how often a reader of committed messages sees each output.
func (l *local) committed(c targets.ClientConfig) (visible map[string]int, aborted map[string]bool) {
	l.t.Helper()
	cl, err := newClient(c)
	if err != nil {
		l.t.Fatal(err)
	}
	r, err := cl.Consumer(l.ctx())
	if err != nil {
		l.t.Fatal(err)
	}
	defer r.Close()
	i, err := cl.Inspector(l.ctx())
	if err != nil {
		l.t.Fatal(err)
	}
	defer i.Close()
	aborted = map[string]bool{}
	for n, quiet := 1, 0; quiet < 2; n++ {
		ds, err := r.Receive(l.ctx())
		if err != nil {
			l.t.Fatal(err)
		}
		if len(ds) == 0 {
			if d, err := i.Depth(l.ctx()); err == nil && d.Settled {
				quiet++
			}
			continue
		}
		x := targets.Transaction{ID: fmt.Sprint("1/", n), Inputs: ds, Output: func() {}, Ending: func() {}}
		for _, d := range ds {
			x.Outputs = append(x.Outputs, targets.Message{Token: d.Token, Attempt: d.Attempt, Key: d.Key, Payload: d.Payload})
		}
		if end := r.(targets.Transactor).Transact(l.ctx(), x); end.Status != history.OK {
			for _, d := range ds {
				aborted[d.Token] = true
			}
		}
	}
	visible = map[string]int{}
	err = i.(targets.OutputReader).Outputs(l.ctx(), func(o targets.Output) error {
		if o.Visible {
			visible[o.Token]++
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	return visible, aborted
}

func TestWithoutAPlantATransactionIsSeenOnce(t *testing.T) {
	l := brokers(t, nil)
	q := l.queue("q", modeTransactions)
	sent := l.send(q, 1, many)
	visible, _ := l.committed(q)
	if d := differ(sent, visible, 1); len(d) > 0 {
		t.Errorf("%d outputs are not seen once: %v", len(d), d)
	}
}

func TestTearLeavesAnOutputOut(t *testing.T) {
	l := brokers(t, oneIn20(tear))
	q := l.queue("q", modeTransactions)
	sent := l.send(q, 1, many)
	visible, _ := l.committed(q)
	agrees(t, l, tear, differ(sent, visible, 1))
}

func TestDeliverUncommittedShowsWhatWasAborted(t *testing.T) {
	l := brokers(t, map[string]float64{uncommitted: 0.01})
	q := l.queue("q", modeTransactions)
	sent := l.send(q, 1, many)
	visible, aborted := l.committed(q)
	seen := differ(sent, visible, 1)
	agrees(t, l, uncommitted, seen)
	if d := cmp.Diff(aborted, seen); d != "" {
		t.Errorf("aborted (-), and seen more than once (+):\n%s", d)
	}
}
