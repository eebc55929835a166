package workloads

import (
	"context"
	"fmt"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// receive makes one receive call and records it and what came of it. Every delivery is then held.
func receive(ctx context.Context, client targets.Consumer, rec *history.Recorder, lane uint32, stamp Stamp, call uint64) ([]targets.Delivery, []history.Msg, error) {
	if err := rec.Record(&history.Event{Kind: history.Receive, Lane: lane, Call: call}); err != nil {
		return nil, nil, err
	}
	ds, err := client.Receive(ctx)
	if err != nil && ctx.Err() == nil {
		return nil, nil, fmt.Errorf("workloads: receive: %w", err)
	}
	msgs := make([]history.Msg, len(ds))
	for i, d := range ds {
		m, flags, text := stamp.Identify(d.Token, d.Key, d.Payload)
		if d.Redelivered {
			flags |= history.Redelivered
		}
		msgs[i] = m
		e := history.Event{Kind: history.Delivery, Lane: lane, Msg: m, Attempt: d.Attempt, Pos: d.Pos,
			Call: call, Tag: d.Tag, Count: d.Count, BrokerTime: d.BrokerTime, Flags: flags, Text: text}
		if err := rec.Record(&e); err != nil {
			return nil, nil, err
		}
	}
	rec.Counters().Add(history.Received, uint64(len(ds)))
	rec.Counters().Add(history.Held, uint64(len(ds)))
	return ds, msgs, nil
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
