package run

import (
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// upper answers each connection with what it was sent, in upper case, once the sender has said that that was all.
func upper(t *testing.T) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				said, err := io.ReadAll(c)
				if err == nil {
					_, _ = c.Write([]byte(strings.ToUpper(string(said)))) // a sender that is gone needs no answer
				}
			}()
		}
	}()
	return l.Addr().String()
}

func openRelay(t *testing.T, network, address string) *relay {
	t.Helper()
	r, err := newRelay(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.close() })
	return r
}

func dialRelay(t *testing.T, r *relay) *net.UnixConn {
	t.Helper()
	c, err := net.Dial("unix", r.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c.(*net.UnixConn)
}

func TestARelayCarriesBothWaysAndTheEndOfEach(t *testing.T) {
	r := openRelay(t, "tcp", upper(t))
	// Two at once: the second is answered although the first has not ended.
	idle, c := dialRelay(t, r), dialRelay(t, r)
	for conn, said := range map[*net.UnixConn]string{c: "second", idle: strings.Repeat("first ", 50_000)} {
		if _, err := io.WriteString(conn, said); err != nil {
			t.Fatal(err)
		}
		if err := conn.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(conn); err != nil || string(got) != strings.ToUpper(said) {
			t.Errorf("%d bytes sent, %d came back, %v", len(said), len(got), err)
		}
	}
}

func TestARelayLeadsToAUnixSocketAsWell(t *testing.T) {
	behind := openRelay(t, "tcp", upper(t))
	c := dialRelay(t, openRelay(t, "unix", behind.socket))
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Fatal(err)
	}
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "X" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestARelayToNobodyClosesConnections(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	c := dialRelay(t, openRelay(t, "tcp", l.Addr().String()))
	if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("%d bytes, %v: want the connection closed", n, err)
	}
}

func TestAClosedRelayHasEndedItsConnectionsAndLeavesNothing(t *testing.T) {
	r := openRelay(t, "tcp", upper(t))
	info, err := os.Stat(filepath.Dir(r.socket))
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the socket's folder: %v, %v: want nobody else to enter", info.Mode(), err)
	}
	if len(r.socket) > 100 {
		t.Errorf("%s is too long for a socket's address", r.socket)
	}
	c := dialRelay(t, r)
	if _, err := io.WriteString(c, "x"); err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	go func() { closed <- r.close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for a connection that nobody ends")
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a connection goes on: %d bytes, %v", n, err)
	}
	if _, err := os.Stat(filepath.Dir(r.socket)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket's folder is left: %v", err)
	}
}

func TestTheRelayOfALedgerLeadsToItsDatabase(t *testing.T) {
	for _, c := range []struct{ claim, ledger, network, address, err string }{
		{"none is needed", "", "", "", ""},
		{"an address and a port", "postgres://u:s3cret@192.0.2.1:6000/db", "tcp", "192.0.2.1:6000", ""},
		{"the usual port", "postgres://u:s3cret@db.example/db", "tcp", "db.example:5432", ""},
		{"a socket", "postgres://u:s3cret@/db?host=/run/postgresql", "unix", "/run/postgresql/.s.PGSQL.5432", ""},
		{"several hosts", "postgres://u:s3cret@a,b/db", "", "", "one host"},
		{"no URL", "postgres://u:s3cret@host:port/db", "", "", "cannot parse"},
	} {
		j := Job{Ledger: c.ledger}
		r, err := ledgerRelay(&j)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%s: %v: want %q, and no password", c.claim, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", c.claim, err)
		}
		switch {
		case c.address == "" && (r != nil || j.Relay != ""):
			t.Errorf("%s: there is one, at %s", c.claim, j.Relay)
		case c.address != "" && (r.network != c.network || r.address != c.address || j.Relay != r.socket):
			t.Errorf("%s: it leads from %q to %s %s, want %s %s", c.claim, j.Relay, r.network, r.address, c.network, c.address)
		}
		if err := r.close(); err != nil {
			t.Error(err)
		}
	}
}
