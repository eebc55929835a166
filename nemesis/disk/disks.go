package disk

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

// ErrEnded is returned once the server's process has ended; its mounts have ended with it.
var ErrEnded = errors.New("the server of the disks has ended")

// Disks are the disks of a run, served by a process of their own. Its methods may be called from any goroutine. Those
// with a context return when it ends, though the server may still do what it was asked.
type Disks struct {
	server *exec.Cmd
	conn   *net.UnixConn
	ended  chan struct{} // closed when the server is gone

	mu      sync.Mutex
	lastID  uint64
	waiting map[uint64]chan reply
}

// Start starts the server. It is a child of the caller and ends with Close, or when the caller ends, however it ends.
func Start(ctx context.Context) (*Disks, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("disk: starting the server: %w", err)
	}
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("disk: socketpair: %w", err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), fileRequests), os.NewFile(uintptr(fds[1]), fileRequests)
	defer theirs.Close()
	conn, err := net.FileConn(ours)
	ours.Close()
	if err != nil {
		return nil, fmt.Errorf("disk: control socket: %w", err)
	}
	replies, answers, err := os.Pipe()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("disk: %w", err)
	}
	defer answers.Close()
	d := &Disks{
		server: &exec.Cmd{
			Path: reexec.Self, Args: reexec.ArgvFiles(programServer, []string{fileRequests, fileReplies}),
			Stderr: os.Stderr, ExtraFiles: []*os.File{theirs, answers},
		},
		conn: conn.(*net.UnixConn), ended: make(chan struct{}), waiting: map[uint64]chan reply{},
	}
	if err := d.server.Start(); err != nil {
		conn.Close()
		replies.Close()
		return nil, fmt.Errorf("disk: starting the server: %w", err)
	}
	go d.listen(replies)
	return d, nil
}

// listen hands answers to those who wait, until the server ends.
func (d *Disks) listen(replies *os.File) {
	defer replies.Close()
	for in := json.NewDecoder(replies); ; {
		var r reply
		if err := in.Decode(&r); err != nil {
			break
		}
		d.mu.Lock()
		if waiting := d.waiting[r.ID]; waiting != nil {
			delete(d.waiting, r.ID)
			waiting <- r
		}
		d.mu.Unlock()
	}
	d.conn.Close()
	_ = d.server.Wait() // how it ended is on standard error
	close(d.ended)
}

// Serve serves a file system over dev, an open /dev/fuse that the caller has mounted, with backing as its plain folder,
// which nobody else changes from then on. It takes dev over and closes it. A name that was served before keeps its
// state: what is unsynced survives the end of a mount, as the page cache survives the end of a process. Then the mount
// before must have ended, and backing and m must be what they were. seed decides what is torn.
func (d *Disks) Serve(ctx context.Context, name, backing string, dev *os.File, m Model, seed uint64) error {
	defer dev.Close()
	backing, err := filepath.Abs(backing)
	if err != nil {
		return fmt.Errorf("disk: %s: %w", name, err)
	}
	_, err = d.ask(ctx, request{Serve: &serveRequest{Name: name, Backing: backing, Model: m.String(), Seed: seed}}, dev)
	return err
}

// Plug takes the power from the named disks, at one instant for all. A change (write, sync, create, rename, ...) has
// either been complete before, or it never happens, and who asked for it hears nothing until a signal ends the waiting,
// with EINTR: nothing after the instant is ever answered as done. Reads go on, but for those that the kernel itself makes wait for a
// change: of a page that is being written, of a folder in which something is being made.
func (d *Disks) Plug(ctx context.Context, names ...string) error {
	_, err := d.ask(ctx, request{Plug: names}, nil)
	return err
}

// Forget goes back to what is durable, and gives the power back. The disks must not be mounted any more: kill their
// hosts first; Forget waits until the kernel has ended their mounts.
func (d *Disks) Forget(ctx context.Context, names ...string) ([]Loss, error) {
	r, err := d.ask(ctx, request{Forget: names}, nil)
	return r.Losses, err
}

// Sync makes everything durable, as a quiet half minute would, but for what a process has changed in a mapping and the
// kernel has not written back yet.
func (d *Disks) Sync(ctx context.Context, names ...string) error {
	_, err := d.ask(ctx, request{Sync: names}, nil)
	return err
}

// Close ends the server and with it every mount, and what was not durable is gone. A second call does nothing.
func (d *Disks) Close() error {
	_ = d.server.Process.Kill() // an error means that it has ended
	<-d.ended
	return nil
}

func (d *Disks) ask(ctx context.Context, r request, carried *os.File) (reply, error) {
	if r.Serve == nil && len(r.Plug)+len(r.Forget)+len(r.Sync) == 0 {
		return reply{}, nil // of no disks
	}
	answer := make(chan reply, 1)
	d.mu.Lock()
	d.lastID++
	r.ID = d.lastID
	d.waiting[r.ID] = answer
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.waiting, r.ID)
	}()
	fd := -1
	if carried != nil {
		fd = int(carried.Fd())
	}
	if err := sendRequest(d.conn, r, fd); err != nil {
		select {
		case <-d.ended:
			return reply{}, fmt.Errorf("disk: %w", ErrEnded)
		default:
			return reply{}, fmt.Errorf("disk: asking the server: %w", err)
		}
	}
	select {
	case a := <-answer:
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	case <-d.ended:
		return reply{}, fmt.Errorf("disk: %w", ErrEnded)
	case <-ctx.Done():
		return reply{}, fmt.Errorf("disk: %w", ctx.Err())
	}
}
