package run

import (
	"context"
	"errors"
	"fmt"
	"time"

	"waybill/harness/history"
	"waybill/targets"
	"waybill/workloads"
)

// readback reads every effect of a lane from where it lives and returns how many there are.
func (r *inspectorRole) readback(ctx context.Context, q inspection) (int64, error) {
	l := r.lanes[q.Lane]
	end := history.Event{Kind: history.ReadbackEnd, Lane: uint32(l.Index), Ref: q.Ref, Status: history.OK}
	var err error
	if l.Lane.Mode.Traits.Transactional {
		end.Count, err = r.outputs(ctx, q)
	} else {
		end.Count, err = r.effects(ctx, q)
	}
	if err != nil {
		end.Status, end.Text = history.Failed, err.Error()
	}
	return int64(end.Count), errors.Join(err, r.record(end))
}

// effects are lines in files, or rows of a ledger.
func (r *inspectorRole) effects(ctx context.Context, q inspection) (n uint64, err error) {
	l := r.lanes[q.Lane]
	each := func(token string, count uint64) error {
		n += count
		e := history.Event{Kind: history.Readback, Lane: uint32(l.Index), Ref: q.Ref, Count: count}
		// An effect has no payload: only the token can be checked.
		run, m, _, err := history.ParseToken(token)
		if err != nil || run != r.stamp.Run {
			e.Flags, e.Text = history.Foreign, token
		} else if p := r.stamp.Payload(m); r.stamp.Token(m, p) != token {
			e.Msg, e.Flags = m, history.Corrupt
		} else {
			e.Msg = m
		}
		return r.record(e)
	}
	if l.Ledger != "" {
		err = workloads.ReadLedger(ctx, l.Ledger, l.Lane.Name, each)
	} else {
		err = workloads.ReadFiles(l.Effects, each)
	}
	return n, err
}

// outputs are messages that a transaction wrote, read again until they could be read to the end: only a reading that did is recorded.
// What no reader of committed messages sees is recorded and not counted.
func (r *inspectorRole) outputs(ctx context.Context, q inspection) (n uint64, err error) {
	reader, ok := r.clients[q.Lane].(targets.OutputReader)
	if !ok {
		return 0, fmt.Errorf("mode %s is transactional, and its outputs cannot be read", r.lanes[q.Lane].Lane.Mode.Name)
	}
	ctx, cancel := context.WithTimeout(ctx, q.Limit)
	defer cancel()
	var events []history.Event
	err = every(ctx, 500*time.Millisecond, func(ctx context.Context) error {
		n, events = 0, events[:0]
		return reader.Outputs(ctx, func(o targets.Output) error {
			e := history.Event{Kind: history.Readback, Lane: uint32(r.lanes[q.Lane].Index), Ref: q.Ref, Count: 1, Pos: o.Pos}
			e.Msg, e.Flags, e.Text = r.stamp.Identify(o.Token, o.Key, o.Payload)
			if _, err := fmt.Sscanf(o.Transaction, "%d/%d", &e.Other, &e.Txn); err != nil && e.Text == "" {
				e.Text = fmt.Sprintf("of transaction %q", o.Transaction)
			}
			if o.Visible {
				n++
			} else {
				e.Flags |= history.Invisible
			}
			events = append(events, e)
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	for _, e := range events {
		if err := r.record(e); err != nil {
			return n, err
		}
	}
	return n, nil
}
