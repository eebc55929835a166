package frames

import (
	"fmt"
	"net"
	"os"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// deaths learns of connections that broke while nobody reads them, because what came before waits for an end that does not read. The
// kernel tells it of nothing else, so that it costs nothing while bytes flow.
type deaths struct {
	epoll *os.File
	over  sync.WaitGroup

	mu   sync.Mutex
	last int32 // number given
	died map[int32]func()
}

func watchDeaths() (*deaths, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("frames: proxy: epoll: %w", err)
	}
	// Without blocking, so that the runtime waits for it as for any file, and Close ends the wait.
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("frames: proxy: epoll: %w", err)
	}
	d := &deaths{epoll: os.NewFile(uintptr(fd), "deaths"), died: map[int32]func(){}}
	raw, err := d.epoll.SyscallConn()
	if err != nil {
		d.epoll.Close()
		return nil, fmt.Errorf("frames: proxy: epoll: %w", err)
	}
	d.over.Go(func() { d.listen(raw) })
	return d, nil
}

// watch calls died when c breaks, from another goroutine, until forget is called. A connection that is closed already has nothing to tell.
func (d *deaths) watch(c *net.TCPConn, died func()) (forget func()) {
	d.mu.Lock()
	d.last++
	id := d.last
	d.died[id] = died
	d.mu.Unlock()
	if raw, err := c.SyscallConn(); err == nil {
		_ = raw.Control(func(fd uintptr) {
			// What breaks is always reported; of the rest nothing is asked for. The kernel forgets it when the connection is closed.
			event := unix.EpollEvent{Events: unix.EPOLLET, Fd: id}
			_ = d.control(int(fd), &event)
		})
	}
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.died, id)
	}
}

func (d *deaths) control(fd int, event *unix.EpollEvent) error {
	raw, err := d.epoll.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	if err := raw.Control(func(epoll uintptr) { failed = unix.EpollCtl(int(epoll), unix.EPOLL_CTL_ADD, fd, event) }); err != nil {
		return err
	}
	return failed
}

func (d *deaths) listen(raw syscall.RawConn) {
	var events [64]unix.EpollEvent
	for {
		var n int
		err := raw.Read(func(fd uintptr) bool {
			n, _ = unix.EpollWait(int(fd), events[:], 0) // interrupted: there is another edge, or the file is closed
			return n > 0
		})
		if err != nil {
			return // closed
		}
		for _, e := range events[:n] {
			if e.Events&unix.EPOLLERR == 0 {
				continue // both directions ended in good order
			}
			d.mu.Lock()
			died := d.died[e.Fd]
			d.mu.Unlock()
			if died != nil {
				died()
			}
		}
	}
}

func (d *deaths) close() {
	d.epoll.Close()
	d.over.Wait()
}
