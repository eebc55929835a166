package kafka

import (
	"crypto/tls"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"waybill/targets"
)

// firstWritten keeps the first request that is written through it.
type firstWritten struct {
	mu   sync.Mutex
	text []byte
}

type firstConn struct {
	net.Conn
	*firstWritten
}

func (f *firstWritten) wrap(c net.Conn) net.Conn { return firstConn{c, f} }

func (c firstConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	if c.text == nil {
		c.text = append(c.text, b...)
	}
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func TestConnectionsAreWrappedAboveTLS(t *testing.T) {
	cert, authority := certificate(t)
	for claim, c := range map[string]struct {
		there  []kfake.Opt
		access *targets.Access
	}{
		"without TLS": {nil, nil},
		"with it":     {[]kfake.Opt{kfake.TLS(&tls.Config{Certificates: []tls.Certificate{cert}})}, &targets.Access{TLS: true, CA: authority}},
	} {
		t.Run(claim, func(t *testing.T) {
			w := &firstWritten{}
			var nodes []targets.Node
			for _, addr := range others(t, c.there...).ListenAddrs() {
				nodes = append(nodes, targets.Node{Addr: addr})
			}
			l, err := newLink(linkOptions{name: "client", nodes: nodes, access: c.access, wrap: w.wrap})
			if err != nil {
				t.Fatal(err)
			}
			cl, err := l.open()
			if err != nil {
				t.Fatal(err)
			}
			defer cl.Close()
			if err := cl.Ping(within(t, 10*time.Second)); err != nil {
				t.Fatal(err)
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			if f, ok := parseFrame(w.text); !ok || f.key != 18 {
				t.Errorf("wrap saw %.16x first, want a request for the versions that the broker knows", w.text)
			}
		})
	}
}
