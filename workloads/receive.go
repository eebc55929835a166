package workloads

import (
	"context"
	"fmt"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// receiver makes the receive calls of one life and records them. It is used by one goroutine.
type receiver struct {
	client targets.Consumer
	rec    *history.Recorder
	lane   uint32
	stamp  Stamp
	bare   bool // messages carry no tokens
	call   uint64
	taken  taken
}

func newReceiver(client targets.Consumer, rec *history.Recorder, lane uint32, stamp Stamp, load experiment.Load) receiver {
	return receiver{client: client, rec: rec, lane: lane, stamp: stamp, bare: load.Record == experiment.NoTokens}
}

// receive makes one receive call and records it and what came of it. Every delivery is then held. The list is good until the next call.
func (r *receiver) receive(ctx context.Context) (*taken, error) {
	r.call++
	if err := r.rec.Record(&history.Event{Kind: history.Receive, Lane: r.lane, Call: r.call}); err != nil {
		return nil, err
	}
	ds, err := r.client.Receive(ctx)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("workloads: receive: %w", err)
	}
	t := &r.taken
	t.empty()
	t.ds = ds
	if len(ds) == 0 {
		return t, nil
	}
	// All were there when the call returned: one look at the clock is an upper bound for each.
	e := history.Event{Kind: history.Delivery, Time: r.rec.Until(), Lane: r.lane, Call: r.call}
	from := 0 // where a run begins that is not recorded yet: what e says is so of all of it
	for i := range ds {
		d := &ds[i]
		m, flags, text := r.identify(d)
		t.msgs = append(t.msgs, m)
		if i > from && flags == e.Flags && text == e.Text && d.Attempt == e.Attempt && d.Count == e.Count && d.BrokerTime == e.BrokerTime && t.follows(i) {
			continue
		}
		if err := r.rec.RecordRun(&e, i-from); err != nil {
			return nil, err
		}
		from = i
		e.Msg, e.Pos, e.Tag, e.Flags, e.Text, e.Attempt, e.Count, e.BrokerTime = m, d.Pos, d.Tag, flags, text, d.Attempt, d.Count, d.BrokerTime
	}
	if err := r.rec.RecordRun(&e, len(ds)-from); err != nil {
		return nil, err
	}
	t.find()
	r.rec.Counters().Add(history.Received, uint64(len(ds)))
	r.rec.Counters().Add(history.Held, uint64(len(ds)))
	return t, nil
}

// identify says which message a delivery is of, and what is to be recorded of it beside what it says itself.
func (r *receiver) identify(d *targets.Delivery) (m history.Msg, flags history.Flags, text string) {
	if !r.bare {
		m, flags, text = r.stamp.Identify(d.Token, d.Key, d.Payload)
	}
	if d.Redelivered {
		flags |= history.Redelivered
	}
	return m, flags, text
}

// process spends the time that processing a message takes. It reports false if ctx ended first.
func process(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
