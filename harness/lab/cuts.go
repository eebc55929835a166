package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// pair is one direction between two hosts.
type pair struct{ from, to string }

// Cut drops everything that hosts in from send to hosts in to, at the receivers' prerouting; the other way stays open.
// It returns a function that heals just this cut; healing twice is no error. Cuts survive a host's restart.
//
// Cuts may overlap: a direction is open again when all cuts of it are healed. A host in both sets is not cut off from
// itself. If Cut returns an error, nothing of it is left in force.
func (l *Lab) Cut(from, to []string) (heal func() error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.hostNetwork {
		return nil, fmt.Errorf("lab: a cut from %q to %q: %w", from, to, ErrHostNetwork)
	}
	for _, name := range append(append([]string(nil), from...), to...) {
		if _, err := l.lookup(name); err != nil {
			return nil, err
		}
	}
	pairs := map[pair]bool{}
	for _, f := range from {
		for _, t := range to {
			if f != t {
				pairs[pair{f, t}] = true
			}
		}
	}
	if len(pairs) == 0 {
		return nil, fmt.Errorf("lab: a cut from %q to %q cuts nothing", from, to)
	}
	if err := l.change(pairs, +1); err != nil {
		return nil, errors.Join(err, l.change(pairs, -1))
	}
	return sync.OnceValue(func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.change(pairs, -1)
	}), nil
}

// change counts the cuts of each pair up or down and brings the receivers that are up in line. It goes on after an
// error, so that one dead host does not keep the others cut off.
func (l *Lab) change(pairs map[pair]bool, by int) error {
	receivers := map[*Host]bool{}
	for p := range pairs {
		if l.cuts[p] += by; l.cuts[p] == 0 {
			delete(l.cuts, p)
		}
		receivers[l.byName[p.to]] = true
	}
	// All at once: the kernel takes some 20 ms for each, and a cut that begins host by host is another fault.
	var syncing sync.WaitGroup
	errs := make(chan error, len(receivers))
	for h := range receivers {
		if h.live == nil {
			continue // Restart applies what is in force then
		}
		ns, sources := h.live.netns, l.cutOffFrom(h)
		syncing.Go(func() {
			if err := syncFirewall(ns, sources); err != nil {
				errs <- fmt.Errorf("lab: host %s: %w", h.name, err)
			}
		})
	}
	syncing.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return errors.Join(all...)
}

// cutOffFrom are the addresses whose packets h must not receive.
func (l *Lab) cutOffFrom(h *Host) map[netip.Addr]bool {
	sources := map[netip.Addr]bool{}
	for p := range l.cuts {
		if p.to == h.name {
			sources[l.byName[p.from].addr] = true
		}
	}
	return sources
}

// Dropped is how many packets the cuts active now have dropped at host, since each began or the host was restarted.
func (l *Lab) Dropped(host string) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.lookup(host)
	if err != nil {
		return 0, err
	}
	if l.hostNetwork {
		return 0, fmt.Errorf("lab: host %s: %w", host, ErrHostNetwork)
	}
	if h.live == nil {
		return 0, h.down()
	}
	n, err := droppedIn(h.live.netns)
	if err != nil {
		return 0, fmt.Errorf("lab: host %s: %w", host, err)
	}
	return n, nil
}

// Reach opens a new TCP connection from host from to addr (address and port) and closes it: the path's verification.
// It runs in from's namespaces, so that names are those of the lab, and past its Redirect. Without a deadline in ctx it tries for 5 s.
func (l *Lab) Reach(ctx context.Context, from string, addr string) error {
	l.mu.Lock()
	h, err := l.lookup(from)
	var live *incarnation
	var mark uint32
	if err == nil {
		if live = h.live; live != nil {
			mark = live.mark
		}
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	if live == nil {
		return h.down()
	}
	timeout := 5 * time.Second
	if deadline, ok := ctx.Deadline(); ok {
		timeout = time.Until(deadline)
	}
	if timeout <= 0 {
		return fmt.Errorf("lab: host %s: reaching %s: %w", from, addr, context.DeadlineExceeded)
	}
	reply, err := live.ask(ctx, request{Dial: &dialRequest{Addr: addr, Timeout: timeout, Mark: mark}}, -1)
	if err != nil {
		return fmt.Errorf("lab: host %s: reaching %s: %w", from, addr, err)
	}
	if reply.Error != "" {
		return fmt.Errorf("lab: host %s: reaching %s: %w", from, addr, remoteError{reply.Error, reply.Errno})
	}
	return nil
}

// remoteError is an error that happened in a host's init: its words, and its number for errors.Is.
type remoteError struct {
	text  string
	errno syscall.Errno
}

func (e remoteError) Error() string { return e.text }

func (e remoteError) Is(target error) bool { return e.errno != 0 && error(e.errno) == target }
