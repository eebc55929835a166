package lab

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	minRate  = 8_000    // bits per second; below, the bucket's time overflows the kernel's unit
	maxRate  = 100e9    // bits per second; above, the queue's length would
	minBurst = 64 << 10 // bytes: a veth hands over segments of up to 64 KiB, and a smaller bucket passes none of them
	queueFor = 10       // a queue holds what the link carries in 1/queueFor s
	refill   = 100      // the bucket holds at least what the link carries in 1/refill s
)

// Limit sets the rate of a host's link, in bits per second, both directions; 0 removes the limit. A burst of 64 KiB
// (or 10 ms, if that is more) passes unlimited, and up to 100 ms of traffic wait; the rest is dropped, as in a router.
// The limit survives the host's restart.
func (l *Lab) Limit(host string, bits uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	h, err := l.lookup(host)
	if err != nil {
		return err
	}
	if l.hostNetwork {
		return fmt.Errorf("lab: host %s: a limit: %w", host, ErrHostNetwork)
	}
	if bits != 0 && (bits < minRate || bits > maxRate) {
		return fmt.Errorf("lab: host %s: a limit of %d bit/s: expected 0, or %d to %d", host, bits, uint64(minRate), uint64(maxRate))
	}
	h.limit = bits
	if h.live == nil {
		return nil // Restart applies it
	}
	return l.shape(h, h.live.netns)
}

// shape brings both ends of a host's cable in line with its limit. The caller holds l.mu.
func (l *Lab) shape(h *Host, ns netns.NsHandle) error {
	here, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("lab: netlink: %w", err)
	}
	defer here.Close()
	if err := shapeLink(here, h.port(), h.limit); err != nil {
		return fmt.Errorf("lab: host %s: limit towards it: %w", h.name, err)
	}
	return within(ns, func(there *netlink.Handle) error {
		if err := shapeLink(there, hostLink, h.limit); err != nil {
			return fmt.Errorf("lab: host %s: limit from it: %w", h.name, err)
		}
		return nil
	})
}

func shapeLink(at *netlink.Handle, name string, bits uint64) error {
	link, err := at.LinkByName(name)
	if err != nil {
		return err
	}
	attrs := netlink.QdiscAttrs{LinkIndex: link.Attrs().Index, Handle: netlink.MakeHandle(1, 0), Parent: netlink.HANDLE_ROOT}
	if bits == 0 {
		err := at.QdiscDel(&netlink.Tbf{QdiscAttrs: attrs})
		if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINVAL) {
			return nil // there was no limit
		}
		return err
	}
	rate := bits / 8
	burst := max(minBurst, rate/refill)
	return at.QdiscReplace(&netlink.Tbf{
		QdiscAttrs: attrs,
		Rate:       rate,
		Limit:      uint32(burst + rate/queueFor),
		Buffer:     netlink.Xmittime(rate, uint32(burst)),
	})
}
