package frames

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrProxyGone is returned when the other end of a proxy's control socket has closed: the process has ended.
var ErrProxyGone = errors.New("frames: the proxy has ended")

// ProxyControl is our end of a proxy's control socket, such as lab.Process.Control gives.
type ProxyControl interface {
	io.ReadWriteCloser
	SetWriteDeadline(time.Time) error
}

// Remote is a proxy in another process. Its methods may be called from any goroutine.
type Remote struct {
	close   func() error // of control, once
	control ProxyControl
	hit     func(Hit)
	refused func(Refusal)
	ready   chan report   // gets one
	gone    chan struct{} // closed when the other end has
	mu      sync.Mutex    // also keeps orders whole
	last    uint64
	waiting map[uint64]chan report
}

// Connect configures the proxy at the other end of control, which it owns from then on, and returns when the proxy accepts connections.
// hit is told of each frame to which something is done, before it is done; refused of each reason for which connections are refused,
// once. They are called one after the other, in an order that answers to orders keep, and must not call the Remote.
func Connect(ctx context.Context, control ProxyControl, cfg ProxyConfig, hit func(Hit), refused func(Refusal)) (*Remote, error) {
	r := &Remote{
		close: sync.OnceValue(control.Close), control: control, hit: hit, refused: refused,
		ready: make(chan report, 1), gone: make(chan struct{}), waiting: map[uint64]chan report{},
	}
	go r.listen()
	err := r.write(ctx, order{Config: &cfg})
	if err == nil {
		_, err = await(ctx, r.ready, r.gone)
	}
	if err != nil {
		r.close() //nolint:errcheck // why it is closed is told
		return nil, fmt.Errorf("frames: starting the proxy: %w", err)
	}
	return r, nil
}

// listen hands on what the proxy says, until it ends.
func (r *Remote) listen() {
	defer close(r.gone)
	defer r.close() //nolint:errcheck // nothing more is said
	for reports := json.NewDecoder(r.control); ; {
		var said report
		if err := reports.Decode(&said); err != nil {
			return
		}
		switch {
		case said.Hit != nil:
			r.hit(*said.Hit)
		case said.Refused != nil:
			r.refused(*said.Refused)
		case said.ID == 0:
			select {
			case r.ready <- said:
			default: // said twice
			}
		default:
			r.mu.Lock()
			if answer := r.waiting[said.ID]; answer != nil {
				answer <- said
				delete(r.waiting, said.ID)
			}
			r.mu.Unlock()
		}
	}
}

// Set replaces the rules, and returns when they are in force; none lets everything pass. The hits of rules that it replaced are
// reported before it returns, but for those that were being decided meanwhile.
func (r *Remote) Set(ctx context.Context, rules []Rule) error {
	if _, err := r.order(ctx, order{Set: true, Rules: rules}); err != nil {
		return fmt.Errorf("frames: setting the proxy's rules: %w", err)
	}
	return nil
}

// Lost is Filter.Lost of the proxy's filter.
func (r *Remote) Lost(ctx context.Context) (int, error) {
	answer, err := r.order(ctx, order{})
	if err != nil {
		return 0, fmt.Errorf("frames: asking the proxy: %w", err)
	}
	return answer.Lost, nil
}

// order gives an order and waits for its answer.
func (r *Remote) order(ctx context.Context, o order) (report, error) {
	answer := make(chan report, 1)
	r.mu.Lock()
	r.last++
	o.ID = r.last
	r.waiting[o.ID] = answer
	r.mu.Unlock()
	said, err := report{}, r.write(ctx, o)
	if err == nil {
		said, err = await(ctx, answer, r.gone)
	}
	if err != nil {
		r.mu.Lock()
		delete(r.waiting, o.ID)
		r.mu.Unlock()
	}
	return said, err
}

// Close ends the proxy, and with it every connection that it carries. A second time it says what it said.
func (r *Remote) Close() error {
	err := r.close()
	<-r.gone
	return err
}

// writeWithin is how long a proxy may leave an order in its socket when the buffer is full.
const writeWithin = 5 * time.Second

// write writes a whole line. A proxy that is stopped reads nothing, and behind half a line nothing can be said: that ends it.
func (r *Remote) write(ctx context.Context, o order) error {
	line, err := json.Marshal(o)
	if err != nil {
		return err
	}
	until := time.Now().Add(writeWithin)
	if d, ok := ctx.Deadline(); ok && d.Before(until) {
		until = d
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	err = r.control.SetWriteDeadline(until)
	if err == nil {
		_, err = r.control.Write(append(line, '\n'))
	}
	if err != nil {
		r.close() //nolint:errcheck // the error that matters is told
		return fmt.Errorf("%w: %w", ErrProxyGone, err)
	}
	return nil
}

// await waits for what the proxy says. An error that it says is one.
func await(ctx context.Context, answer <-chan report, gone <-chan struct{}) (report, error) {
	var said report
	select {
	case said = <-answer:
	case <-gone:
		select {
		case said = <-answer: // its last words
		default:
			return report{}, ErrProxyGone
		}
	case <-ctx.Done():
		return report{}, ctx.Err()
	}
	if said.Error != "" {
		return said, errors.New(said.Error)
	}
	return said, nil
}
