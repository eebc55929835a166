package targettest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/harness/semantics"
	"waybill/targets"
)

// transaction passes each input on unchanged.
func transaction(id string, ds []targets.Delivery) targets.Transaction {
	t := targets.Transaction{ID: id, Inputs: ds, Output: func() {}, Ending: func() {}}
	for _, d := range ds {
		t.Outputs = append(t.Outputs, targets.Message{Token: d.Token, Attempt: d.Attempt, Key: d.Key, Payload: d.Payload})
	}
	return t
}

// processor runs transactions and remembers what it was told of each.
type processor struct {
	e     *environment
	queue targets.Queue
	ended map[string]history.Status // by id
	wrote map[string][]string       // by id: tokens
}

func (e *environment) processor(t *testing.T, m semantics.Mode) *processor {
	return &processor{e: e, queue: e.queue(t, m), ended: map[string]history.Status{}, wrote: map[string][]string{}}
}

// transact runs one, and checks that it was told of every step in turn.
func (p *processor) transact(t *testing.T, ctx context.Context, c targets.Consumer, x targets.Transaction) targets.TransactionEnd {
	t.Helper()
	outputs, endings := 0, 0
	ending := x.Ending
	x.Output = func() {
		if outputs++; endings > 0 {
			t.Errorf("%s: output %d is handed over after the end was called", x.ID, outputs)
		}
	}
	x.Ending = func() {
		if endings++; outputs != len(x.Outputs) {
			t.Errorf("%s: the end is called when %d of %d outputs were handed over", x.ID, outputs, len(x.Outputs))
		}
		ending()
	}
	end := c.(targets.Transactor).Transact(ctx, x)
	switch end.Status {
	case history.OK:
		if outputs != len(x.Outputs) || endings != 1 {
			t.Errorf("%s was committed with %d of %d outputs told of and %d ends", x.ID, outputs, len(x.Outputs), endings)
		}
	case history.Aborted, history.Fenced, history.Unknown:
	default:
		t.Errorf("%s ended %+v, want ok, aborted, fenced or unknown", x.ID, end)
	}
	p.ended[x.ID] = end.Status
	for _, o := range x.Outputs {
		p.wrote[x.ID] = append(p.wrote[x.ID], o.Token)
	}
	return end
}

// exhaust commits what the group still delivers to c until every message sent was in a committed transaction or nothing is left.
func (p *processor) exhaust(t *testing.T, ctx context.Context, c targets.Consumer, life int) {
	t.Helper()
	i := p.e.inspector(t, ctx, p.queue)
	for n := 1; ; n++ {
		if ds := next(ctx, t, c); len(ds) > 0 {
			p.transact(t, ctx, c, transaction(fmt.Sprintf("%d/%d", life, n), ds))
			continue
		}
		if d, err := i.Depth(ctx); err == nil && d.Settled {
			return
		}
	}
}

// judge reads the outputs: what a reader of committed messages sees is each message once, and agrees with what processors were told.
func (p *processor) judge(t *testing.T, ctx context.Context, sent []targets.Message) {
	t.Helper()
	reader, ok := p.e.inspector(t, ctx, p.queue).(targets.OutputReader)
	if !ok {
		t.Fatal("the inspector of a transactional mode reads no outputs")
	}
	visible, by := map[string]int{}, map[[2]string]bool{}
	eventually(t, ctx, "outputs are read to their end", func() error {
		clear(visible)
		clear(by)
		return reader.Outputs(ctx, func(o targets.Output) error {
			if o.Visible {
				visible[o.Token]++
				by[[2]string{o.Transaction, o.Token}] = true
			}
			return nil
		})
	})
	for _, s := range sent {
		if visible[s.Token] != 1 {
			t.Errorf("%s is seen %d times, want once", s.Token, visible[s.Token])
		}
	}
	if len(visible) != len(sent) {
		t.Errorf("%d messages are seen, %d were sent", len(visible), len(sent))
	}
	for id, status := range p.ended {
		for _, token := range p.wrote[id] {
			seen := by[[2]string{id, token}]
			if status == history.OK && !seen || (status == history.Aborted || status == history.Fenced) && seen {
				t.Errorf("transaction %s ended as %v, and its output %s is seen: %v", id, status, token, seen)
			}
		}
	}
}

func (e *environment) commitsAndAborts(t *testing.T, m semantics.Mode) {
	p := e.processor(t, m)
	ctx := within(t, 90*time.Second)
	c := e.consumer(t, ctx, p.queue, 0)
	sent := e.accepted(t, m, p.queue, 20)
	ds := receive(ctx, t, c, 1, nil)
	aborted := transaction("5/1", ds)
	aborted.Abort = true
	if end := p.transact(t, ctx, c, aborted); end.Status != history.Aborted {
		t.Errorf("aborted on purpose, ended %+v", end)
	}
	again := receive(ctx, t, c, 1, nil)
	if end := p.transact(t, ctx, c, transaction("5/2", again)); end.Status != history.OK {
		t.Errorf("committed in a healthy cluster, ended %+v", end)
	}
	p.exhaust(t, ctx, c, 6)
	p.judge(t, ctx, sent)
}

func (e *environment) processorKilled(t *testing.T, m semantics.Mode) {
	p := e.processor(t, m)
	ctx := within(t, 90*time.Second)
	r := e.receiver(t, ctx, p.queue, 0)
	sent := e.accepted(t, m, p.queue, 10)
	r.await(t, ctx, "all outputs are stored", func(ns []note) bool { return len(ns) > 0 && ns[len(ns)-1].Ending })
	if err := r.host.Kill(ctx); err != nil {
		t.Fatal(err)
	}
	p.ended["9/1"] = history.Aborted // nobody called its end
	for _, s := range sent {
		p.wrote["9/1"] = append(p.wrote["9/1"], s.Token)
	}
	p.exhaust(t, ctx, e.consumer(t, ctx, p.queue, 0), 6)
	p.judge(t, ctx, sent)
}

// fences opens a second life with the transactional id of the first while that has a transaction open.
func (e *environment) fences(t *testing.T, m semantics.Mode) {
	p := e.processor(t, m)
	ctx := within(t, 90*time.Second)
	first := e.consumer(t, ctx, p.queue, 0)
	sent := e.accepted(t, m, p.queue, 10)
	var second targets.Consumer
	x := transaction("5/1", receive(ctx, t, first, 1, nil))
	x.Ending = func() {
		var err error
		if second, err = e.dial(t, e.config(p.queue, 0)).Consumer(ctx); err != nil {
			t.Error(err)
			return
		}
		if ds, err := second.Receive(ctx); err != nil {
			t.Error(err)
		} else if len(ds) > 0 {
			p.transact(t, ctx, second, transaction("7/1", ds))
		}
	}
	end := p.transact(t, ctx, first, x)
	t.Logf("with another life of the same transactional id, the transaction ended %+v", end)
	closing(t, first)
	if second == nil {
		t.FailNow()
	}
	defer closing(t, second)
	p.exhaust(t, ctx, second, 6)
	p.judge(t, ctx, sent)
}
