package nats

import (
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"waybill/targets"
)

// seen keeps what passes through connections that it is put around.
type seen struct {
	mu      sync.Mutex
	in, out bytes.Buffer
}

type seenConn struct {
	net.Conn
	*seen
}

func (s *seen) wrap(c net.Conn) net.Conn { return seenConn{c, s} }

func (c seenConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in.Write(b[:n])
	return n, err
}

func (c seenConn) Write(b []byte) (int, error) {
	c.mu.Lock()
	c.out.Write(b)
	c.mu.Unlock()
	return c.Conn.Write(b)
}

func (s *seen) both() (in, out string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.in.String(), s.out.String()
}

// certificate is one for loopback, and the file of its authority, which is itself.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return s.TLS.Certificates[0], file
}

func TestWrapSeesTheProtocolAboveTLS(t *testing.T) {
	cert, authority := certificate(t)
	for _, c := range []struct {
		claim  string
		server *tls.Config
		access *targets.Access
		fails  string
	}{
		{claim: "without TLS", access: nil},
		{claim: "with it", server: &tls.Config{Certificates: []tls.Certificate{cert}}, access: &targets.Access{TLS: true, CA: authority}},
		{claim: "with a server of an unknown authority", server: &tls.Config{Certificates: []tls.Certificate{cert}}, access: &targets.Access{TLS: true}, fails: "unknown authority"},
		{claim: "with a server that has none", access: &targets.Access{TLS: true, CA: authority}, fails: nats.ErrSecureConnWanted.Error()},
	} {
		t.Run(c.claim, func(t *testing.T) {
			s, err := server.NewServer(&server.Options{
				Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, TLS: c.server != nil, TLSConfig: c.server, TLSTimeout: 5,
			})
			if err != nil {
				t.Fatal(err)
			}
			s.Start()
			t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
			if !s.ReadyForConnections(10 * time.Second) {
				t.Fatal("the server did not start")
			}
			w := &seen{}
			o := dialOptions{name: "client", wrap: w.wrap, atOnce: true}
			if err := o.use(c.access); err != nil {
				t.Fatal(err)
			}
			l, err := open([]targets.Node{{Name: "n1", Addr: s.Addr().String()}}, o)
			if c.fails != "" {
				if err == nil {
					l.close()
				}
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("%v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(l.close)
			if err := l.nc.FlushTimeout(5 * time.Second); err != nil {
				t.Fatal(err)
			}
			in, out := w.both()
			first, _, _ := strings.Cut(in, "\n")
			if !strings.HasPrefix(in, "INFO {") || strings.Count(in, first) != 1 || !strings.HasSuffix(in, "PONG\r\n") {
				t.Errorf("read %q, want all from INFO to PONG", in)
			}
			if !strings.HasPrefix(out, "CONNECT {") || !strings.HasSuffix(out, "PING\r\n") {
				t.Errorf("wrote %q, want all from CONNECT to PING", out)
			}
		})
	}
}

func TestTLSIsLeftToTheLibraryWhereNothingIsWrapped(t *testing.T) {
	_, authority := certificate(t)
	var o dialOptions
	if err := o.use(&targets.Access{TLS: true, CA: authority}); err != nil {
		t.Fatal(err)
	}
	l, err := open([]targets.Node{{Name: "n1", Addr: "127.0.0.1:1"}}, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if l.SkipTLSHandshake() {
		t.Error("the library is told to leave TLS to the dialer")
	}
}

func TestAFirstLineThatIsNoneIsAnError(t *testing.T) {
	for claim, says := range map[string]string{
		"no INFO":        "HTTP/1.1 400 Bad Request\r\n",
		"no JSON":        "INFO {\r\n",
		"more behind it": "INFO {}\r\n+OK\r\n",
		"too long":       "INFO " + strings.Repeat("x", 2*mostInfo),
		"no line":        "INFO {}",
	} {
		t.Run(claim, func(t *testing.T) {
			here, there := net.Pipe()
			var all sync.WaitGroup
			defer all.Wait()
			defer here.Close()
			all.Go(func() {
				there.Write([]byte(says)) //nolint:errcheck // may not be read to its end
				there.Close()
			})
			if _, err := secure(here, "n1:4222", &tls.Config{}); err == nil {
				t.Error("no error")
			}
		})
	}
}
