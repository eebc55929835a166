package run

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"waybill/harness/lab"
)

type handler func(ctx context.Context, op string, body json.RawMessage) (any, error)

// wired is an ordering end and a serving one over a socket pair.
type wired struct {
	*caller
	ours, theirs net.Conn
	served       chan error // how serve ended
}

func wire(t *testing.T, h handler) *wired {
	t.Helper()
	left, right, err := lab.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := conn(t, left), conn(t, right)
	w := &wired{newCaller(ours), ours, theirs, make(chan error, 1)}
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	go func() { w.served <- serve(context.Background(), theirs, h) }()
	return w
}

// conn is f as something whose Close ends a Read, as the end of a process does at the other end.
func conn(t *testing.T, f *os.File) net.Conn {
	t.Helper()
	c, err := net.FileConn(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	return c
}

// eventually waits for something that another goroutine sends.
func eventually[T any](t *testing.T, what string, c <-chan T) (x T) {
	t.Helper()
	select {
	case x = <-c:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: nothing within 10 s", what)
	}
	return x
}

func TestOrdersGivenSideBySideGetTheirOwnAnswers(t *testing.T) {
	w := wire(t, func(_ context.Context, op string, body json.RawMessage) (any, error) {
		var n int
		if err := json.Unmarshal(body, &n); err != nil {
			return nil, err
		}
		if n%3 == 0 {
			return nil, fmt.Errorf("%s of %d: no multiple of three", op, n)
		}
		return strings.Repeat(fmt.Sprint(n, " "), n), nil
	})
	var all sync.WaitGroup
	for n := 1; n <= 200; n++ {
		all.Go(func() {
			var got string
			err := w.call(context.Background(), "repeat", n, &got)
			if n%3 == 0 {
				if want := fmt.Sprintf("run: repeat: repeat of %d: no multiple of three", n); err == nil || err.Error() != want {
					t.Errorf("%d: error %v, want %q", n, err, want)
				}
			} else if want := strings.Repeat(fmt.Sprint(n, " "), n); err != nil || got != want {
				t.Errorf("%d: %.40q, %v, want %.40q", n, got, err, want)
			}
		})
	}
	all.Wait()
	if len(w.waiting) != 0 {
		t.Errorf("%d calls are still waiting", len(w.waiting))
	}
}

func TestALongOrderHoldsBackNoOther(t *testing.T) {
	release := make(chan struct{})
	w := wire(t, func(_ context.Context, op string, _ json.RawMessage) (any, error) {
		if op == "scan" {
			<-release
		}
		return op, nil
	})
	scanned := make(chan error, 1)
	go func() { scanned <- w.call(context.Background(), "scan", nil, nil) }()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	var got string
	if err := w.call(ctx, "stop", nil, &got); err != nil || got != "stop" {
		t.Errorf("%q, %v", got, err)
	}
	select {
	case err := <-scanned:
		t.Errorf("the scan has an answer before it ended: %v", err)
	default:
	}
	close(release)
	if err := eventually(t, "the scan", scanned); err != nil {
		t.Error(err)
	}
}

func TestTheEndOfAWorkerAnswersEveryOrder(t *testing.T) {
	begun := make(chan struct{}, 10)
	w := wire(t, func(ctx context.Context, _ string, _ json.RawMessage) (any, error) {
		begun <- struct{}{}
		select {}
	})
	answers := make(chan error, 10)
	for range 10 {
		go func() { answers <- w.call(context.Background(), "depth", nil, nil) }()
	}
	for range 10 {
		eventually(t, "an order at the worker", begun)
	}
	w.theirs.Close()
	for range 10 {
		if err := eventually(t, "an answer", answers); !errors.Is(err, errGone) {
			t.Errorf("an order that was under way: %v, want %v", err, errGone)
		}
	}
	for range 100 {
		if err := w.call(context.Background(), "depth", nil, nil); !errors.Is(err, errGone) {
			t.Fatalf("an order after the end: %v, want %v", err, errGone)
		}
	}
	eventually(t, "the end of serve", w.served)
}

// halfGone is a connection whose other end has gone, which so far only a Write notices.
type halfGone struct{ closed chan struct{} }

func (h halfGone) Read([]byte) (int, error)  { <-h.closed; return 0, io.EOF }
func (h halfGone) Write([]byte) (int, error) { return 0, syscall.EPIPE }
func (h halfGone) Close() error              { return nil }

func (halfGone) SetWriteDeadline(time.Time) error { return nil }

// Whichever of writing and reading notices the end first, it is the end.
func TestAnOrderThatCannotBeWrittenFindsTheWorkerGone(t *testing.T) {
	h := halfGone{make(chan struct{})}
	defer close(h.closed)
	c := newCaller(h)
	if err := c.call(context.Background(), "pause", nil, nil); !errors.Is(err, errGone) || !errors.Is(err, syscall.EPIPE) {
		t.Errorf("%v, want %v and why", err, errGone)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) != 0 {
		t.Errorf("%d orders wait for an answer that cannot come", len(c.waiting))
	}
}

func TestAnOrderEndsWithItsContextAndALateAnswerHarmsNoOther(t *testing.T) {
	release := make(chan struct{})
	w := wire(t, func(_ context.Context, op string, _ json.RawMessage) (any, error) {
		if op == "slow" {
			<-release
		}
		return op, nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := w.call(ctx, "slow", nil, nil); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "slow") {
		t.Errorf("error %v, want the deadline and the order", err)
	}
	close(release)
	for range 50 {
		var got string
		if err := w.call(context.Background(), "fast", nil, &got); err != nil || got != "fast" {
			t.Fatalf("%q, %v: the answer to another order", got, err)
		}
	}
}

// A stopped worker reads nothing: whoever orders is told when the buffer is full, and does not wait for ever.
func TestAnOrderThatNobodyReadsEndsWithItsContext(t *testing.T) {
	left, right, err := lab.ControlPair()
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := conn(t, left), conn(t, right)
	defer theirs.Close()
	defer ours.Close()
	c := newCaller(ours)
	body := strings.Repeat("x", 1<<10)
	for range 1 << 12 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		err := c.call(ctx, "order", body, nil)
		cancel()
		if took := time.Since(began); err == nil || took > writeWithin {
			t.Fatalf("after %v: %v, want an error soon", took, err)
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, errGone) {
				t.Fatal(err)
			}
			return // the buffer is full
		}
	}
	t.Error("the buffer is never full")
}

func TestAWorkerEndsWhenItsControllerDoes(t *testing.T) {
	w := wire(t, func(context.Context, string, json.RawMessage) (any, error) { return nil, nil })
	w.ours.Close()
	if err := eventually(t, "the end of serve", w.served); err != nil {
		t.Errorf("the end of the controller is no error: %v", err)
	}
	w = wire(t, func(context.Context, string, json.RawMessage) (any, error) { return nil, nil })
	if _, err := io.WriteString(w.ours, "interrupt\n"); err != nil {
		t.Fatal(err)
	}
	if err := eventually(t, "the end of serve", w.served); err == nil || !strings.Contains(err.Error(), "run: control") {
		t.Errorf("what is no order: %v", err)
	}
}

func TestWhatCannotBeEncodedOrDecodedIsAnError(t *testing.T) {
	w := wire(t, func(_ context.Context, op string, _ json.RawMessage) (any, error) {
		if op == "bad answer" {
			return make(chan int), nil
		}
		return "text", nil
	})
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := w.call(ctx, "bad answer", nil, nil); err == nil || !strings.Contains(err.Error(), "unsupported type") {
		t.Errorf("an answer that is no JSON: %v", err)
	}
	if err := w.call(ctx, "bad order", make(chan int), nil); err == nil || !strings.Contains(err.Error(), "unsupported type") {
		t.Errorf("an order that is no JSON: %v", err)
	}
	var n int
	if err := w.call(ctx, "depth", nil, &n); err == nil {
		t.Errorf("text for a number: %d", n)
	}
	if err := w.call(ctx, "depth", nil, nil); err != nil {
		t.Errorf("after all that: %v", err)
	}
}
