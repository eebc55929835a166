package frames

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// originalDestination is the address that a connection was made to before a redirect changed it.
func originalDestination(c *net.TCPConn) (netip.AddrPort, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("frames: proxy: %w", err)
	}
	// The kernel answers with a sockaddr_in: family, port and address in network order. It fits what asks for an ipv6_mreq.
	var answer *unix.IPv6Mreq
	var failed error
	err = raw.Control(func(fd uintptr) { answer, failed = unix.GetsockoptIPv6Mreq(int(fd), unix.SOL_IP, unix.SO_ORIGINAL_DST) })
	if err := errors.Join(err, failed); err != nil {
		return netip.AddrPort{}, fmt.Errorf("frames: proxy: original destination: %w", err)
	}
	b := answer.Multiaddr
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), uint16(b[2])<<8|uint16(b[3])), nil
}

// marking gives sockets their mark before they are connected. 0 is the mark of sockets that have none.
func marking(mark uint32) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		if mark == 0 {
			return nil
		}
		var failed error
		err := c.Control(func(fd uintptr) { failed = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(mark)) })
		return errors.Join(err, failed)
	}
}
