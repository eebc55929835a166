package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"waybill/harness/reexec"
)

// ErrSignalled is returned by Wait when a signal ended Program, or the lab as a whole.
var ErrSignalled = errors.New("lab: ended by a signal")

// Spec describes a lab to be started by Enter.
type Spec struct {
	Dir      string // hosts' folders and captured output go below Dir/hosts/NAME; made if absent
	Program  string // name registered with reexec that runs inside, as the child of the lab's init
	Args     []string
	FastHeal bool     // tcp_rto_max_ms=1000 and tcp_retries2=100 on every host; needs Linux 6.15
	Stdout   *os.File // default: os.Stdout
	Stderr   *os.File // default: os.Stderr
	// HostNetwork leaves the lab and its hosts on the machine's network: they reach what the machine does, share its
	// addresses and ports, and cannot be cut off or slowed down (ErrHostNetwork).
	HostNetwork bool
	Overlay     map[string]string // absolute folder → absolute folder whose content is laid over it, read only, for all in the lab
	Control     *os.File          // optional: handed to the program inside as the file Control() returns (one end of a socketpair)
}

// inside is what the lab's init and Open need to know of the Spec; it travels in a pipe, to the one and then the other.
type inside struct {
	Dir         string
	FastHeal    bool
	Overlay     map[string]string `json:",omitempty"`
	HostNetwork bool              `json:",omitempty"`
}

// Names of the files that the lab's programs inherit.
const (
	fileLifeline = "lifeline"
	fileSpec     = "lab"
	fileControl  = "control"
)

// Outside is a running lab seen from the process that started it. Its methods may be called from any goroutine.
type Outside struct {
	init *exec.Cmd
	done chan struct{}

	once sync.Once // guards Kill

	// Valid after done.
	code int
	err  error
}

// report is what the lab's init says over the lifeline: that Program runs, or how it or the setting up ended.
type report struct {
	Step   string // of setting up, that failed
	Errno  syscall.Errno
	Error  string
	Ready  bool
	Ended  bool // Program ended: with Code, or by Signal
	Code   int
	Signal string
}

// Enter starts the lab's namespaces, its init, and Program inside. It returns once Program runs, or with an error
// that names the step that the machine refused. Program's standard input is empty, and it has no terminal: Ctrl-C
// reaches only the starter. The lab lives until Program ends, Kill is called, or the starter ends, however it ends.
func Enter(s Spec) (*Outside, error) {
	dir, err := filepath.Abs(s.Dir)
	if err != nil {
		return nil, fmt.Errorf("lab: folder %q: %w", s.Dir, err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "hosts"), 0o755); err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	if s.HostNetwork && s.FastHeal {
		return nil, fmt.Errorf("lab: fast heal sets the network's timers: %w", ErrHostNetwork)
	}
	if err := checkOverlay(s.Overlay); err != nil {
		return nil, err
	}
	lifeline, theirs, err := socketpair(unix.SOCK_STREAM)
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	spec, err := specPipe(inside{Dir: dir, FastHeal: s.FastHeal, Overlay: s.Overlay, HostNetwork: s.HostNetwork})
	if err != nil {
		lifeline.Close()
		return nil, err
	}
	defer spec.Close()

	names, files := []string{fileLifeline, fileSpec}, []*os.File{theirs, spec}
	if s.Control != nil {
		names, files = append(names, fileControl), append(files, s.Control)
	}
	cmd := &exec.Cmd{
		Path:        reexec.Self,
		Args:        reexec.ArgvFiles(programInit, names, append([]string{s.Program}, s.Args...)...),
		Stdout:      orDefault(s.Stdout, os.Stdout),
		Stderr:      orDefault(s.Stderr, os.Stderr),
		ExtraFiles:  files,
		SysProcAttr: namespaces(s.HostNetwork),
	}
	cmd.SysProcAttr.Setsid = true
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL

	o := &Outside{init: cmd, done: make(chan struct{})}
	reports := json.NewDecoder(lifeline)
	started := make(chan error)
	entered := make(chan report, 1)
	go func() {
		// The kernel sends the parent-death signal when the *thread* that started the child ends:
		// so this goroutine keeps its thread until the child is gone, and then takes it along.
		runtime.LockOSThread()
		if err := cmd.Start(); err != nil {
			started <- err
			return
		}
		theirs.Close()
		started <- nil
		o.wait(lifeline, reports, entered)
	}()
	if err := <-started; err != nil {
		lifeline.Close()
		return nil, refusal("starting the namespaces", err)
	}
	if r := <-entered; !r.Ready {
		<-o.done
		if r.Step != "" {
			return nil, refusal(r.Step, r.cause())
		}
		return nil, fmt.Errorf("lab: the lab's init ended before it was ready: %w", o.err)
	}
	return o, nil
}

// wait runs until the lab has ended and records how.
func (o *Outside) wait(lifeline *os.File, reports *json.Decoder, entered chan<- report) {
	defer close(o.done)
	defer lifeline.Close()
	var first, last report
	_ = reports.Decode(&first) // an init that ends without a word is told from its status below
	entered <- first
	if first.Ready {
		_ = reports.Decode(&last)
	}
	err := o.init.Wait()
	switch {
	case last.Ended && last.Signal == "":
		o.code = last.Code
	case last.Ended:
		o.code, o.err = -1, fmt.Errorf("%w: the program inside: %s", ErrSignalled, last.Signal)
	case err == nil:
		o.code, o.err = -1, io.ErrUnexpectedEOF
	default:
		o.code, o.err = -1, fmt.Errorf("%w: the lab's init: %w", ErrSignalled, err)
	}
}

// Wait returns the exit code of Program once everything in the lab has ended. If Program, or the whole lab, was
// ended by a signal, the code is -1 and the error is ErrSignalled. It may be called more than once.
func (o *Outside) Wait() (code int, err error) {
	<-o.done
	return o.code, o.err
}

// Kill ends everything in the lab at once and returns when it has ended. Idempotent.
func (o *Outside) Kill() {
	o.once.Do(func() { _ = o.init.Process.Kill() }) // an error means that it has ended already
	<-o.done
}

// cause is the failure that an init reported, as an error that errors.Is can look into.
func (r report) cause() error {
	if r.Errno != 0 {
		return r.Errno
	}
	return errors.New(r.Error)
}

// refusal says which step the machine did not permit and where to read what would permit it.
func refusal(step string, err error) error {
	return fmt.Errorf("lab: this machine does not permit a lab: %s: %w (\"waybill doctor\" says what would permit it)", step, err)
}

// specPipe is a pipe that holds in, ready to be inherited.
func specPipe(in inside) (*os.File, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer w.Close()
	if err := json.NewEncoder(w).Encode(in); err != nil {
		r.Close()
		return nil, fmt.Errorf("lab: %w", err)
	}
	return r, nil
}

func orDefault(f, d *os.File) *os.File {
	if f != nil {
		return f
	}
	return d
}
