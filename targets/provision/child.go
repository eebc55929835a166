package provision

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Child is a program that runs outside of any lab, while something is provisioned. It ends with this process, however
// that ends: by the parent-death signal, which goes by the thread that started it, so that thread is kept. Its methods may be called
// from any goroutine.
type Child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // after done

	mu   sync.Mutex
	last []string // lines of its output
}

// lastLines are kept of what a child prints.
const lastLines = 40

// Start starts a program in the folder dir ("": this process's own), with env beside this process's environment. Each line of its output
// goes to each as well, if that is not nil, from another goroutine. It is killed when ctx ends.
func Start(ctx context.Context, dir, path string, args, env []string, each func(line string)) (*Child, error) {
	c := &Child{cmd: exec.CommandContext(ctx, path, args...), done: make(chan struct{})}
	c.cmd.Dir = dir
	c.cmd.Env = append(c.cmd.Environ(), env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	c.cmd.WaitDelay = time.Second
	output, input := io.Pipe()
	c.cmd.Stdout, c.cmd.Stderr = input, input
	started, read := make(chan error), make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			c.keep(lines.Text())
			if each != nil {
				each(lines.Text())
			}
		}
		io.Copy(io.Discard, output) // a line too long for the scanner
	}()
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := c.cmd.Start()
		started <- err
		if err == nil {
			c.err = c.cmd.Wait()
		}
		input.Close()
		<-read
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	return c, nil
}

func (c *Child) keep(line string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last = append(c.last, line); len(c.last) > lastLines {
		c.last = c.last[1:]
	}
}

// Words are the last lines that the program printed.
func (c *Child) Words() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.last, "\n")
}

// Done is closed when the program has ended and all that it printed has been read.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err is how the program ended: nil with exit code 0. It waits until then.
func (c *Child) Err() error {
	<-c.done
	return c.err
}

// Why is how the program ended and what it last said, for people. It waits until then.
func (c *Child) Why() string { return fmt.Sprintf("%v, last words:\n%s", c.Err(), c.Words()) }

// End asks the program to end, and waits until it has; with its patience at an end it kills it.
func (c *Child) End(patience time.Duration) {
	c.cmd.Process.Signal(syscall.SIGTERM) // an error is one that has ended
	select {
	case <-c.done:
	case <-time.After(patience):
		c.cmd.Process.Kill()
		<-c.done
	}
}
