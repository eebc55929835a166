package rabbitmq

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"
)

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
