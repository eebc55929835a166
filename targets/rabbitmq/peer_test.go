package rabbitmq

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// peer is a broker that follows a script: enough of AMQP's frames to say exactly what a real one says rarely.
type peer struct {
	t     *testing.T
	addr  string
	conns chan *wireTap
	stop  func() // ends every connection, once
}

// wireTap is the peer's side of one connection, after the handshake and the opening of a channel.
type wireTap struct {
	net.Conn
	t  *testing.T
	in *bufio.Reader
	mu sync.Mutex // of writes

	mandatory bool // was the last published message
	mute      atomic.Bool
}

// method names what a peer reads and writes: class and method of AMQP.
type method struct{ class, id uint16 }

var (
	channelClose  = method{20, 40}
	queueDeclare  = method{50, 10}
	basicQos      = method{60, 10}
	basicConsume  = method{60, 20}
	basicCancel   = method{60, 30}
	basicPublish  = method{60, 40}
	basicReturn   = method{60, 50}
	basicDeliver  = method{60, 60}
	basicAck      = method{60, 80}
	basicNack     = method{60, 120}
	confirmSelect = method{85, 10}

	single   = []byte{0}
	multiple = []byte{1}
	requeue  = []byte{2} // of basic.nack, and not multiple
)

func startPeer(t *testing.T) *peer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, addr: l.Addr().String(), conns: make(chan *wireTap, 16)}
	gone := make(chan struct{})
	var all sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() {
				w := &wireTap{Conn: c, t: t, in: bufio.NewReader(c)}
				if err := w.handshake(); err != nil {
					return
				}
				p.conns <- w
				w.beat(gone)
			})
		}
	})
	p.stop = sync.OnceFunc(func() {
		l.Close()
		close(gone)
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		all.Wait()
	})
	t.Cleanup(p.stop)
	return p
}

func (p *peer) config(mode string) targets.ClientConfig {
	return targets.ClientConfig{
		Name: "client", Nodes: []targets.Node{{Name: "n1", Addr: p.addr}}, Queue: targets.Queue{Name: "q", Mode: mode}, Batch: 4, Confirm: 500 * time.Millisecond,
	}
}

func (p *peer) producer(mode string) *publisher {
	p.t.Helper()
	c := p.client(p.config(mode))
	pub, err := c.Producer(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.stop(); pub.Close() })
	return pub.(*publisher)
}

func (p *peer) consumer(mode string) *subscriber {
	p.t.Helper()
	sub, err := p.client(p.config(mode)).Consumer(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { p.stop(); sub.Close() })
	return sub.(*subscriber)
}

func (p *peer) client(c targets.ClientConfig) *client {
	p.t.Helper()
	cl, err := newClient(c)
	if err != nil {
		p.t.Fatal(err)
	}
	return cl
}

// accept waits for a connection.
func (p *peer) accept() *wireTap {
	p.t.Helper()
	select {
	case w := <-p.conns:
		return w
	case <-time.After(10 * time.Second):
		p.t.Fatal("no client connects")
		return nil
	}
}

// confirming waits for a producer that asks for confirmations.
func (p *peer) confirming() *wireTap {
	p.t.Helper()
	w := p.accept()
	w.want(confirmSelect)
	w.send(method{85, 11})
	return w
}

// consuming waits for a consumer that acknowledges, and returns its tag.
func (p *peer) consuming() (w *wireTap, tag string) {
	p.t.Helper()
	w = p.accept()
	w.want(basicQos)
	w.send(method{60, 11})
	return w, w.consumes()
}

func (w *wireTap) consumes() (tag string) {
	w.t.Helper()
	body := w.want(basicConsume)[2:]
	_, body = shortString(body)
	tag, _ = shortString(body)
	w.send(method{60, 21}, short(tag))
	return tag
}

func (w *wireTap) handshake() error {
	if _, err := io.ReadFull(w.in, make([]byte, 8)); err != nil {
		return err
	}
	w.send(method{10, 10}, []byte{0, 9}, long(nil), long([]byte("PLAIN")), long([]byte("en_US")))
	for _, step := range []struct {
		want   method
		answer func()
	}{
		{method{10, 11}, func() { w.send(method{10, 30}, u16(0), u32(131072), u16(60)) }},
		{method{10, 31}, func() {}},
		{method{10, 40}, func() { w.send(method{10, 41}, short("")) }},
		{method{20, 10}, func() { w.send(method{20, 11}, long(nil)) }},
	} {
		got, _, err := w.next()
		if err != nil || got != step.want {
			return fmt.Errorf("%v instead of %v: %w", got, step.want, err)
		}
		step.answer()
	}
	return nil
}

// beat sends heartbeats until the connection is closed or the test is over.
func (w *wireTap) beat(gone <-chan struct{}) {
	t := time.NewTicker(clientBeat / 2)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if w.mute.Load() || w.frame(8, 0) != nil {
				return
			}
		case <-gone:
			return
		}
	}
}

// next reads a method, past heartbeats and contents.
func (w *wireTap) next() (method, []byte, error) {
	for {
		var head [7]byte
		if _, err := io.ReadFull(w.in, head[:]); err != nil {
			return method{}, nil, err
		}
		payload := make([]byte, binary.BigEndian.Uint32(head[3:])+1) // and the frame's end
		if _, err := io.ReadFull(w.in, payload); err != nil {
			return method{}, nil, err
		}
		if head[0] != 1 {
			continue
		}
		return method{binary.BigEndian.Uint16(payload), binary.BigEndian.Uint16(payload[2:])}, payload[4 : len(payload)-1], nil
	}
}

// want reads a method and insists on it.
func (w *wireTap) want(m method) []byte {
	w.t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(10 * time.Second))
	got, args, err := w.next()
	if err != nil || got != m {
		w.t.Fatalf("the client sent %v, %v; want %v", got, err, m)
	}
	return args
}

// publishes reads n published messages and returns their routing keys.
func (w *wireTap) publishes(n int) (keys []string) {
	w.t.Helper()
	for range n {
		_, rest := shortString(w.want(basicPublish)[2:])
		key, flags := shortString(rest)
		keys = append(keys, key)
		w.mandatory = flags[0]&1 != 0
	}
	return keys
}

func (w *wireTap) send(m method, args ...[]byte) {
	channel := uint16(1)
	if m.class == 10 {
		channel = 0
	}
	_ = w.frame(1, channel, append([][]byte{u16(m.class), u16(m.id)}, args...)...) // a test notices what does not arrive
}

func (w *wireTap) frame(kind byte, channel uint16, parts ...[]byte) error {
	payload := bytes.Join(parts, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.Write(bytes.Join([][]byte{{kind}, u16(channel), u32(uint32(len(payload))), payload, {0xce}}, nil))
	return err
}

// content sends a message after the method that announces it.
func (w *wireTap) content(attempt, correlation, body string) {
	table := append(append(short(headerAttempt), 'S'), long([]byte(attempt))...)
	_ = w.frame(2, 1, u16(60), u16(0), u64(uint64(len(body))), u16(1<<13|1<<10), long(table), short(correlation))
	_ = w.frame(3, 1, []byte(body))
}

// tokenNamed is a token: the same for the same name.
func tokenNamed(name string) string {
	return history.Token("unittest", history.Msg{Life: 1, Seq: uint64(crc32.ChecksumIEEE([]byte(name)))}, 0)
}

func (w *wireTap) deliver(consumer string, tag uint64, redelivered bool, name string) {
	w.send(basicDeliver, short(consumer), u64(tag), bit(redelivered), short(""), short("q"))
	w.content("2", "7", tokenNamed(name)+"payload of "+name)
}

func (w *wireTap) giveBack(name string, attempt uint32) {
	w.send(basicReturn, u16(312), short("NO_ROUTE"), short(""), short("q.nowhere"))
	w.content(fmt.Sprint(attempt), "", tokenNamed(name)+"x")
}

// fail closes the channel with an error.
func (w *wireTap) fail(code uint16, text string) {
	w.send(channelClose, u16(code), short(text), u16(0), u16(0))
}

func u16(v uint16) []byte { return binary.BigEndian.AppendUint16(nil, v) }
func u32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func short(s string) []byte { return append([]byte{byte(len(s))}, s...) }
func long(b []byte) []byte  { return append(u32(uint32(len(b))), b...) }

func bit(v bool) []byte {
	if v {
		return []byte{1}
	}
	return []byte{0}
}

func shortString(b []byte) (string, []byte) { return string(b[1 : 1+b[0]]), b[1+b[0]:] }
