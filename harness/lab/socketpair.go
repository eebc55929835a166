package lab

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// ControlPair is two ends of a stream: theirs is what Spec.Control wants, and is to be closed by the caller once the lab has it.
func ControlPair() (ours, theirs *os.File, err error) { return socketpair(unix.SOCK_STREAM) }

// socketpair is two ends of a Unix socket: ours works with deadlines, theirs is to be inherited.
func socketpair(kind int) (ours, theirs *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("lab: socketpair: %w", err)
	}
	if err := unix.SetNonblock(fds[0], true); err != nil {
		unix.Close(fds[0])
		unix.Close(fds[1])
		return nil, nil, fmt.Errorf("lab: socketpair: %w", err)
	}
	return os.NewFile(uintptr(fds[0]), fileControl), os.NewFile(uintptr(fds[1]), fileControl), nil
}

// unixConn turns a socket's file into a connection that can carry descriptors, and closes the file.
func unixConn(f *os.File) (*net.UnixConn, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return nil, fmt.Errorf("lab: control socket: %w", err)
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return nil, fmt.Errorf("lab: control socket: expected a Unix socket, got %T", c)
	}
	return u, nil
}
