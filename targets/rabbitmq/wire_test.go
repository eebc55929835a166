package rabbitmq

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"waybill/targets"
)

// firstWritten keeps the first bytes written through it.
type firstWritten struct {
	net.Conn
	mu   sync.Mutex
	text []byte
}

func (f *firstWritten) Write(b []byte) (int, error) {
	f.mu.Lock()
	f.text = append(f.text, b...)
	f.mu.Unlock()
	return f.Conn.Write(b)
}

// greetedBy listens with or without TLS, and says what the first connection begins with.
func greetedBy(t *testing.T, conf *tls.Config) (addr string, first <-chan string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if conf != nil {
		l = tls.NewListener(l, conf)
	}
	greeting := make(chan string, 1)
	var all sync.WaitGroup
	t.Cleanup(all.Wait)
	t.Cleanup(func() { l.Close() })
	all.Go(func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		c.SetDeadline(time.Now().Add(5 * time.Second)) //nolint:errcheck // the read says what is wrong
		b := make([]byte, 8)
		n, _ := c.Read(b)
		greeting <- string(b[:n])
	})
	return l.Addr().String(), greeting
}

func TestConnectionsAreWrappedAboveTLS(t *testing.T) {
	s := httptest.NewTLSServer(nil) // for its certificate
	s.Close()
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	secure := &tls.Config{Certificates: s.TLS.Certificates}
	const greeting = "AMQP\x00\x00\x09\x01"
	for _, c := range []struct {
		claim   string
		server  *tls.Config
		access  targets.Access
		unknown bool // the server's certificate
	}{
		{"without TLS", nil, targets.Access{}, false},
		{"with it", secure, targets.Access{TLS: true, CA: authority}, false},
		{"with it and a client certificate's mechanism", secure, targets.Access{TLS: true, CA: authority, Mechanism: "external"}, false},
		{"with it and an unknown authority", secure, targets.Access{TLS: true}, true},
	} {
		for how, wraps := range map[string]bool{"wrapped": true, "bare": false} {
			t.Run(c.claim+", "+how, func(t *testing.T) {
				addr, first := greetedBy(t, c.server)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				var seen *firstWritten
				e := endpoint{addr: addr, name: "client", access: &c.access}
				if wraps {
					e.wrap = func(c net.Conn) net.Conn {
						seen = &firstWritten{Conn: c}
						return seen
					}
				}
				if _, _, _, err := connect(ctx, e); err == nil {
					t.Fatal("connected to a broker that says nothing")
				}
				if c.unknown {
					if got := <-first; got != "" || seen != nil {
						t.Errorf("the broker was sent %q without knowing who it is; wrapped: %v", got, seen != nil)
					}
					return
				}
				if got := <-first; got != greeting {
					t.Errorf("the broker was sent %q, want %q", got, greeting)
				}
				if !wraps {
					return
				}
				seen.mu.Lock()
				defer seen.mu.Unlock()
				if got := string(seen.text); got != greeting {
					t.Errorf("wrap saw %q, want %q", got, greeting)
				}
			})
		}
	}
}
