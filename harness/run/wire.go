package run

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

// request is an order over a control socket; reply is its answer. Both travel as JSON lines.
type request struct {
	ID   uint64          `json:"id"`
	Op   string          `json:"op"`
	Body json.RawMessage `json:"body,omitempty"`
}

type reply struct {
	ID    uint64          `json:"id"`
	Error string          `json:"error,omitempty"`
	Body  json.RawMessage `json:"body,omitempty"`
}

// errGone says that the other end of a control socket has closed: the process has ended.
var errGone = errors.New("run: the worker has ended")

// control is a control socket.
type control interface {
	io.ReadWriteCloser
	SetWriteDeadline(time.Time) error
}

// caller is the ordering end of a control socket. Its methods may be called from any goroutine.
type caller struct {
	mu      sync.Mutex
	conn    control
	next    uint64
	waiting map[uint64]chan reply
	gone    bool
}

func newCaller(conn control) *caller {
	c := &caller{conn: conn, waiting: map[uint64]chan reply{}}
	go c.listen()
	return c
}

func (c *caller) listen() {
	d := json.NewDecoder(bufio.NewReader(c.conn))
	for {
		var r reply
		err := d.Decode(&r)
		c.mu.Lock()
		if err != nil {
			c.gone = true
			for _, w := range c.waiting {
				close(w)
			}
			c.waiting = nil
			c.mu.Unlock()
			c.conn.Close()
			return
		}
		if w, ok := c.waiting[r.ID]; ok {
			delete(c.waiting, r.ID)
			w <- r
		}
		c.mu.Unlock()
	}
}

// call gives an order and waits for its answer, which is decoded into result unless that is nil.
func (c *caller) call(ctx context.Context, op string, body, result any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("run: %s: %w", op, err)
	}
	answer := make(chan reply, 1)
	c.mu.Lock()
	if c.gone {
		c.mu.Unlock()
		return errGone
	}
	c.next++
	id := c.next
	c.waiting[id] = answer
	line, err := json.Marshal(request{ID: id, Op: op, Body: raw})
	if err == nil {
		err = c.write(ctx, append(line, '\n'))
	}
	if err != nil {
		delete(c.waiting, id)
	}
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("run: %s: %w", op, err)
	}
	select {
	case <-ctx.Done():
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
		return fmt.Errorf("run: %s: %w", op, ctx.Err())
	case r, ok := <-answer:
		switch {
		case !ok:
			return errGone
		case r.Error != "":
			return fmt.Errorf("run: %s: %s", op, r.Error)
		case result != nil:
			return json.Unmarshal(r.Body, result)
		}
		return nil
	}
}

// writeWithin is how long a worker may leave an order in its socket when the buffer is full.
const writeWithin = 5 * time.Second

// write writes a whole line; the caller holds mu. A worker that is stopped reads nothing, and once the buffer is full would hold up all
// other orders to it, and their answers. Behind half a line nothing can be said any more: that ends the connection.
func (c *caller) write(ctx context.Context, line []byte) error {
	until := time.Now().Add(writeWithin)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	err := c.conn.SetWriteDeadline(until)
	n := 0
	if err == nil {
		n, err = c.conn.Write(line)
	}
	switch {
	case err == nil:
		return nil
	case n == 0 && errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the worker does not read its orders: %w", err)
	}
	c.conn.Close()
	return fmt.Errorf("%w: %w", errGone, err) // noticed here before listen does
}

// serve answers orders until the other end closes. Each is handled in a goroutine of its own, so that a long scan does not hold back a stop.
func serve(ctx context.Context, conn io.ReadWriter, handle func(ctx context.Context, op string, body json.RawMessage) (any, error)) error {
	var mu sync.Mutex
	d := json.NewDecoder(bufio.NewReader(conn))
	for {
		var q request
		if err := d.Decode(&q); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return fmt.Errorf("run: control: %w", err)
		}
		go func() {
			result, err := handle(ctx, q.Op, q.Body)
			r := reply{ID: q.ID}
			if err == nil {
				r.Body, err = json.Marshal(result)
			}
			if err != nil {
				r.Error = err.Error()
			}
			line, err := json.Marshal(r)
			if err != nil {
				return // a reply is made of strings and valid JSON
			}
			mu.Lock()
			defer mu.Unlock()
			conn.Write(append(line, '\n')) // a closed socket shows in the next Decode
		}()
	}
}
