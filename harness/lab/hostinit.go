package lab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink"

	"waybill/harness/reexec"
)

const programHost = "lab-host"

func init() { reexec.Register(programHost, runHost) }

// hostInit is PID 1 of a host: it starts what it is asked to, reaps, and ends with the program inside.
type hostInit struct {
	conn     *net.UnixConn
	children *reaper
}

// Options of a host's init.
const (
	optionFastHeal    = "fast-heal"
	optionHostNetwork = "host-network"
)

// runHost is called as: lab-host NAME HOSTSFILE [OPTION]. The name is there for people who read process lists.
func runHost(args []string) int {
	control := reexec.Inherited(fileControl)
	if control == nil || len(args) < 2 || os.Getpid() != 1 {
		fmt.Fprintln(os.Stderr, "lab: lab-host is started by Lab.AddHost only")
		return 4
	}
	conn, err := unixConn(control)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 4
	}
	if step, err := setUpHost(args[0], args[1], args[2:]); err != nil {
		m := message{Step: step, Error: err.Error()}
		errors.As(err, &m.Errno)
		_ = send(conn, m, -1) // if nobody listens, nobody needs the reason
		return 4
	}
	h := &hostInit{conn: conn, children: newReaper()}
	if err := send(conn, message{Ready: true}, -1); err != nil {
		return 4
	}
	in := newPackets(conn)
	for {
		var r request
		file, err := in.next(&r)
		if err != nil {
			return 0 // the program inside has ended or gives this host up; the kernel ends the rest
		}
		switch {
		case r.Start != nil:
			h.start(r.ID, *r.Start, file)
		case r.Dial != nil:
			go h.dial(r.ID, *r.Dial)
		case r.Mount != nil:
			h.mount(r.ID, *r.Mount)
		}
	}
}

// setUpHost makes the namespaces that the process was born in a machine of its own. On failure it names the step.
func setUpHost(name, hosts string, options []string) (step string, err error) {
	if err := syscall.Sethostname([]byte(name)); err != nil {
		return "setting the host name", err
	}
	if step, err := mountHost(hosts); err != nil {
		return step, err
	}
	if !slices.Contains(options, optionHostNetwork) {
		if err := apply(settings(slices.Contains(options, optionFastHeal))); err != nil {
			return "network settings", err
		}
		if err := loopbackUp(); err != nil {
			return "loopback", err
		}
	}
	// The runtime raises its own limit and hands children the old one, unless the limit is set explicitly.
	var files syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return "limit of open files", err
	}
	files.Cur = files.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files); err != nil {
		return "limit of open files", err
	}
	// When memory ends, what is under test goes before the harness that observes it. Inherited by all on the host.
	if err := os.WriteFile("/proc/self/oom_score_adj", []byte("500"), 0); err != nil {
		return "oom_score_adj", err
	}
	return "", nil
}

func loopbackUp() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	return netlink.LinkSetUp(lo)
}

// start starts a process. The reply precedes the message of its end, since both are sent under the reaper's lock.
func (h *hostInit) start(id uint64, s startRequest, control *os.File) {
	if control != nil {
		defer control.Close()
	}
	err := h.tryStart(id, s, control)
	if err == nil {
		return
	}
	m := message{ReplyTo: id, Error: err.Error()}
	errors.As(err, &m.Errno)
	_ = send(h.conn, m, -1) // a broken socket ends the loop that called us
}

func (h *hostInit) tryStart(id uint64, s startRequest, control *os.File) error {
	stdout, err := appendTo(s.Stdout)
	if err != nil {
		return err
	}
	defer stdout.Close()
	stderr, err := appendTo(s.Stderr)
	if err != nil {
		return err
	}
	defer stderr.Close()

	c := command{path: s.Path, argv: append([]string{s.Path}, s.Args...), env: s.Env, dir: s.Dir, user: s.User}
	c.files = []*os.File{nil, stdout, stderr}
	var names []string
	if control != nil {
		names, c.files = []string{fileControl}, append(c.files, control)
	}
	if s.Path == "" {
		c.path, c.argv = reexec.Self, reexec.ArgvFiles(s.Program, names, s.Args...)
	}
	begun := func(pidfd int) { _ = send(h.conn, message{ReplyTo: id}, pidfd) }
	ended := func(status syscall.WaitStatus) { _ = send(h.conn, message{Ended: id, Status: status}, -1) }
	_, err = h.children.start(c, begun, ended)
	return err
}

func appendTo(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
}

func (h *hostInit) dial(id uint64, d dialRequest) {
	m := message{ReplyTo: id}
	dialer := marked(d.Mark)
	dialer.Timeout = d.Timeout
	c, err := dialer.Dial("tcp4", d.Addr)
	if err != nil {
		m.Error = err.Error()
		errors.As(err, &m.Errno)
	} else {
		c.Close()
	}
	_ = send(h.conn, m, -1)
}
