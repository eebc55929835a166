package rabbitmq

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// askerSource is the Erlang program that asks the brokers.
//
//go:embed asker.erl
var askerSource []byte

// askTimeout is the longest that one node may take to answer one question.
const askTimeout = 3 * time.Second

// Answers that callers branch on.
var (
	errNotFound = errors.New("rabbitmq: no such queue")
	errNodeDown = errors.New("rabbitmq: the node's Erlang cannot be reached")
	errTimeout  = errors.New("rabbitmq: no answer in time")
)

// asker puts questions to the brokers' nodes over Erlang's distribution, as rabbitmqctl does, but by one long-lived
// hidden node: rabbitmqctl takes a second of processor time for each question. It works where the cookie is known and the
// distribution's ports can be reached: on brokers which the harness started. Its methods may be called from any goroutine.
type asker struct {
	in     io.WriteCloser
	dir    string // holds the compiled program
	ended  chan struct{}
	stderr *tail
	wait   func() error
	kill   func() error

	mu      sync.Mutex
	next    uint64
	pending map[uint64]chan answer
	err     error // why it has ended
}

// answer is one line of the asker's output.
type answer struct {
	ID    uint64          `json:"id"`
	OK    json.RawMessage `json:"ok"`
	Error *string         `json:"error"`
}

// newAsker starts an Erlang node on this host that can reach the broker at address peer.
func newAsker(ctx context.Context, peer string) (*asker, error) {
	program, err := erl()
	if err != nil {
		return nil, err
	}
	local, err := localAddress(peer)
	if err != nil {
		return nil, err
	}
	a := &asker{ended: make(chan struct{}), stderr: &tail{}, pending: map[uint64]chan answer{}}
	if a.dir, err = os.MkdirTemp("", "waybill-asker-"); err != nil {
		return nil, fmt.Errorf("rabbitmq: asker: %w", err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "asker.erl"), askerSource, 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	c := exec.Command(program, askerArguments(filepath.Base(a.dir)+"@"+local)...)
	c.Dir = a.dir
	c.Env = []string{"HOME=" + a.dir, "PATH=" + searchPath(), "LANG=C.UTF-8", "ERL_CRASH_DUMP=" + os.DevNull}
	c.Stderr = a.stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	a.in, a.wait, a.kill = in, c.Wait, c.Process.Kill
	go a.read(out)
	if err := a.ready(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// askerArguments start the program in the folder it lies in. The tick must be the brokers' own; a hidden node is no member
// of the cluster and connects nobody to anybody.
func askerArguments(name string) []string {
	return []string{"-noshell", "-noinput", "-hidden", "-name", name, "-setcookie", cookie,
		"-kernel", "net_ticktime", strconv.Itoa(int(netTick.Seconds())), "net_setuptime", "3", "prevent_overlapping_partitions", "false",
		"+S", "1:1", "+SDcpu", "1:1", "+SDio", "1", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
		"-eval", `case compile:file("asker.erl", [report]) of {ok, _} -> asker:start(); _ -> halt(3) end.`}
}

// localAddress is the address that this host is seen by from peer's network. Nothing is sent.
func localAddress(peer string) (string, error) {
	c, err := net.Dial("udp4", net.JoinHostPort(peer, strconv.Itoa(distPort)))
	if err != nil {
		return "", fmt.Errorf("rabbitmq: asker: which address reaches %s: %w", peer, err)
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		return "", fmt.Errorf("rabbitmq: asker: %w", err)
	}
	return host, nil
}

// ready waits until the program answers: a question of no node, which it refuses.
func (a *asker) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := a.askFor(ctx, 20*time.Second, "none@127.0.0.1", nil, "hello")
	if errors.Is(err, errRefused) {
		return nil
	}
	return fmt.Errorf("rabbitmq: the asking Erlang node does not start: %w", err)
}

var errRefused = errors.New("rabbitmq: the asker does not know this question")

// ask puts a question to the node at addr and decodes the answer into, unless that is nil.
func (a *asker) ask(ctx context.Context, addr string, into any, question ...string) error {
	return a.askFor(ctx, askTimeout, erlangNode(addr), into, question...)
}

func (a *asker) askFor(ctx context.Context, timeout time.Duration, node string, into any, question ...string) error {
	fields := append([]string{strconv.FormatInt(timeout.Milliseconds(), 10), node}, question...)
	for _, f := range fields {
		if strings.ContainsAny(f, "\t\r\n") {
			return fmt.Errorf("rabbitmq: question %q: %q is more than one field of one line", question, f)
		}
	}
	// The asker keeps the time; this is for when it is itself slow or stopped.
	ctx, cancel := context.WithTimeout(ctx, timeout+2*time.Second)
	defer cancel()
	id, got, err := a.send(strings.Join(fields, "\t"))
	if err != nil {
		return err
	}
	defer a.forget(id)
	select {
	case r := <-got:
		return r.decode(node, question[0], into)
	case <-a.ended:
		return a.why()
	case <-ctx.Done():
		return fmt.Errorf("%w: %s of %s: %w", errTimeout, question[0], node, ctx.Err())
	}
}

func (a *asker) send(line string) (uint64, <-chan answer, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return 0, nil, a.err
	}
	a.next++
	got := make(chan answer, 1)
	a.pending[a.next] = got
	if _, err := fmt.Fprintf(a.in, "%d\t%s\n", a.next, line); err != nil {
		delete(a.pending, a.next)
		return 0, nil, fmt.Errorf("rabbitmq: asker: %w", err)
	}
	return a.next, got, nil
}

func (a *asker) forget(id uint64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.pending, id)
}

// decode turns an answer into a value or an error.
func (r answer) decode(node, question string, into any) error {
	if r.Error != nil {
		return fmt.Errorf("%w: %s of %s: %s", sentinel(*r.Error), question, node, *r.Error)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(r.OK, into); err != nil {
		return fmt.Errorf("rabbitmq: %s of %s: %q: %w", question, node, r.OK, err)
	}
	return nil
}

var errAnswer = errors.New("rabbitmq: the node answered with an error")

func sentinel(text string) error {
	switch {
	case text == "not_found":
		return errNotFound
	case text == "nodedown":
		return errNodeDown
	case text == "timeout":
		return errTimeout
	case strings.HasPrefix(text, "{no_such_question"):
		return errRefused
	}
	return errAnswer
}

// read hands answers out until the program ends.
func (a *asker) read(out io.Reader) {
	err := eachAnswer(out, func(r answer) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if got, ok := a.pending[r.ID]; ok {
			delete(a.pending, r.ID)
			got <- r
		}
	})
	err = errors.Join(err, a.wait())
	a.mu.Lock()
	a.err = fmt.Errorf("rabbitmq: the asking Erlang node has ended: %w: %s", errors.Join(io.EOF, err), a.stderr.text())
	a.mu.Unlock()
	close(a.ended)
}

func (a *asker) why() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// eachAnswer reads lines of answers. Lines that are none, such as a report of Erlang's own, are passed over.
func eachAnswer(out io.Reader, each func(answer)) error {
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var a answer
		if json.Unmarshal(line, &a) == nil && a.ID != 0 && (a.Error != nil) != (a.OK != nil) {
			each(a)
		}
	}
}

// Close ends the Erlang node, by the end of its input, and by force if that does not do.
func (a *asker) Close() error {
	err := a.in.Close()
	select {
	case <-a.ended:
	case <-time.After(2 * time.Second):
		err = errors.Join(err, a.kill())
		<-a.ended
	}
	return errors.Join(err, os.RemoveAll(a.dir))
}

// tail keeps the last that was written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailSize = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if over := len(t.last) - tailSize; over > 0 {
		t.last = append([]byte(nil), t.last[over:]...)
	}
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}
