package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
	"waybill/targets"
)

// session is one AMQP channel, alone on its connection, from the moment it can work until it ends. A new one is made after
// it; nothing of it is used on another, delivery tags least of all.
type session struct {
	node   targets.Node
	conn   *amqp.Connection
	ch     *amqp.Channel
	socket net.Conn
	role   any // what the role's setup made for this channel

	over  chan struct{} // closed when the channel or its connection has ended, or is about to be
	once  sync.Once
	cause string // why; set before over is closed
}

// errVanished is wrapped when the queue does not exist, as opposed to being out of reach.
var errVanished = errors.New("rabbitmq: the queue does not exist")

// setup prepares a new channel for a role and returns what belongs to it.
type setup func(*session) (any, error)

// openSession connects to a node and prepares a channel there, all within openTimeout.
func openSession(ctx context.Context, n targets.Node, e endpoint, prepare setup) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	conn, socket, settled, err := connect(ctx, e)
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: connect to %s: %w", n.Addr, err)
	}
	s := &session{node: n, conn: conn, socket: socket, over: make(chan struct{})}
	if s.ch, err = conn.Channel(); err == nil {
		s.role, err = prepare(s)
	}
	if err == nil && !settled() {
		err = ctx.Err() // the socket is being closed
	}
	if err != nil {
		s.drop()
		return nil, fmt.Errorf("rabbitmq: open a channel on %s: %w", n.Addr, vanished(err))
	}
	go s.watch(s.ch.NotifyClose(make(chan *amqp.Error, 1)))
	return s, nil
}

// closedByUs is the cause of a channel's end for which the library has no error.
const closedByUs = "closed by the client"

// vanished tells a queue that does not exist from one whose node is down: the broker answers both with the same code.
func vanished(err error) error {
	var e *amqp.Error
	if errors.As(err, &e) && e.Code == amqp.NotFound && strings.Contains(e.Reason, "no queue") {
		return fmt.Errorf("%w: %w", errVanished, err)
	}
	return err
}

// watch ends the session when the library says that the channel ended. An exception of the channel alone ends the
// connection with it: one way of beginning anew is enough.
func (s *session) watch(closed <-chan *amqp.Error) {
	why := closedByUs
	if e := <-closed; e != nil {
		why = e.Error()
	}
	s.end(why)
}

// end marks the session as over, the first time with its cause, and gives the socket up.
func (s *session) end(why string) {
	s.once.Do(func() {
		s.cause = why
		close(s.over)
		s.socket.Close()
	})
}

// failed ends the session for an error of the library's, unless that is only about an end which has a cause of its own.
func (s *session) failed(what string, err error) {
	if err != amqp.ErrClosed {
		s.end(what + ": " + err.Error())
	}
}

func (s *session) isOver() bool {
	select {
	case <-s.over:
		return true
	default:
		return false
	}
}

// leave closes the connection the polite way, so that what was written is read, if that takes no longer than closeTimeout.
func (s *session) leave() {
	t := time.AfterFunc(closeTimeout, func() { s.socket.Close() })
	defer t.Stop()
	_ = s.conn.Close() // it is over in any case
	s.end(closedByUs)
}

// drop gives a connection up on which nothing was done yet.
func (s *session) drop() {
	s.end("given up")
	_ = s.conn.Close()
}
