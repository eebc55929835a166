package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"waybill/workloads"
)

// relayPatience is how long a relay tries to reach what is behind it.
const relayPatience = 5 * time.Second

// relay carries connections from a Unix socket, which processes in a lab can open, to one address outside, which they cannot.
type relay struct {
	socket           string // path, short enough for a socket's address
	network, address string
	listener         net.Listener
	cancel           context.CancelFunc
	carrying         sync.WaitGroup
}

// newRelay listens on a socket in a new folder that only this user may enter.
func newRelay(network, address string) (*relay, error) {
	dir, err := os.MkdirTemp("", "waybill-")
	if err != nil {
		return nil, fmt.Errorf("run: relay: %w", err)
	}
	socket := filepath.Join(dir, "relay")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("run: relay: %w", err), os.Remove(dir))
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &relay{socket: socket, network: network, address: address, listener: listener, cancel: cancel}
	r.carrying.Go(func() { r.accept(ctx) })
	return r, nil
}

func (r *relay) accept(ctx context.Context) {
	for {
		from, err := r.listener.Accept()
		if err != nil {
			return // closed
		}
		r.carrying.Go(func() { r.carry(ctx, from) })
	}
}

// carry copies both ways until both are done, or ctx is. An address that cannot be reached closes the connection, as a database that
// is down would.
func (r *relay) carry(ctx context.Context, from net.Conn) {
	defer from.Close()
	dialer := net.Dialer{Timeout: relayPatience}
	to, err := dialer.DialContext(ctx, r.network, r.address)
	if err != nil {
		return
	}
	defer to.Close()
	stop := context.AfterFunc(ctx, func() { from.Close(); to.Close() })
	defer stop()
	var back sync.WaitGroup
	back.Go(func() { pass(from, to) })
	pass(to, from)
	back.Wait()
}

// pass copies until from ends, and says so to the other side. A connection that breaks instead breaks the other too.
func pass(to, from net.Conn) {
	if _, err := io.Copy(to, from); err != nil {
		to.Close()
		from.Close()
		return
	}
	if half, ok := to.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // the other side may be gone already
	}
}

// close ends every connection and removes the socket. A nil relay has none.
func (r *relay) close() error {
	if r == nil {
		return nil
	}
	r.cancel()
	err := r.listener.Close()
	r.carrying.Wait()
	if err := errors.Join(err, os.RemoveAll(filepath.Dir(r.socket))); err != nil {
		return fmt.Errorf("run: relay: %w", err)
	}
	return nil
}

// ledgerRelay opens the relay to the database of the job's ledger, and writes the socket into the job. Without a database it is nil.
func ledgerRelay(j *Job) (*relay, error) {
	if j.Ledger == "" {
		return nil, nil
	}
	network, address, err := workloads.Postgres{URL: j.Ledger}.Address()
	if err != nil {
		return nil, err
	}
	r, err := newRelay(network, address)
	if err != nil {
		return nil, err
	}
	j.Relay = r.socket
	return r, nil
}
