package frames

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// dialPatience is how long a broker that does not answer is tried: the client, which has its connection already, waits for it. A kernel
// alone would take two minutes.
const dialPatience = 5 * time.Second

// Proxy puts a filter around the connections of a client that is not ours and knows nothing of it. The client's host redirects what it
// dials to the proxy, which asks the kernel whom it was meant for, dials that in the client's place, and passes on bytes, and the end
// of each direction, and deaths, as they come. It keeps no connection that an end has given up, answers nothing itself, and reads no
// frame: that is the filter's. It does not make the redirect either.
//
// Two things differ from a client alone: its connection is open before the broker has answered, so that a refusal is a reset; and what
// it has sent is acknowledged, as far as TCP is concerned, by the proxy.
type Proxy struct {
	filter  *Filter
	mark    uint32
	refused func(Refusal)

	mu   sync.Mutex
	told map[string]bool // reasons of refusals

	meantFor func(*net.TCPConn) (netip.AddrPort, error)
}

// Refusal says why the proxy closed a client's connection instead of passing it on.
type Refusal struct {
	Addr string `json:"addr"` // whom it was meant for
	Why  string `json:"why"`
}

// Reasons of a refusal.
const (
	// WhyEncrypted: a filter without the keys understands no frame, and what passes unfiltered would be taken for kept.
	WhyEncrypted = "the connection is encrypted: the proxy sees no frames; filter in the client's own dialer, above TLS, or let it connect without"
	// WhyDirect: a proxy that dialled itself would do so without end.
	WhyDirect = "the connection was made to the proxy's own port: it passes on only what was redirected to it"
)

// NewProxy makes a proxy whose own connections bear mark (SO_MARK), which the redirect lets through. refused is told of each reason of
// a refusal once, from any goroutine.
func NewProxy(f *Filter, mark uint32, refused func(Refusal)) *Proxy {
	return &Proxy{filter: f, mark: mark, refused: refused, told: map[string]bool{}, meantFor: originalDestination}
}

// Serve passes on what l accepts until ctx ends, then resets what is open and returns nil. It closes l.
func (p *Proxy) Serve(ctx context.Context, l *net.TCPListener) error {
	defer l.Close()
	deaths, err := watchDeaths()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var carried sync.WaitGroup
	defer func() {
		cancel()
		carried.Wait()
		deaths.close()
	}()
	defer context.AfterFunc(ctx, func() { l.Close() })()
	for {
		client, err := l.AcceptTCP()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				reset(client)
			}
			return nil
		case err != nil:
			return fmt.Errorf("frames: proxy: %w", err)
		}
		carried.Go(func() { p.carry(ctx, client, deaths) })
	}
}

// carry is one connection from its first byte to its end.
func (p *Proxy) carry(ctx context.Context, client *net.TCPConn, deaths *deaths) {
	meant, err := p.meantFor(client)
	if err != nil || meant == client.LocalAddr().(*net.TCPAddr).AddrPort() {
		p.refuse(client.LocalAddr().String(), WhyDirect)
		reset(client)
		return
	}
	dialer := net.Dialer{Timeout: dialPatience, Control: marking(p.mark)}
	broker, err := dialer.DialContext(ctx, "tcp4", meant.String())
	if err != nil {
		reset(client) // what it would have been told by the other end, or found out by waiting
		return
	}
	c := &carriage{client: client, broker: broker.(*net.TCPConn), framed: p.filter.Wrap(broker)}
	defer context.AfterFunc(ctx, c.resetBoth)()
	defer deaths.watch(client, c.clientDied)()
	defer deaths.watch(c.broker, c.brokerDied)()
	if err := c.carry(); errors.Is(err, errEncrypted) {
		p.refuse(meant.String(), WhyEncrypted)
	}
}

// refuse tells of a reason the first time that it is one.
func (p *Proxy) refuse(addr, why string) {
	p.mu.Lock()
	first := !p.told[why]
	p.told[why] = true
	p.mu.Unlock()
	if first {
		p.refused(Refusal{Addr: addr, Why: why})
	}
}
