package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/harness/reexec"
	"waybill/targets"
	"waybill/workloads"
)

// workerProgram is the name under which the binary is started as a worker.
const workerProgram = "worker"

func init() { reexec.Register(workerProgram, workerMain) }

// WorkerConfig is a worker's first order.
type WorkerConfig struct {
	Role     string               `json:"role"`
	Run      string               `json:"run"`
	Seed     uint64               `json:"seed"`
	Life     history.Life         `json:"life"`
	Index    int                  `json:"index"` // of the lane
	Slot     string               `json:"slot"`  // the host's name
	Target   string               `json:"target"`
	Client   targets.ClientConfig `json:"client"`
	Lane     experiment.Lane      `json:"lane"`
	Load     experiment.Load      `json:"load"`
	History  string               `json:"history"`            // folder
	Dir      string               `json:"dir"`                // the host's folder: effects live there
	Ledger   string               `json:"ledger"`             // its address; empty: effects are files
	Listen   string               `json:"listen,omitempty"`   // where a ledger is to listen
	Database *workloads.Postgres  `json:"database,omitempty"` // a ledger's; nil: SQLite in Dir
	Lanes    []InspectorLane      `json:"lanes"`              // an inspector's
	Frames   string               `json:"frames,omitempty"`   // the protocol of the client's frames, which faults will do something to; "": none will
	Counted  string               `json:"counted,omitempty"`  // which segment has the live figures
}

// role is what a started worker does.
type role interface {
	run(ctx context.Context) error
	// order answers what is special to the role; errUnknownOrder otherwise.
	order(ctx context.Context, op string, body json.RawMessage) (any, error)
	close() error
}

var errUnknownOrder = errors.New("run: unknown order")

// worker holds one life: its role, its segments, its heartbeat.
type worker struct {
	cfg    WorkerConfig
	mu     sync.Mutex
	recs   []*history.Recorder
	role   role
	conn   *connections
	filter *filter // nil: no fault does anything to this client's frames
	cancel context.CancelFunc
	ended  chan error // the role's run
}

// workerMain serves orders over the inherited control socket until it closes.
func workerMain([]string) int {
	control := lab.Control()
	if control == nil {
		fmt.Fprintln(os.Stderr, "worker: started without a control socket; only the harness starts workers")
		return 4
	}
	// There are dozens of these on a few processors, each with little to do: a second processor would go looking for work that is not there.
	// So with a benchmark's few, which share the machine with the brokers: with a second one they take 10 to 20 % more processor time for
	// each message, and get no more through.
	runtime.GOMAXPROCS(1)
	// What a client leaves behind for each message is small, and so is what it holds: at the usual percentage it would be collected dozens of
	// times a second. In a flood of NATS core a message took 0.88 µs of its processor before and 0.68 after, in two benchmarks at different
	// times, in which the brokers' share fell from 0.49 to 0.44 as well.
	debug.SetGCPercent(400)
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer cancel()
	w := &worker{ended: make(chan error, 1)}
	err := serve(ctx, control, w.handle)
	if err := errors.Join(err, w.stop()); err != nil {
		fmt.Fprintln(os.Stderr, "worker:", err)
		return 4
	}
	return 0
}

func (w *worker) handle(ctx context.Context, op string, body json.RawMessage) (any, error) {
	switch op {
	case "start":
		if err := json.Unmarshal(body, &w.cfg); err != nil {
			return nil, err
		}
		return nil, w.start(ctx)
	case "stop":
		return nil, w.stop()
	}
	w.mu.Lock()
	r, f, c := w.role, w.filter, w.conn
	w.mu.Unlock()
	if r == nil {
		return nil, fmt.Errorf("%w: %q before start", errUnknownOrder, op)
	}
	if op == starvedOrder {
		return c.longest.Load(), nil
	}
	if op == filterOrder && f != nil {
		return f.order(body)
	}
	return r.order(ctx, op, body)
}

// starvedOrder asks a worker for the longest gap in which it did not run, in nanoseconds.
const starvedOrder = "starved"

// record opens a segment for one goroutine role of this life.
func (w *worker) record(goroutine string) (*history.Recorder, error) {
	path := filepath.Join(w.cfg.History, segmentName(w.cfg.Life, w.cfg.Slot, goroutine))
	create := history.Create
	if w.cfg.Load.Record != "" {
		create = history.CreateSilent
	}
	r, err := create(path, history.Header{Run: w.cfg.Run, Life: w.cfg.Life, Role: w.cfg.Role, Slot: w.cfg.Slot, Host: w.cfg.Slot,
		Lane: w.cfg.Lane.Name, Goroutine: goroutine, Version: Version})
	if err != nil {
		return nil, err
	}
	w.recs = append(w.recs, r)
	if goroutine == w.cfg.Counted && w.filter != nil {
		w.filter.counters.Store(r.Counters())
	}
	return r, nil
}

func segmentName(life history.Life, slot, goroutine string) string {
	return fmt.Sprintf("%05d-%s-%s.seg", life, slot, goroutine)
}

func (w *worker) start(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.role != nil {
		return errors.New("started twice")
	}
	beat, err := w.record("life")
	if err != nil {
		return err
	}
	w.conn = &connections{rec: beat, index: uint32(w.cfg.Index)}
	w.cfg.Client.Connected = w.conn.changed
	w.conn.group = w.cfg.Client.Queue.Name
	w.cfg.Client.Assigned, w.cfg.Client.Revoked, w.cfg.Client.Reset = w.conn.assigned, w.conn.revoked, w.conn.reset
	w.cfg.Client.Sought = w.conn.sought
	if w.cfg.Frames != "" {
		if w.filter, err = newFilter(w.cfg.Frames, w.conn); err != nil {
			return err
		}
		w.cfg.Client.Wrap = w.filter.frames.Wrap
	}
	var r role
	switch w.cfg.Role {
	case "producer":
		r, err = newProducerRole(ctx, w)
	case "consumer":
		r, err = newConsumerRole(ctx, w)
	case "ledger":
		r, err = newLedgerRole(ctx, w)
	case "inspector":
		r, err = newInspectorRole(ctx, w)
	default:
		err = fmt.Errorf("no role %q", w.cfg.Role)
	}
	if err != nil {
		return err
	}
	w.role = r
	ctx, w.cancel = context.WithCancel(ctx)
	go heartbeat(ctx, beat, w.conn.starve)
	go func() {
		err := r.run(ctx)
		if err != nil {
			// A worker that cannot do its work must not look alive: the controller sees the exit and these last words.
			fmt.Fprintln(os.Stderr, "worker:", err)
			if errors.Is(err, syscall.ENOSPC) { // of a segment, or of the file of effects
				os.Exit(exitDiskFull)
			}
			os.Exit(4)
		}
		w.ended <- nil
	}()
	return nil
}

// exitDiskFull is how a worker says that the disk had no room: its last words may have found none either.
const exitDiskFull = 28 // ENOSPC

func (w *worker) stop() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.role == nil {
		return nil
	}
	w.cancel()
	err := <-w.ended
	err = errors.Join(err, w.role.close())
	w.conn.close()
	for _, r := range w.recs {
		err = errors.Join(err, r.Close())
	}
	w.role, w.recs = nil, nil
	return err
}

// connections records what becomes of a client's connections and of its place in a group, and starvation, into the life's own segment.
type connections struct {
	mu     sync.Mutex
	rec    *history.Recorder
	index  uint32
	group  string
	closed bool

	longest atomic.Int64 // gap in which the process did not run, nanoseconds; 0: none that counts
}

func (c *connections) record(e history.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	e.Lane = c.index
	c.rec.Record(&e) // an error is sticky, and met by the role's own segments too
}

// close ends recording: a client library may still tell of its connections while it is being closed, and after.
func (c *connections) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

func (c *connections) changed(open bool, addr, why string) {
	kind := history.ConnLost
	if open {
		kind = history.ConnOpen
	}
	c.record(history.Event{Kind: kind, Name: addr, Text: why})
}

func (c *connections) assigned(partition uint32, from int64) {
	c.record(history.Event{Kind: history.Assign, Name: c.group, Pos: history.Position{Partition: partition, Offset: from}})
}

func (c *connections) revoked(partition uint32) {
	c.record(history.Event{Kind: history.Revoke, Name: c.group, Pos: history.Position{Partition: partition}})
}

func (c *connections) reset(partition uint32, from, to int64, why string) {
	c.record(history.Event{Kind: history.Reset, Name: c.group, Pos: history.Position{Partition: partition}, From: from, To: to, Text: why})
}

func (c *connections) sought(partition uint32, from, to int64, why string) {
	c.record(history.Event{Kind: history.Seek, Name: c.group, Pos: history.Position{Partition: partition}, From: from, To: to, Text: why})
}

func (c *connections) starve(gap time.Duration) {
	c.longest.Store(max(c.longest.Load(), int64(gap)))
	c.record(starved(gap))
}

const (
	beatEvery    = 100 * time.Millisecond
	starvedAfter = time.Second
)

// heartbeat tells of every gap in which this process did not run: a starved machine cannot tell a slow broker from a broken one.
func heartbeat(ctx context.Context, rec *history.Recorder, starve func(gap time.Duration)) {
	t := time.NewTicker(beatEvery)
	defer t.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := time.Now()
		rec.Counters().Store(history.Heartbeat, uint64(rec.Now()))
		if gap := now.Sub(last); gap > starvedAfter {
			starve(gap)
		}
		last = now
	}
}

func starved(gap time.Duration) history.Event {
	return history.Event{Kind: history.Starved, Count: uint64(gap.Microseconds())}
}

// pin passes an order to stay on one node to a client that can.
func pin(ctx context.Context, client any, body json.RawMessage) (any, error) {
	var node string
	if err := json.Unmarshal(body, &node); err != nil {
		return nil, err
	}
	p, ok := client.(targets.Pinner)
	if !ok {
		return nil, errors.New("this target's clients cannot be pinned to a node")
	}
	return nil, p.Pin(ctx, node)
}

func (w *worker) stamp() workloads.Stamp {
	return workloads.NewStamp(w.cfg.Run, w.cfg.Seed, w.cfg.Load)
}

func (w *worker) client() (targets.Client, error) {
	t, ok := targets.Find(w.cfg.Target)
	if !ok {
		return nil, fmt.Errorf("no target %q in this binary", w.cfg.Target)
	}
	return t.Client(w.cfg.Client)
}
