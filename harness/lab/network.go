package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	bridgeName = "wb0"
	hostLink   = "eth0" // of every host, as it is called there
	mtu        = 1500
	maxHosts   = 1000 // a bridge of Linux has 1024 ports
)

// The lab's network namespace has no other interface, so these addresses cannot clash with the machine's.
var (
	bridgeAddr = netip.MustParseAddr("10.77.0.1")
	bridgeMAC  = macOf(bridgeAddr)
)

var loopback = netip.MustParseAddr("127.0.0.1")

const prefixBits = 16

func hostAddr(rank int) netip.Addr {
	n := rank + 1 // .1 is the bridge
	return netip.AddrFrom4([4]byte{10, 77, byte(n >> 8), byte(n)})
}

// macOf derives a locally administered address from the IP address, so that a host keeps it over restarts and every
// neighbour can know it beforehand: a restarted host must not wait for ARP.
func macOf(a netip.Addr) net.HardwareAddr {
	b := a.As4()
	return net.HardwareAddr{0x02, 0x77, b[0], b[1], b[2], b[3]}
}

func ipNet(a netip.Addr) *net.IPNet {
	return &net.IPNet{IP: a.AsSlice(), Mask: net.CIDRMask(prefixBits, 32)}
}

// addBridge makes the switch that all hosts are plugged into, in the network namespace of the calling process.
func addBridge() error {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = bridgeName, mtu, bridgeMAC
	snooping := false // it only adds timers: nothing here is multicast
	bridge := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snooping}
	if err := netlink.LinkAdd(bridge); err != nil {
		return fmt.Errorf("lab: bridge %s: %w", bridgeName, err)
	}
	if err := netlink.AddrAdd(bridge, &netlink.Addr{IPNet: ipNet(bridgeAddr)}); err != nil {
		return fmt.Errorf("lab: bridge %s: address %s: %w", bridgeName, bridgeAddr, err)
	}
	if err := netlink.LinkSetUp(bridge); err != nil {
		return fmt.Errorf("lab: bridge %s: %w", bridgeName, err)
	}
	return nil
}

// introduceToBridge makes the program inside know the host's hardware address for good.
func introduceToBridge(h *Host) error {
	bridge, err := netlink.LinkByName(bridgeName)
	if err != nil {
		return fmt.Errorf("lab: bridge %s: %w", bridgeName, err)
	}
	if err := netlink.NeighSet(neighbour(bridge.Attrs().Index, h.addr)); err != nil {
		return fmt.Errorf("lab: bridge %s: neighbour %s: %w", bridgeName, h.addr, err)
	}
	return nil
}

func neighbour(link int, a netip.Addr) *netlink.Neigh {
	return &netlink.Neigh{LinkIndex: link, State: netlink.NUD_PERMANENT, IP: a.AsSlice(), HardwareAddr: macOf(a)}
}

// port is the lab's end of a host's cable.
func (h *Host) port() string { return fmt.Sprintf("host%d", h.rank) }

// plug connects a new incarnation: link, address, neighbours, and the cuts and limits that are in force, before
// anything can run there. On the machine's network there is nothing to connect. The caller holds l.mu.
func (l *Lab) plug(h *Host, ns netns.NsHandle) error {
	if l.hostNetwork {
		return nil
	}
	bridge, err := netlink.LinkByName(bridgeName)
	if err != nil {
		return fmt.Errorf("lab: bridge %s: %w", bridgeName, err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.MasterIndex = h.port(), mtu, bridge.Attrs().Index
	cable := netlink.NewVeth(attrs)
	cable.PeerName, cable.PeerMTU = hostLink, mtu
	cable.PeerHardwareAddr, cable.PeerNamespace = macOf(h.addr), netlink.NsFd(int(ns))
	if err := netlink.LinkAdd(cable); err != nil {
		return fmt.Errorf("lab: host %s: veth: %w", h.name, err)
	}
	if err := netlink.LinkSetUp(cable); err != nil {
		return fmt.Errorf("lab: host %s: veth: %w", h.name, err)
	}
	if err := l.configure(h, ns); err != nil {
		return err
	}
	if err := syncFirewall(ns, l.cutOffFrom(h)); err != nil {
		return fmt.Errorf("lab: host %s: %w", h.name, err)
	}
	return l.shape(h, ns)
}

// configure sets up the host's end of the cable and makes all hosts know each other.
func (l *Lab) configure(h *Host, ns netns.NsHandle) error {
	return within(ns, func(there *netlink.Handle) error {
		link, err := there.LinkByName(hostLink)
		if err != nil {
			return fmt.Errorf("lab: host %s: %s: %w", h.name, hostLink, err)
		}
		if err := there.AddrAdd(link, &netlink.Addr{IPNet: ipNet(h.addr)}); err != nil {
			return fmt.Errorf("lab: host %s: address %s: %w", h.name, h.addr, err)
		}
		if err := there.LinkSetUp(link); err != nil {
			return fmt.Errorf("lab: host %s: %s: %w", h.name, hostLink, err)
		}
		if err := there.NeighSet(neighbour(link.Attrs().Index, bridgeAddr)); err != nil {
			return fmt.Errorf("lab: host %s: neighbour %s: %w", h.name, bridgeName, err)
		}
		for _, other := range l.byRank {
			if other == h {
				continue
			}
			if err := there.NeighSet(neighbour(link.Attrs().Index, other.addr)); err != nil {
				return fmt.Errorf("lab: host %s: neighbour %s: %w", h.name, other.name, err)
			}
		}
		return l.introduce(h)
	})
}

// introduce makes the other hosts know h. Those that are down learn it when they are plugged in.
func (l *Lab) introduce(h *Host) error {
	for _, other := range l.byRank {
		if other == h || other.live == nil {
			continue
		}
		err := within(other.live.netns, func(there *netlink.Handle) error {
			link, err := there.LinkByName(hostLink)
			if err != nil {
				return err
			}
			return there.NeighSet(neighbour(link.Attrs().Index, h.addr))
		})
		if err != nil {
			return fmt.Errorf("lab: host %s: neighbour %s: %w", other.name, h.name, err)
		}
	}
	return nil
}

// unplug removes the cable. The kernel would do so too, some time after the namespace's last process ended: but the
// next incarnation uses the same names.
func (l *Lab) unplug(h *Host) error {
	if l.hostNetwork {
		return nil
	}
	cable, err := netlink.LinkByName(h.port())
	if errors.As(err, &netlink.LinkNotFoundError{}) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("lab: host %s: veth: %w", h.name, err)
	}
	if err := netlink.LinkDel(cable); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("lab: host %s: veth: %w", h.name, err)
	}
	return nil
}

// within calls f with a netlink socket that lives in the namespace, and closes it: an open one would keep the
// namespace alive.
func within(ns netns.NsHandle, f func(*netlink.Handle) error) error {
	there, err := netlink.NewHandleAt(ns, unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("lab: netlink: %w", err)
	}
	defer there.Close()
	return f(there)
}
