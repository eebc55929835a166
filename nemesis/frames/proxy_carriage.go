package frames

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

// drain is how long bytes that arrived before a death may take to be passed on ahead of it. Mostly they are in no time; but an end
// that does not read would hold the news of the other's death back for as long as it pleases.
const drain = 2 * time.Millisecond

// carriage is one connection of a client through the proxy: what one end sends is given to the other, and so are its end (the other
// way stays open) and its death (a reset).
type carriage struct {
	client *net.TCPConn
	broker *net.TCPConn // the connection itself
	framed net.Conn     // and as the client is to see it
}

var errEncrypted = errors.New("frames: proxy: the connection is encrypted")

// carry returns when both directions have ended, with errEncrypted if that was why.
func (c *carriage) carry() error {
	var down sync.WaitGroup
	down.Go(c.toClient)
	err := c.toBroker()
	down.Wait()
	// The order lets the client know first, as nothing keeps it waiting; the filter may have something to deliver still.
	c.client.Close()
	c.framed.Close()
	return err
}

// toBroker passes on what the client sends. How it ends says who ended it: only the client's own death may reset the broker, since
// after a cut of the filter's making something may be on its way there.
func (c *carriage) toBroker() error {
	buffer := make([]byte, 64<<10)
	n, err := c.opening(buffer)
	if Encrypted(buffer[:n]) {
		c.client.Close()
		c.framed.Close()
		return errEncrypted
	}
	for {
		if n > 0 {
			if _, err := c.framed.Write(buffer[:n]); err != nil {
				c.brokerDied()
				return nil
			}
		}
		switch {
		case errors.Is(err, net.ErrClosed): // by this proxy, and whoever did it told the broker what there is to tell
			return nil
		case err == io.EOF:
			c.endToBroker()
			return nil
		case err != nil:
			c.resetBroker()
			return nil
		}
		n, err = c.client.Read(buffer)
	}
}

// opening reads the first bytes that the client sends, as many as it takes to see whether they are encrypted. Where the broker speaks
// first, that is after it has spoken.
func (c *carriage) opening(buffer []byte) (n int, err error) {
	const handshake = 0x16 // of TLS; whether it is that the next byte says
	for err == nil && (n == 0 || n == 1 && buffer[0] == handshake) {
		var more int
		more, err = c.client.Read(buffer[n:])
		n += more
	}
	return n, err
}

func (c *carriage) toClient() {
	buffer := make([]byte, 64<<10)
	for {
		n, err := c.framed.Read(buffer)
		if n > 0 {
			if _, err := c.client.Write(buffer[:n]); err != nil {
				if !errors.Is(err, net.ErrClosed) {
					c.clientDied()
				}
				return
			}
		}
		switch {
		case err == io.EOF:
			_ = c.client.CloseWrite() // an error means that it is gone, which is noticed elsewhere
			return
		case err != nil:
			c.resetClient()
			return
		}
	}
}

// endToBroker says that the client will send nothing more, behind whatever the filter has yet to pass on.
func (c *carriage) endToBroker() {
	if half, ok := c.framed.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // an error means that the broker is gone, which is noticed elsewhere
		return
	}
	_ = c.broker.CloseWrite() // likewise
}

// clientDied and brokerDied see to the other's end, which whoever reads from the dead one brings about sooner, unless something holds
// it up. They may be called more than once.
func (c *carriage) clientDied() { time.AfterFunc(drain, c.resetBroker) }
func (c *carriage) brokerDied() { time.AfterFunc(drain, c.resetClient) }

func (c *carriage) resetBroker() {
	_ = c.broker.SetLinger(0) // an error means that it is closed
	c.framed.Close()
}

func (c *carriage) resetClient() { reset(c.client) }

func (c *carriage) resetBoth() {
	c.resetClient()
	c.resetBroker()
}

// reset closes a connection so that the other end reads an error and not an end.
func reset(c *net.TCPConn) {
	_ = c.SetLinger(0) // an error means that it is closed
	c.Close()
}
