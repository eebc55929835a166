package nats

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// link is one role's connection to the cluster. It reconnects for ever, to the node it is pinned on if it is.
type link struct {
	nc    *nats.Conn
	nodes []targets.Node

	pinned atomic.Pointer[string] // address every dial goes to, whatever the library asked for
	dialed atomic.Pointer[string] // address of the newest connection
	// epoch counts connections that ended. A request written under an older epoch may never be answered.
	epoch atomic.Uint64
	ended chan struct{} // told, without blocking, when epoch grew

	connected func(open bool, addr, why string)
	wrap      func(net.Conn) net.Conn // as in targets.ClientConfig
	tls       *tls.Config             // where the dialer sees to it, for wrap; nil: the library does, or nobody
}

// dialOptions choose what differs between a worker's connection and the harness's.
type dialOptions struct {
	name      string
	user      string // "" is the application's account
	password  string
	tls       *tls.Config // nil: not encrypted
	first     int         // index of the node to try first
	connected func(open bool, addr, why string)
	wrap      func(net.Conn) net.Conn // nil: nothing is put around connections
	atOnce    bool                    // or not at all
}

// open starts connecting and returns at once: a cluster that is down now is connected to later, unless o says at once.
func open(nodes []targets.Node, o dialOptions) (*link, error) {
	if len(nodes) == 0 {
		return nil, errors.New("nats: no nodes to connect to")
	}
	l := &link{nodes: nodes, ended: make(chan struct{}, 1), connected: o.connected, wrap: o.wrap}
	if l.connected == nil {
		l.connected = func(bool, string, string) {}
	}
	opts := nats.GetDefaultOptions()
	opts.Name = o.name
	for i := range nodes {
		opts.Servers = append(opts.Servers, "nats://"+nodes[(i+o.first)%len(nodes)].Addr)
	}
	opts.NoRandomize = true
	opts.IgnoreDiscoveredServers = true
	opts.AllowReconnect = true
	opts.MaxReconnect = -1
	opts.ReconnectWait = reconnectWait
	opts.ReconnectJitter = reconnectRand
	opts.RetryOnFailedConnect = !o.atOnce
	opts.ReconnectBufSize = -1 // a publish without a connection fails before a byte is kept: certainly rejected
	opts.ReconnectOnFlusherError = true
	opts.FlusherTimeout = writeTimeout // the library holds its lock while it writes: the default of a minute would stop everything
	opts.PingInterval = clientPing
	opts.MaxPingsOut = clientPingOut
	opts.Timeout = dialTimeout
	opts.CustomDialer = l
	opts.SubChanLen = heldByClient
	opts.User, opts.Password = o.user, o.password
	opts.Secure, opts.TLSConfig = o.tls != nil, o.tls
	if o.wrap != nil && o.tls != nil {
		l.tls = o.tls
		opts.SkipHostLookup = true // the name is what the certificate is for
	}

	// Callbacks come from one goroutine of the library, in order.
	var addr string
	up := func(*nats.Conn) {
		addr = *l.dialed.Load()
		l.connected(true, addr, "")
	}
	opts.ConnectedCB = up
	opts.ReconnectedCB = up
	opts.DisconnectedErrCB = func(_ *nats.Conn, err error) {
		why := "closed"
		if err != nil {
			why = err.Error()
		}
		l.connected(false, addr, why)
	}
	opts.AsyncErrorCB = func(*nats.Conn, *nats.Subscription, error) {} // slow consumers are asked for by the roles; the rest shows as a lost connection

	nc, err := opts.Connect()
	if err != nil {
		return nil, fmt.Errorf("nats: connect to %s: %w", nodes[o.first%len(nodes)].Addr, err)
	}
	l.nc = nc
	return l, nil
}

// Dial implements the library's CustomDialer.
func (l *link) Dial(network, addr string) (net.Conn, error) {
	if p := l.pinned.Load(); p != nil {
		addr = *p
	}
	c, err := (&net.Dialer{Timeout: dialTimeout}).Dial(network, addr)
	if err != nil {
		return nil, err
	}
	if l.tls != nil {
		if c, err = secure(c, addr, l.tls); err != nil {
			return nil, err
		}
	}
	if l.wrap != nil {
		c = l.wrap(c)
	}
	l.dialed.Store(&addr)
	return &watched{Conn: c, link: l}, nil
}

// watched tells its link, at the moment the library gives a connection up, that what was written on it may be lost.
// The library's own callback comes later, from another goroutine, when the next connection may already be in use.
type watched struct {
	net.Conn
	link *link
	once sync.Once
}

func (w *watched) Close() error {
	w.once.Do(func() {
		w.link.epoch.Add(1)
		select {
		case w.link.ended <- struct{}{}:
		default:
		}
	})
	return w.Conn.Close()
}

// Pin implements targets.Pinner: it reconnects to node and returns when connected there, or when ctx ends. "" frees it
// without reconnecting.
func (l *link) Pin(ctx context.Context, node string) error {
	if node == "" {
		l.pinned.Store(nil)
		return nil
	}
	for _, n := range l.nodes {
		if n.Name != node {
			continue
		}
		l.pinned.Store(&n.Addr)
		if l.nc.IsConnected() && *l.dialed.Load() == n.Addr {
			return nil
		}
		if err := l.nc.ForceReconnect(); err != nil {
			return fmt.Errorf("nats: pin to %s: %w", node, err)
		}
		return l.until(ctx, "pinned to "+node, func() bool { return l.nc.IsConnected() && *l.dialed.Load() == n.Addr })
	}
	return fmt.Errorf("nats: pin to %q: no such node among %v", node, l.nodes)
}

func (l *link) until(ctx context.Context, what string, holds func() bool) error {
	t := time.NewTicker(20 * time.Millisecond)
	defer t.Stop()
	for !holds() {
		select {
		case <-t.C:
		case <-ctx.Done():
			return fmt.Errorf("nats: waiting to be %s: %w", what, ctx.Err())
		}
	}
	return nil
}

func (l *link) close() { l.nc.Close() }
