package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stderrTail is how much of a process's standard error is kept in its Exit, in bytes.
const stderrTail = 4 << 10

// Proc is a process to start on a host. Program is a reexec name, or Path an executable; one of them is given.
//
// User is for programs that refuse to run as uid 0. To everybody else the process runs as the lab's user: what it
// writes belongs to the lab, and it may read what the lab may. So it needs neither a folder of its own nor a way
// through the folders above it, nor a second uid of the machine, which a lab without root does not have.
type Proc struct {
	Name    string // output goes to Dir/NAME.stdout and NAME.stderr, appended
	Program string
	Path    string // absolute
	Args    []string
	Env     []string // NAME=VALUE, added to the environment of the lab
	Cwd     string   // default: the host's Dir
	User    int      // uid and gid that it sees itself as, in a user namespace of its own; 0: those of the lab
	Control bool     // give it one end of a socketpair, which reexec'd programs get by Control(), others as descriptor 3
}

// Process is a process started on a host. Its methods may be called from any goroutine.
type Process struct {
	pid     int
	control *os.File
	stderr  string
	from    int64 // where this process's part of the file begins
	done    chan struct{}
	exit    Exit // valid after done

	mu    sync.Mutex
	pidfd *os.File // nil once the process has ended
}

// Exit is how a process ended.
type Exit struct {
	Code   int // -1 when a signal ended it
	Signal string
	Killed bool   // its host was killed
	Stderr string // the last 4 KiB it wrote there
	At     time.Time
}

// Start starts p. It returns when the process has been executed; an error means that it has not. The end of
// a process does not end what it left behind: the host's init reaps orphans, and Kill ends them.
func (h *Host) Start(ctx context.Context, p Proc) (*Process, error) {
	if err := p.validate(); err != nil {
		return nil, fmt.Errorf("lab: host %s: process %q: %w", h.name, p.Name, err)
	}
	h.turn.Lock()
	defer h.turn.Unlock()
	live := h.incarnation()
	if live == nil {
		return nil, h.down()
	}
	if h.paused {
		return nil, fmt.Errorf("lab: host %s: %w: Resume it before Start", h.name, ErrPaused)
	}
	started, err := h.start(ctx, live, p)
	if err != nil {
		return nil, fmt.Errorf("lab: host %s: process %q: %w", h.name, p.Name, err)
	}
	return started, nil
}

func (p Proc) validate() error {
	switch {
	case p.Name == "" || strings.ContainsRune(p.Name, filepath.Separator):
		return errors.New("expected a name without slashes, for the files of its output")
	case (p.Program == "") == (p.Path == ""):
		return errors.New("expected either Program or Path")
	case p.User < 0:
		return fmt.Errorf("expected a uid, got %d", p.User)
	case p.Path != "" && !filepath.IsAbs(p.Path):
		return fmt.Errorf("expected an absolute path, got %q", p.Path)
	}
	return nil
}

func (h *Host) start(ctx context.Context, live *incarnation, p Proc) (*Process, error) {
	started := &Process{pid: -1, stderr: filepath.Join(h.dir, p.Name+".stderr"), done: make(chan struct{})}
	if info, err := os.Stat(started.stderr); err == nil {
		started.from = info.Size()
	}
	theirs := -1
	if p.Control {
		ours, file, err := socketpair(unix.SOCK_STREAM)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		started.control, theirs = ours, int(file.Fd())
	}
	cwd := p.Cwd
	if cwd == "" {
		cwd = h.dir
	}
	a, err := live.askFor(ctx, request{Start: &startRequest{
		Path: p.Path, Program: p.Program, Args: p.Args, Env: environment(p.Env), Dir: cwd, User: p.User,
		Stdout: filepath.Join(h.dir, p.Name+".stdout"), Stderr: started.stderr, Control: p.Control,
	}}, theirs, started)
	if err == nil && a.Error != "" {
		err = remoteError{a.Error, a.Errno}
	}
	if err != nil {
		if started.control != nil {
			started.control.Close()
		}
		return nil, err
	}
	started.identify(a.file)
	return started, nil
}

// identify gives the process its number and the descriptor that signals reach it by.
func (p *Process) identify(pidfd *os.File) {
	if pidfd == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pid = pidOf(pidfd)
	select {
	case <-p.done:
		pidfd.Close()
	default:
		p.pidfd = pidfd
	}
}

// environment is that of this process, with additions. A name stands once: programs differ in whether the first or
// the last one counts.
func environment(additions []string) []string {
	var names []string
	values := map[string]string{}
	for _, e := range append(os.Environ(), additions...) {
		name, value, _ := strings.Cut(e, "=")
		if _, known := values[name]; !known {
			names = append(names, name)
		}
		values[name] = value
	}
	env := make([]string, len(names))
	for i, name := range names {
		env[i] = name + "=" + values[name]
	}
	return env
}

// Pid is the process's number as the lab sees it, -1 if it ended before that could be learned.
func (p *Process) Pid() int { return p.pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how the process ended. It is valid after Done.
func (p *Process) Exit() Exit { return p.exit }

// Control is our end of the process's control socket; nil unless Proc.Control. It works with deadlines, reads end of
// file when the process and whoever inherited its end are gone, and is the caller's to close.
func (p *Process) Control() *os.File { return p.control }

// Signal sends s to the process alone, not to what it started. os.ErrProcessDone if it has ended.
func (p *Process) Signal(_ context.Context, s os.Signal) error {
	number, ok := s.(syscall.Signal)
	if !ok {
		return fmt.Errorf("lab: signal %v: expected a syscall.Signal, got %T", s, s)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pidfd == nil {
		return os.ErrProcessDone
	}
	err := unix.PidfdSendSignal(int(p.pidfd.Fd()), number, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return os.ErrProcessDone
	}
	if err != nil {
		return fmt.Errorf("lab: process %d: signal %v: %w", p.pid, s, err)
	}
	return nil
}

func (p *Process) finish(e Exit) {
	e.At = time.Now()
	e.Stderr = tail(p.stderr, p.from)
	p.exit = e
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pidfd != nil {
		p.pidfd.Close()
		p.pidfd = nil
	}
	close(p.done)
}

func exitOf(status syscall.WaitStatus) Exit {
	if status.Signaled() {
		return Exit{Code: -1, Signal: status.Signal().String()}
	}
	return Exit{Code: status.ExitStatus()}
}

// tail is the end of a file, from some offset on at the earliest. What cannot be read is said in its place.
func tail(path string, from int64) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err.Error()
	}
	from = max(from, size-stderrTail)
	text, err := io.ReadAll(io.NewSectionReader(f, from, size-from))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// pidOf is the number, in the /proc of the lab, of the process that a pidfd stands for; -1 if it has been reaped.
func pidOf(pidfd *os.File) int {
	info, err := os.ReadFile("/proc/self/fdinfo/" + strconv.Itoa(int(pidfd.Fd())))
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(info)) {
		if value, ok := strings.CutPrefix(line, "Pid:"); ok {
			if pid, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
				return pid
			}
		}
	}
	return -1
}
