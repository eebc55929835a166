package lab

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The program inside speaks with a host's init over a sequenced-packet socket: a packet is one message in JSON,
// and may carry one descriptor. Requests are answered in any order; exits come by themselves.

// maxMessage is the largest packet: arguments and environment of a process fit several times over.
const maxMessage = 128 << 10

// request asks a host's init for one thing. ID is answered by a reply with the same ID.
type request struct {
	ID    uint64
	Start *startRequest `json:",omitempty"`
	Dial  *dialRequest  `json:",omitempty"`
	Mount *mountRequest `json:",omitempty"`
}

// startRequest asks for a process; the packet carries its end of the control socket if Control is set. ID of the
// request names the process from then on.
type startRequest struct {
	Path           string   // empty: this binary, as Program
	Program        string   `json:",omitempty"`
	Args           []string `json:",omitempty"`
	Env            []string
	Dir            string
	User           int    `json:",omitempty"`
	Stdout, Stderr string // files, appended to
	Control        bool
}

type dialRequest struct {
	Addr    string
	Timeout time.Duration
	Mark    uint32 `json:",omitempty"` // of the socket, so that no redirect of the host's answers in another's place
}

// message is what a host's init says: that it is ready, a reply, or that a process ended.
type message struct {
	Ready   bool   `json:",omitempty"`
	ReplyTo uint64 `json:",omitempty"`
	Step    string `json:",omitempty"` // of setting up, that failed
	Error   string `json:",omitempty"`
	Errno   syscall.Errno
	Ended   uint64 `json:",omitempty"` // the process with this ID
	Status  syscall.WaitStatus
}

// send writes one packet. file may be nil.
func send(c *net.UnixConn, v any, fd int) error {
	data, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if len(data) > maxMessage {
		return fmt.Errorf("a message of %d bytes: arguments and environment must fit %d", len(data), maxMessage)
	}
	var rights []byte
	if fd >= 0 {
		rights = unix.UnixRights(fd)
	}
	_, _, err = c.WriteMsgUnix(data, rights, nil)
	return err
}

// packets reads what the other end sends.
type packets struct {
	conn    *net.UnixConn
	data    []byte
	control []byte
}

func newPackets(c *net.UnixConn) *packets {
	return &packets{conn: c, data: make([]byte, maxMessage), control: make([]byte, unix.CmsgSpace(4))}
}

// next reads one packet into v, and returns the descriptor that it carried or nil.
func (p *packets) next(v any) (*os.File, error) {
	n, controls, _, _, err := p.conn.ReadMsgUnix(p.data, p.control)
	if err != nil {
		return nil, err
	}
	var file *os.File
	if controls > 0 {
		if file, err = carried(p.control[:controls]); err != nil {
			return nil, err
		}
	}
	return file, json.Unmarshal(p.data[:n], v)
}

func carried(control []byte) (*os.File, error) {
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		if fds, err := unix.ParseUnixRights(&m); err == nil && len(fds) == 1 {
			return os.NewFile(uintptr(fds[0]), fileControl), nil
		}
	}
	return nil, fmt.Errorf("a packet with a control message but no descriptor")
}
