package lab

import (
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// reaper is the duty of a PID 1: it waits for every child, its own and the orphans that the kernel hands it.
// os/exec cannot be used beside it, since wait4(-1) would take the children from it.
type reaper struct {
	mu   sync.Mutex // held from fork to registration, so that no child is reaped before it is known
	ends map[int]func(syscall.WaitStatus)
}

// newReaper starts reaping. Call it once in a process.
func newReaper() *reaper {
	r := &reaper{ends: map[int]func(syscall.WaitStatus){}}
	child := make(chan os.Signal, 1) // one is enough: each SIGCHLD is answered by reaping all there is
	signal.Notify(child, syscall.SIGCHLD)
	// The runtime would end the process on these although PID 1 is meant to outlive them. They are caught and not
	// ignored, because children inherit what is ignored.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGPIPE, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGALRM)
	go func() {
		for range child {
			r.reap()
		}
	}()
	return r
}

func (r *reaper) reap() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			continue
		}
		if err != nil || pid <= 0 {
			return
		}
		if end, ours := r.ends[pid]; ours {
			delete(r.ends, pid)
			end(status)
		}
	}
}

// command is a program to start: files become its descriptors from 0 on, nil is an empty one.
type command struct {
	path  string
	argv  []string
	env   []string
	dir   string
	user  int // uid and gid in a user namespace of its own; 0: those of this process, in its namespace
	files []*os.File
}

// attributes are a session of its own, a pidfd, and the user namespace that makes this process's user c.user.
func (c command) attributes(pidfd *int) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setsid: true, PidFD: pidfd}
	if c.user != 0 {
		a.Cloneflags = syscall.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: c.user, HostID: os.Getuid(), Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: c.user, HostID: os.Getgid(), Size: 1}}
	}
	return a
}

// start starts c in a session of its own. begun, if not nil, is called with a pidfd before the end can be noticed;
// ended is called once. Both are called with the reaper locked: they must not start anything.
func (r *reaper) start(c command, begun func(pidfd int), ended func(syscall.WaitStatus)) (pid int, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer null.Close()
	fds := make([]uintptr, len(c.files))
	for i, f := range c.files {
		if f == nil {
			f = null
		}
		fds[i] = f.Fd()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	pidfd := -1
	pid, err = syscall.ForkExec(c.path, c.argv, &syscall.ProcAttr{
		Dir: c.dir, Env: c.env, Files: fds, Sys: c.attributes(&pidfd),
	})
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.path, err)
	}
	if begun != nil {
		begun(pidfd)
	}
	if pidfd >= 0 {
		syscall.Close(pidfd)
	}
	r.ends[pid] = ended
	return pid, nil
}
