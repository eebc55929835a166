package rabbitmq

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/targets"
)

// ourAccess is the access to brokers that the harness started.
func ourAccess() *targets.Access {
	return &targets.Access{User: brokerUser, Password: brokerPassword}
}

// accessConfig is how a connection is made and proven: with a user's name and password, or with a client certificate
// (mechanism "external"), over TLS where a asks for it. The scheme is that of the address: amqp or amqps.
func accessConfig(a *targets.Access) (conf amqp.Config, scheme string, err error) {
	conf = amqp.Config{Vhost: vhost, Heartbeat: clientBeat, Locale: "en_US"}
	switch a.Mechanism {
	case "", "plain":
		conf.SASL = []amqp.Authentication{&amqp.PlainAuth{Username: a.User, Password: a.Password}}
	case "external":
		conf.SASL = []amqp.Authentication{&amqp.ExternalAuth{}}
	default:
		return conf, "", fmt.Errorf("rabbitmq: no SASL mechanism %q: want plain or external", a.Mechanism)
	}
	if !a.TLS {
		return conf, "amqp", nil
	}
	conf.TLSClientConfig, err = tlsConfig(a)
	return conf, "amqps", err
}

func tlsConfig(a *targets.Access) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if a.CA != "" {
		pem, err := os.ReadFile(a.CA)
		if err != nil {
			return nil, fmt.Errorf("rabbitmq: certificates of authorities: %w", err)
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("rabbitmq: %s holds no certificate in PEM", a.CA)
		}
	}
	if a.Cert != "" || a.Key != "" {
		pair, err := tls.LoadX509KeyPair(a.Cert, a.Key)
		if err != nil {
			return nil, fmt.Errorf("rabbitmq: client certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// declareTimeout is the longest that one declaration may take: making a quorum queue elects its first leader.
const declareTimeout = 10 * time.Second

// connection opens a connection for as long as f takes, at most declareTimeout.
func connection(ctx context.Context, addr string, a *targets.Access, f func(*amqp.Connection) error) error {
	ctx, cancel := context.WithTimeout(ctx, declareTimeout)
	defer cancel()
	conf, scheme, err := accessConfig(a)
	if err != nil {
		return err
	}
	conf.Dial = func(network, addr string) (net.Conn, error) {
		socket, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		if err == nil {
			// The library's calls take no context: the end of the socket ends them.
			context.AfterFunc(ctx, func() { socket.Close() })
		}
		return socket, err
	}
	conn, err := amqp.DialConfig(scheme+"://"+addr+"/", conf)
	if err != nil {
		return fmt.Errorf("connect to %s: %w", addr, err)
	}
	defer conn.Close()
	err = f(conn)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}

// channel is connection with a channel.
func channel(ctx context.Context, addr string, a *targets.Access, f func(*amqp.Channel) error) error {
	return connection(ctx, addr, a, func(c *amqp.Connection) error {
		ch, err := c.Channel()
		if err != nil {
			return err
		}
		return f(ch)
	})
}
