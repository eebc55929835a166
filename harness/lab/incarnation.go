package lab

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

// incarnation is one life of a host: its init, from boot to the end of everything on it.
type incarnation struct {
	host  *Host
	init  *exec.Cmd
	conn  *net.UnixConn
	netns netns.NsHandle // open, so that the namespace can be changed from here; closed when the init is gone
	pidns string         // as /proc/PID/ns/pid names it
	mark  uint32         // that its redirect lets through; 0 without one; guarded by lab.mu

	killed atomic.Bool
	gone   chan struct{} // closed when the kernel has ended everything and the cable is removed

	mu      sync.Mutex
	lastID  uint64
	replies map[uint64]chan answer
	procs   map[uint64]*Process
	ended   bool
}

// answer is a reply and the descriptor that came with it.
type answer struct {
	message
	file *os.File
}

// boot starts a host's init in namespaces of its own and waits until it has set them up. Nothing is connected yet.
func (h *Host) boot(ctx context.Context) (*incarnation, error) {
	ours, theirs, err := socketpair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	args := []string{h.name, h.lab.hosts}
	if h.lab.fastHeal {
		args = append(args, optionFastHeal)
	}
	if h.lab.hostNetwork {
		args = append(args, optionHostNetwork)
	}
	cmd := &exec.Cmd{
		Path: reexec.Self, Args: reexec.ArgvFiles(programHost, []string{fileControl}, args...),
		Stderr: os.Stderr, ExtraFiles: []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{Cloneflags: flags(h.lab.hostNetwork), Setsid: true},
	}
	conn, err := unixConn(ours)
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		conn.Close()
		return nil, fmt.Errorf("lab: host %s: starting its init: %w", h.name, err)
	}
	theirs.Close()
	i := &incarnation{
		host: h, init: cmd, conn: conn, netns: netns.None(), gone: make(chan struct{}),
		replies: map[uint64]chan answer{}, procs: map[uint64]*Process{},
	}
	err = i.awaitReady(ctx)
	if err == nil {
		i.netns, err = netns.GetFromPid(cmd.Process.Pid)
	}
	if err == nil {
		i.pidns, err = pidNamespace(cmd.Process.Pid)
	}
	if err != nil {
		i.kill()
		i.end()
		return nil, fmt.Errorf("lab: host %s: %w", h.name, err)
	}
	go i.watch()
	return i, nil
}

// awaitReady reads the first message of a new init.
func (i *incarnation) awaitReady(ctx context.Context) error {
	stop := context.AfterFunc(ctx, i.kill)
	var m message
	_, err := newPackets(i.conn).next(&m)
	if !stop() {
		return ctx.Err() // and the init is being killed, ready or not
	}
	if err != nil {
		return fmt.Errorf("its init ended before it was ready: %w", err)
	}
	if !m.Ready {
		return fmt.Errorf("%s: %w", m.Step, remoteError{m.Error, m.Errno})
	}
	return nil
}

// kill ends everything on the host; gone says when that is done. Idempotent.
func (i *incarnation) kill() {
	i.killed.Store(true)
	_ = i.init.Process.Kill() // an error means that it has ended already
	// The kernel ends the others when the init gets round to dying: on a busy machine that is long enough for them to finish what a
	// fault was to interrupt. So each is told, after the init, which then tells nobody of their ends.
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, p := range i.procs {
		_ = p.Signal(context.Background(), syscall.SIGKILL) // likewise
	}
}

// watch hands on what the init says, until it ends.
func (i *incarnation) watch() {
	in := newPackets(i.conn)
	for {
		var m message
		file, err := in.next(&m)
		if err != nil {
			break
		}
		i.handle(answer{m, file})
	}
	_ = i.init.Process.Kill() // an init that closed its socket is of no use, and must not outlive it
	i.end()
}

func (i *incarnation) handle(a answer) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if a.Ended != 0 {
		if p := i.procs[a.Ended]; p != nil {
			delete(i.procs, a.Ended)
			p.finish(exitOf(a.Status))
		}
		return
	}
	if reply := i.replies[a.ReplyTo]; reply != nil {
		delete(i.replies, a.ReplyTo)
		reply <- a
		return
	}
	if a.file != nil {
		// Whoever asked for this process has given up, and was told that there is none. So with a mount, which ends when its device is closed.
		_ = unix.PidfdSendSignal(int(a.file.Fd()), unix.SIGKILL, nil, 0) // an error means that it has ended, or is no process
		a.file.Close()
	}
}

// end waits until the kernel has ended the host, and says so to everybody who waits for something on it.
func (i *incarnation) end() {
	_ = i.init.Wait() // a PID 1 can be reaped only after everything in its namespace
	l := i.host.lab
	l.mu.Lock()
	if i.host.live == i {
		i.host.live = nil
	}
	if i.netns.IsOpen() {
		i.netns.Close()
	}
	if err := l.unplug(i.host); err != nil {
		fmt.Fprintln(os.Stderr, err) // the next plug fails on it, with this as the explanation
	}
	l.mu.Unlock()
	i.conn.Close()

	i.mu.Lock()
	i.ended = true
	for _, reply := range i.replies {
		close(reply)
	}
	for _, p := range i.procs {
		p.finish(Exit{Code: -1, Signal: syscall.SIGKILL.String(), Killed: i.killed.Load()})
	}
	clear(i.replies)
	clear(i.procs)
	i.mu.Unlock()
	close(i.gone)
}

// ask sends a request and waits for its reply. fd, if not negative, goes along.
func (i *incarnation) ask(ctx context.Context, r request, fd int) (answer, error) {
	return i.askFor(ctx, r, fd, nil)
}

// askFor is ask for a request that makes a process: p is known before its end can be reported.
func (i *incarnation) askFor(ctx context.Context, r request, fd int, p *Process) (answer, error) {
	reply := make(chan answer, 1)
	i.mu.Lock()
	if i.ended {
		i.mu.Unlock()
		return answer{}, ErrDown
	}
	i.lastID++
	r.ID = i.lastID
	i.replies[r.ID] = reply
	if p != nil {
		i.procs[r.ID] = p
	}
	i.mu.Unlock()

	withdraw := func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		delete(i.replies, r.ID)
		delete(i.procs, r.ID)
	}
	if err := send(i.conn, r, fd); err != nil {
		withdraw()
		if i.killed.Load() {
			return answer{}, ErrDown
		}
		return answer{}, err
	}
	select {
	case a, ok := <-reply:
		if !ok {
			return answer{}, ErrDown
		}
		if a.Error != "" {
			withdraw()
		}
		return a, nil
	case <-ctx.Done():
		withdraw()
		return answer{}, ctx.Err()
	}
}
