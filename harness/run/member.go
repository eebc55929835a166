package run

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"waybill/harness/history"
	"waybill/harness/lab"
)

// member is a worker's place in the run: a host that has one life after another.
type member struct {
	c       *controller
	host    *lab.Host
	role    string
	lane    int    // index; 0 for those that serve all lanes
	counted string // which of its segments has the live figures
	config  WorkerConfig

	mu       sync.Mutex
	life     history.Life
	proc     *lab.Process
	calls    *caller
	live     *history.Live
	expected bool // to end: by a fault or by us

	proxy proxied
}

// start brings a new life up and waits until it is ready.
func (m *member) start(ctx context.Context) error {
	cfg := m.config
	cfg.Life = m.c.newLife()
	cfg.Client.Name = fmt.Sprintf("%s-%d", m.host.Name(), cfg.Life)
	m.c.journal.put(history.Event{Kind: history.LifeStart, Other: cfg.Life, Name: m.host.Name(), Text: m.role, Lane: uint32(m.lane)})
	if m.config.Frames != "" && m.c.exp.Proxy {
		cfg.Frames = "" // the client knows nothing of it
		if err := m.startProxy(ctx, cfg.Life); err != nil {
			return err
		}
	}
	p, err := m.host.Start(ctx, lab.Proc{Name: fmt.Sprintf("%s-%d", m.role, cfg.Life), Program: workerProgram, Control: true})
	if err != nil {
		return fmt.Errorf("run: start %s: %w", m.host.Name(), err)
	}
	calls := newCaller(p.Control())
	m.mu.Lock()
	m.life, m.proc, m.calls, m.expected = cfg.Life, p, calls, false
	m.mu.Unlock()
	go m.watch(p, cfg.Life)
	if err := calls.call(ctx, "start", cfg, nil); err != nil {
		return m.why(p, fmt.Errorf("run: start %s: %w", m.host.Name(), err))
	}
	if m.counted == "" {
		return nil
	}
	live, err := history.WatchCounters(filepath.Join(cfg.History, segmentName(cfg.Life, m.host.Name(), m.counted)))
	if err != nil {
		return fmt.Errorf("run: start %s: %w", m.host.Name(), err)
	}
	m.mu.Lock()
	old := m.live
	m.live = live
	m.mu.Unlock()
	if old != nil {
		return old.Close()
	}
	return nil
}

// why adds a dead process's last words to err.
func (m *member) why(p *lab.Process, err error) error {
	select {
	case <-p.Done():
		x := p.Exit()
		if x.Code == exitDiskFull {
			return fmt.Errorf("%w: %s", errDiskFull, x.Stderr)
		}
		return fmt.Errorf("%w (exit %d %s): %s", err, x.Code, x.Signal, x.Stderr)
	default:
		return err
	}
}

// watch reports a process that ended although nobody meant it to.
func (m *member) watch(p *lab.Process, life history.Life) {
	<-p.Done()
	m.mu.Lock()
	meant := m.expected || m.life != life
	m.mu.Unlock()
	if meant {
		return
	}
	x := p.Exit()
	m.c.journal.put(history.Event{Kind: history.LifeEnd, Other: life, Name: m.host.Name(), Lane: uint32(m.lane), Status: history.Failed, Reason: history.Crashed,
		Text: fmt.Sprintf("exit %d %s: %s", x.Code, x.Signal, x.Stderr)})
	err := fmt.Errorf("run: %s ended by itself (exit %d %s): %s", m.host.Name(), x.Code, x.Signal, x.Stderr)
	if x.Code == exitDiskFull {
		err = fmt.Errorf("%w: %s: %s", errDiskFull, m.host.Name(), x.Stderr)
	}
	m.c.abort(err)
}

// stop ends the life in good order.
func (m *member) stop(ctx context.Context) error {
	m.mu.Lock()
	calls, proc, life, meant := m.calls, m.proc, m.life, m.expected
	m.expected = true
	m.mu.Unlock()
	if proc == nil || meant {
		return nil
	}
	err := calls.call(ctx, "stop", nil, nil)
	e := history.Event{Kind: history.LifeEnd, Other: life, Name: m.host.Name(), Lane: uint32(m.lane), Status: history.OK, Reason: history.Planned}
	if err != nil {
		e.Status, e.Text = history.Failed, err.Error()
	}
	m.c.journal.put(e)
	return err
}

// leave waits for the end of a process that was stopped, and lets go of its live figures: of a life that no other is to follow here.
func (m *member) leave(ctx context.Context) error {
	m.mu.Lock()
	proc, live := m.proc, m.live
	m.live = nil
	m.mu.Unlock()
	var err error
	if live != nil {
		err = live.Close()
	}
	if proc == nil {
		return err
	}
	proc.Control().Close() // a worker ends when nobody is left to give it orders
	select {
	case <-proc.Done():
		return err
	case <-ctx.Done():
		return fmt.Errorf("run: %s does not end: %w", m.host.Name(), ctx.Err())
	}
}

// order gives the current life an order.
func (m *member) order(ctx context.Context, op string, body, result any) error {
	m.mu.Lock()
	calls := m.calls
	m.mu.Unlock()
	if calls == nil {
		return errGone
	}
	ctx, cancel := context.WithTimeout(ctx, 60*time.Second)
	defer cancel()
	return calls.call(ctx, op, body, result)
}

// counter reads a live figure of the current, or last, life.
func (m *member) counter(c history.Counter) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case c == history.Hits && m.proxy.remote.Load() != nil:
		return m.proxy.hits.Load()
	case m.live == nil:
		return 0
	}
	return m.live.Load(c)
}

var errDiskFull = errors.New("run: the disk of the run directory is full")
