package rabbitmq

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/targets"
)

const (
	dialTimeout  = time.Second
	openTimeout  = 5 * time.Second // of everything until a role can work: socket, handshakes, channel, subscription
	closeTimeout = time.Second
	// silence is how long a living peer may send nothing: a heartbeat comes every half of clientBeat.
	silence = 2 * clientBeat
)

// wire is a connection on which nothing takes for ever. A broker that is short of memory, or whose queues do not keep up, stops reading
// what producers send for as long as that lasts, and is no less alive: it goes on sending heartbeats, and writing may wait for it. So only
// silence ends a connection, and it ends it for who writes too: the library would wait for them, and they for the end of the connection.
// Deadlines are kept here, and what the library wants to set is ignored: it also clears what the dialer set.
type wire struct{ net.Conn }

func (w wire) Read(b []byte) (int, error) {
	if err := w.Conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	n, err := w.Conn.Read(b)
	if err != nil {
		w.Conn.Close()
	}
	return n, err
}

func (wire) SetDeadline(time.Time) error      { return nil }
func (wire) SetReadDeadline(time.Time) error  { return nil }
func (wire) SetWriteDeadline(time.Time) error { return nil }

// endpoint is what a client needs to know of a broker to connect to it.
type endpoint struct {
	addr, name string // name is the client's
	access     *targets.Access
	wrap       func(net.Conn) net.Conn // as in targets.ClientConfig
}

// connect makes an AMQP connection whose socket is closed when ctx ends before settled is called. The socket is returned
// beside it: closing that is how a connection is given up without asking anybody.
func connect(ctx context.Context, e endpoint) (c *amqp.Connection, socket net.Conn, settled func() bool, err error) {
	conf, scheme, err := accessConfig(e.access)
	if err != nil {
		return nil, nil, nil, err
	}
	secure := conf.TLSClientConfig
	if e.wrap != nil && secure != nil { // the library would put TLS around what the dialer returns: wrap would see nothing
		scheme, conf.TLSClientConfig = "amqp", nil
	}
	conf.Properties = amqp.NewConnectionProperties()
	conf.Properties.SetClientConnectionName(e.name)
	conf.Dial = func(network, addr string) (net.Conn, error) {
		s, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		under := s
		if e.wrap != nil {
			if secure != nil {
				if under, err = handshake(ctx, s, addr, secure); err != nil {
					s.Close()
					return nil, err
				}
			}
			under = e.wrap(under)
		}
		socket = wire{under}
		settled = context.AfterFunc(ctx, func() { s.Close() })
		return socket, nil
	}
	c, err = amqp.DialConfig(scheme+"://"+e.addr+"/", conf)
	if err != nil && socket != nil {
		settled()
		socket.Close() // the library leaves it open, and a goroutine reading from it
	}
	return c, socket, settled, err
}

// handshake is what the library does where TLS is left to it.
func handshake(ctx context.Context, c net.Conn, addr string, conf *tls.Config) (net.Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	conf = conf.Clone()
	conf.ServerName = host
	t := tls.Client(c, conf)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return t, nil
}
