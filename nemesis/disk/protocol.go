package disk

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Whoever started the server asks over a sequenced-packet socket, one packet a request in JSON, which may carry one
// descriptor; the server answers over a pipe, since an answer (what thousands of files lost) can be longer than any
// packet. The end of the socket ends the server.

// Names of the files that the server inherits.
const (
	fileRequests = "requests"
	fileReplies  = "replies"
)

// maxRequest is the largest request, in bytes: names and one path.
const maxRequest = 64 << 10

// request asks the server for one thing. Its ID is that of the reply.
type request struct {
	ID     uint64
	Serve  *serveRequest `json:",omitempty"` // the packet carries the device
	Plug   []string      `json:",omitempty"`
	Forget []string      `json:",omitempty"`
	Sync   []string      `json:",omitempty"`
}

type serveRequest struct {
	Name, Backing, Model string
	Seed                 uint64
}

type reply struct {
	ID     uint64
	Error  string `json:",omitempty"`
	Losses []Loss `json:",omitempty"`
}

func sendRequest(c *net.UnixConn, r request, fd int) error {
	data, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if len(data) > maxRequest {
		return fmt.Errorf("a request of %d bytes: names and paths must fit %d", len(data), maxRequest)
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	_, _, err = c.WriteMsgUnix(data, rights, nil)
	return err
}

// receiveRequest waits for the next request. The descriptor is -1 if it carried none.
func receiveRequest(c *net.UnixConn) (r request, fd int, err error) {
	data, control := make([]byte, maxRequest), make([]byte, unix.CmsgSpace(4))
	n, controls, _, _, err := c.ReadMsgUnix(data, control)
	if err != nil {
		return request{}, -1, err
	}
	fd, err = descriptor(control[:controls])
	return r, fd, errors.Join(err, json.Unmarshal(data[:n], &r))
}

func descriptor(control []byte) (int, error) {
	if len(control) == 0 {
		return -1, nil
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("expected one control message, got %d: %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("expected one descriptor, got %d: %w", len(fds), err)
	}
	return fds[0], nil
}
