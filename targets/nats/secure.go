package nats

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"time"
)

// SkipTLSHandshake tells the library that the dialer sees to TLS: see secure.
func (l *link) SkipTLSHandshake() bool { return l.tls != nil }

// mostInfo is the longest first line that a server may send.
const mostInfo = 64 << 10

// secure does what the library does by default, on whatever the dialer returns, and what could not be seen into from there: it
// takes the server's first line in the clear, and goes on encrypted. The line comes again from the connection returned, so that
// the library reads it as ever; it also says what is wrong with a server that has no TLS, whose connection is left as it is.
func secure(c net.Conn, addr string, conf *tls.Config) (_ net.Conn, err error) {
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	until := time.Now().Add(dialTimeout)
	if err := c.SetDeadline(until); err != nil {
		return nil, err
	}
	line, err := firstLine(c)
	if err != nil {
		return nil, fmt.Errorf("nats: first line of %s: %w", addr, err)
	}
	var info struct {
		Required  bool `json:"tls_required"`
		Available bool `json:"tls_available"`
	}
	if text, ok := bytes.CutPrefix(line, []byte("INFO ")); !ok || json.Unmarshal(text, &info) != nil {
		return nil, fmt.Errorf("nats: first line of %s: expected INFO, got %.40q", addr, line)
	}
	again := &preceded{Conn: c, first: line}
	if info.Required || info.Available {
		host, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		conf = conf.Clone()
		if conf.ServerName == "" {
			conf.ServerName = host
		}
		ctx, cancel := context.WithDeadline(context.Background(), until)
		defer cancel()
		t := tls.Client(c, conf)
		if err := t.HandshakeContext(ctx); err != nil {
			return nil, fmt.Errorf("nats: TLS with %s: %w", addr, err)
		}
		again.Conn = t
	}
	return again, c.SetDeadline(time.Time{})
}

// firstLine reads up to the first line feed. A server waits after it.
func firstLine(c net.Conn) (line []byte, err error) {
	b := make([]byte, 4096)
	for {
		n, err := c.Read(b)
		line = append(line, b[:n]...)
		switch i := bytes.IndexByte(line, '\n'); {
		case i >= 0 && i == len(line)-1:
			return line, nil
		case i >= 0:
			return nil, errors.New("more behind it than a server says before its client has spoken")
		case len(line) > mostInfo:
			return nil, fmt.Errorf("longer than %d bytes", mostInfo)
		case err != nil:
			return nil, err
		}
	}
}

// preceded is a connection from which something is read first that has come before. Reads come from one goroutine.
type preceded struct {
	net.Conn
	first []byte
}

func (p *preceded) Read(b []byte) (int, error) {
	if len(p.first) == 0 {
		return p.Conn.Read(b)
	}
	n := copy(b, p.first)
	p.first = p.first[n:]
	return n, nil
}
