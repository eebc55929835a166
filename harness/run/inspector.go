package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
	"waybill/workloads"
)

// InspectorLane is one lane as the inspector sees it.
type InspectorLane struct {
	Index   int                  `json:"index"`
	Lane    experiment.Lane      `json:"lane"`
	Client  targets.ClientConfig `json:"client"`
	Ledger  string               `json:"ledger,omitempty"`  // address
	Effects []string             `json:"effects,omitempty"` // folders
}

// inspectorRole reads what queues hold and what was applied. Orders: depth, scan, readback; each names a lane.
type inspectorRole struct {
	stamp workloads.Stamp
	lanes []InspectorLane

	clients []targets.Inspector

	mu    sync.Mutex
	rec   *history.Recorder // written under mu: lanes are inspected side by side
	scans uint64
}

// inspection is an order to an inspector.
type inspection struct {
	Lane     int    `json:"lane"`
	Ref      uint64 `json:"ref"` // checkpoint
	Replicas int    `json:"replicas"`
}

// scanSum is what the scans of one order found.
type scanSum struct {
	Replicas []string `json:"replicas"`
	Copies   []int64  `json:"copies"`
	To       []int64  `json:"to"`
}

// equal reports whether every replica holds as much, up to the same end.
func (s scanSum) equal() bool {
	for i := range s.Copies {
		if s.Copies[i] != s.Copies[0] || s.To[i] != s.To[0] {
			return false
		}
	}
	return true
}

func newInspectorRole(ctx context.Context, w *worker) (role, error) {
	rec, err := w.record("scans")
	if err != nil {
		return nil, err
	}
	t, ok := targets.Find(w.cfg.Target)
	if !ok {
		return nil, fmt.Errorf("no target %q in this binary", w.cfg.Target)
	}
	r := &inspectorRole{stamp: w.stamp(), lanes: w.cfg.Lanes, rec: rec}
	for _, l := range w.cfg.Lanes {
		c, err := t.Client(l.Client)
		if err != nil {
			return nil, err
		}
		i, err := c.Inspector(ctx)
		if err != nil {
			return nil, fmt.Errorf("inspect %s: %w", l.Lane.Name, err)
		}
		r.clients = append(r.clients, i)
	}
	return r, nil
}

func (r *inspectorRole) run(ctx context.Context) error { <-ctx.Done(); return nil }

func (r *inspectorRole) close() error {
	var err error
	for _, c := range r.clients {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (r *inspectorRole) order(ctx context.Context, op string, body json.RawMessage) (any, error) {
	var q inspection
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	if q.Lane < 0 || q.Lane >= len(r.lanes) {
		return nil, fmt.Errorf("no lane %d", q.Lane)
	}
	switch op {
	case "depth":
		return r.depth(ctx, q)
	case "scan":
		return r.scan(ctx, q)
	case "readback":
		return r.readback(ctx, q)
	}
	return nil, errUnknownOrder
}

func (r *inspectorRole) record(e history.Event) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rec.Record(&e)
}

func (r *inspectorRole) depth(ctx context.Context, q inspection) (targets.Depth, error) {
	d, err := r.clients[q.Lane].Depth(ctx)
	if err != nil {
		return d, err
	}
	return d, r.record(history.Event{Kind: history.Depth, Lane: uint32(r.lanes[q.Lane].Index), Ref: q.Ref,
		From: d.Ready, To: d.Unacked, Count: uint64(d.Last), Name: d.From})
}

func (r *inspectorRole) scan(ctx context.Context, q inspection) (scanSum, error) {
	v := &scanVisitor{r: r, lane: uint32(r.lanes[q.Lane].Index), ref: q.Ref}
	err := r.clients[q.Lane].Scan(ctx, q.Replicas, v)
	return v.sum, errors.Join(err, v.err)
}

// scanVisitor records a scan as it goes.
type scanVisitor struct {
	r    *inspectorRole
	lane uint32
	ref  uint64
	tag  uint64
	from history.Position
	to   history.Position
	sum  scanSum
	err  error
}

func (v *scanVisitor) put(e history.Event) {
	e.Lane, e.Ref, e.Tag = v.lane, v.ref, v.tag
	if err := v.r.record(e); err != nil && v.err == nil {
		v.err = err
	}
}

func (v *scanVisitor) Begin(replica string, from, to history.Position) {
	v.r.mu.Lock()
	v.r.scans++
	v.tag = v.r.scans
	v.r.mu.Unlock()
	v.from, v.to = from, to
	v.put(history.Event{Kind: history.ScanBegin, Name: replica, From: from.Offset, To: to.Offset, Pos: history.Position{Incarnation: from.Incarnation, Partition: from.Partition}})
}

func (v *scanVisitor) Copy(c targets.Copy) {
	m, flags, text := v.r.stamp.Identify(c.Token, c.Key, c.Payload)
	v.put(history.Event{Kind: history.Copy, Msg: m, Attempt: c.Attempt, Key: c.Key, Pos: c.Pos, Flags: flags, Text: text})
}

func (v *scanVisitor) End(replica string, copies int64, err error) {
	e := history.Event{Kind: history.ScanEnd, Status: history.OK, Count: uint64(copies), From: v.from.Offset, To: v.to.Offset, Name: replica}
	if err != nil {
		e.Status, e.Text = history.Failed, err.Error()
	} else {
		v.sum.Replicas = append(v.sum.Replicas, replica)
		v.sum.Copies = append(v.sum.Copies, copies)
		v.sum.To = append(v.sum.To, v.to.Offset)
	}
	v.put(e)
}

// readback reads every effect of a lane from where it lives.
func (r *inspectorRole) readback(ctx context.Context, q inspection) (int64, error) {
	l := r.lanes[q.Lane]
	var n int64
	each := func(token string, count uint64) error {
		n += int64(count)
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
	var err error
	if l.Ledger != "" {
		err = workloads.ReadLedger(ctx, l.Ledger, l.Lane.Name, each)
	} else {
		err = workloads.ReadFiles(l.Effects, each)
	}
	e := history.Event{Kind: history.ReadbackEnd, Lane: uint32(l.Index), Ref: q.Ref, Count: uint64(n), Status: history.OK}
	if err != nil {
		e.Status, e.Text = history.Failed, err.Error()
	}
	return n, errors.Join(err, r.record(e))
}
