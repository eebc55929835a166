package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

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
	Lane     int           `json:"lane"`
	Ref      uint64        `json:"ref"`      // checkpoint
	Replicas int           `json:"replicas"` // of a scan
	Limit    time.Duration `json:"limit"`    // of a readback
}

// scanSum is what the scans of one order found.
type scanSum struct {
	Replicas []string  `json:"replicas"`
	Copies   []int64   `json:"copies"`
	To       [][]int64 `json:"to"` // of each replica: of each partition
}

// equal reports whether every replica holds as much, up to the same end.
func (s scanSum) equal() bool {
	for i := range s.Copies {
		if s.Copies[i] != s.Copies[0] || !slices.Equal(s.To[i], s.To[0]) {
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
	all  []targets.Range
	sum  scanSum
	err  error
}

func (v *scanVisitor) put(e history.Event) {
	e.Lane, e.Ref, e.Tag = v.lane, v.ref, v.tag
	if err := v.r.record(e); err != nil && v.err == nil {
		v.err = err
	}
}

func (v *scanVisitor) Begin(replica string, ranges []targets.Range) {
	v.r.mu.Lock()
	v.r.scans++
	v.tag = v.r.scans
	v.r.mu.Unlock()
	v.all = ranges
	for _, r := range ranges {
		v.put(history.Event{Kind: history.ScanBegin, Name: replica, From: r.From.Offset, To: r.To.Offset,
			Pos: history.Position{Incarnation: r.From.Incarnation, Partition: r.From.Partition, Epoch: r.To.Epoch}})
	}
}

func (v *scanVisitor) Copy(c targets.Copy) {
	m, flags, text := v.r.stamp.Identify(c.Token, c.Key, c.Payload)
	if c.Hidden {
		flags |= history.Invisible
	}
	v.put(history.Event{Kind: history.Copy, Msg: m, Attempt: c.Attempt, Key: c.Key, Pos: c.Pos, Flags: flags, Text: text})
}

func (v *scanVisitor) End(replica string, copies int64, err error) {
	e := history.Event{Kind: history.ScanEnd, Status: history.OK, Count: uint64(copies), Name: replica}
	if err != nil {
		e.Status, e.Text = history.Failed, err.Error()
	} else {
		v.sum.Replicas = append(v.sum.Replicas, replica)
		v.sum.Copies = append(v.sum.Copies, copies)
		var to []int64
		for _, r := range v.all {
			to = append(to, r.To.Offset)
		}
		v.sum.To = append(v.sum.To, to)
	}
	v.put(e)
}
