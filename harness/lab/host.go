package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
)

// Sentinels that callers branch on.
var (
	ErrDown   = errors.New("the host is down")
	ErrPaused = errors.New("the host is paused")

	// ErrHostNetwork is returned by what would need a network of the lab's own.
	ErrHostNetwork = errors.New("the lab was entered with HostNetwork: its hosts are on the machine's network, which is not the lab's to change")
)

// Host is one machine of the lab: it keeps its name, address and folder while it is killed and restarted. Its methods
// may be called from any goroutine; those that change it follow one another.
type Host struct {
	lab  *Lab
	name string
	rank int
	addr netip.Addr
	dir  string

	turn sync.Mutex // held by Start, Kill, Restart, Pause and Resume; taken before lab.mu

	paused bool // guarded by turn

	// Guarded by lab.mu.
	live  *incarnation // nil while down
	limit uint64       // bits per second; 0: none
}

// Name is the host's name, which every host resolves.
func (h *Host) Name() string { return h.name }

// Addr is the host's address on the lab's network. A restart does not change it. With Spec.HostNetwork it is 127.0.0.1
// for every host, and ports are shared with the whole machine.
func (h *Host) Addr() netip.Addr { return h.addr }

// Dir is the host's folder. It outlives kills and restarts, and the lab.
func (h *Host) Dir() string { return h.dir }

// Up reports whether the host runs. A paused host is up.
func (h *Host) Up() bool { return h.incarnation() != nil }

func (h *Host) incarnation() *incarnation {
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	return h.live
}

func (h *Host) down() error { return fmt.Errorf("lab: host %s: %w: Restart it first", h.name, ErrDown) }

// Kill is SIGKILL to the host's init: everything on it ends at once. It returns when the kernel has reaped it all and
// the host's link is gone. Killing a host that is down is no error. Peers see what a crash of the processes looks
// like: connections are closed by the kernel, not left dangling; to leave them so, cut the host off first.
func (h *Host) Kill(ctx context.Context) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	live := h.incarnation()
	if live == nil {
		return nil
	}
	live.kill()
	select {
	case <-live.gone:
		h.paused = false
		return nil
	case <-ctx.Done():
		return fmt.Errorf("lab: host %s: killing it: %w", h.name, ctx.Err())
	}
}

// Restart makes a killed host anew: same name, address, folder, cuts and limits; no processes. It is an error to
// restart a host that is up.
func (h *Host) Restart(ctx context.Context) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	if h.incarnation() != nil {
		return fmt.Errorf("lab: host %s: it is up: Kill it before Restart", h.name)
	}
	live, err := h.boot(ctx)
	if err != nil {
		return err
	}
	h.paused = false
	h.lab.mu.Lock()
	if h.lab.closed {
		err = errors.New("lab: closed")
	} else if err = h.lab.plug(h, live.netns); err == nil {
		h.live = live
	}
	h.lab.mu.Unlock()
	if err != nil {
		live.kill()
		<-live.gone
		return err
	}
	return nil
}
