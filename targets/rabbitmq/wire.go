package rabbitmq

import (
	"context"
	"net"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/targets"
)

const (
	dialTimeout  = time.Second
	openTimeout  = 5 * time.Second // of everything until a role can work: socket, handshakes, channel, subscription
	writeTimeout = 2 * time.Second
	closeTimeout = time.Second
	// silence is how long a living peer may send nothing: a heartbeat comes every half of clientBeat.
	silence = 2 * clientBeat
)

// wire is a connection on which nothing takes for ever. The library sets deadlines for reading, once it has read something;
// for writing it sets none, "so Writes can intentionally block", and holds locks meanwhile that the end of the connection
// waits for: a peer that stops reading would stop the client for good. It also clears what the dialer set. So the deadlines
// are kept here, and what the library wants to set is ignored.
type wire struct{ net.Conn }

func (w wire) Read(b []byte) (int, error) {
	if err := w.Conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return 0, err
	}
	return w.Conn.Read(b)
}

func (w wire) Write(b []byte) (int, error) {
	if err := w.Conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return 0, err
	}
	return w.Conn.Write(b)
}

func (wire) SetDeadline(time.Time) error      { return nil }
func (wire) SetReadDeadline(time.Time) error  { return nil }
func (wire) SetWriteDeadline(time.Time) error { return nil }

// connect makes an AMQP connection whose socket is closed when ctx ends before settled is called. The socket is returned
// beside it: closing that is how a connection is given up without asking anybody.
func connect(ctx context.Context, addr, name string, a *targets.Access) (c *amqp.Connection, socket net.Conn, settled func() bool, err error) {
	conf, scheme, err := accessConfig(a)
	if err != nil {
		return nil, nil, nil, err
	}
	conf.Properties = amqp.NewConnectionProperties()
	conf.Properties.SetClientConnectionName(name)
	conf.Dial = func(network, addr string) (net.Conn, error) {
		s, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		socket = wire{s}
		settled = context.AfterFunc(ctx, func() { s.Close() })
		return socket, nil
	}
	c, err = amqp.DialConfig(scheme+"://"+addr+"/", conf)
	if err != nil && socket != nil {
		settled()
		socket.Close() // the library leaves it open, and a goroutine reading from it
	}
	return c, socket, settled, err
}
