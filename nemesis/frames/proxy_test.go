package frames

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long a test waits for what must happen.
const patience = 10 * time.Second

// proxied is a proxy before a broker that does what the test makes it do.
type proxied struct {
	at       string // where the proxy listens
	broker   *net.TCPListener
	refusals chan Refusal
	filter   *Filter
	end      func() // of the proxy; waits until Serve has returned
}

// proxy starts one on loopback, where the broker's address comes not from a redirect but from the test.
func proxy(t testing.TB) *proxied {
	t.Helper()
	broker := listen(t)
	filter, err := New("nats", func(Hit) {})
	must(t, err)
	p := &proxied{broker: broker, refusals: make(chan Refusal, 10), filter: filter}
	server := NewProxy(filter, 0, func(r Refusal) { p.refusals <- r })
	meant := broker.Addr().(*net.TCPAddr).AddrPort()
	server.meantFor = func(*net.TCPConn) (netip.AddrPort, error) { return meant, nil }
	p.serve(t, server)
	return p
}

func (p *proxied) serve(t testing.TB, server *Proxy) {
	before := goleak.IgnoreCurrent()
	l := listen(t)
	p.at = l.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx, l) }()
	p.end = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-served:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(patience):
			t.Error("the proxy did not end")
		}
	})
	t.Cleanup(func() {
		p.end()
		if err := goleak.Find(before); err != nil && !t.Failed() {
			t.Error(err)
		}
	})
}

// connect opens a connection through the proxy: both ends of it.
func (p *proxied) connect(t testing.TB) (client, broker *net.TCPConn) {
	t.Helper()
	client = dial(t, p.at)
	must(t, p.broker.SetDeadline(time.Now().Add(patience)))
	broker, err := p.broker.AcceptTCP()
	must(t, err)
	t.Cleanup(func() { broker.Close() })
	must(t, broker.SetDeadline(time.Now().Add(patience)))
	return client, broker
}

func listen(t testing.TB) *net.TCPListener {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	return l.(*net.TCPListener)
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	c, err := net.DialTimeout("tcp4", addr, patience)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	must(t, c.SetDeadline(time.Now().Add(patience)))
	return c.(*net.TCPConn)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// ends reads until the connection says how it ended.
func ends(c net.Conn) (words string, err error) {
	b, err := io.ReadAll(c)
	if err == nil {
		err = io.EOF
	}
	return string(b), err
}

func TestAProxyChangesNoByteAndKeepsTheOtherWayOpenAfterAnEnd(t *testing.T) {
	p := proxy(t)
	for _, c := range []struct {
		claim string
		first func(client, broker *net.TCPConn) (from, to *net.TCPConn)
	}{
		{"the client ends first", func(client, broker *net.TCPConn) (from, to *net.TCPConn) { return client, broker }},
		{"the broker ends first", func(client, broker *net.TCPConn) (from, to *net.TCPConn) { return broker, client }},
	} {
		from, to := c.first(p.connect(t))
		for _, way := range [][2]*net.TCPConn{{from, to}, {to, from}} {
			sent := make([]byte, 3<<20)
			fill(sent)
			var writing sync.WaitGroup
			writing.Go(func() {
				if _, err := way[0].Write(sent); err != nil {
					t.Errorf("%s: %v", c.claim, err)
				}
				if err := way[0].CloseWrite(); err != nil {
					t.Errorf("%s: %v", c.claim, err)
				}
			})
			got, err := ends(way[1])
			if err != io.EOF || !bytes.Equal([]byte(got), sent) {
				t.Errorf("%s: %d bytes, %v, want the %d that were sent and an end", c.claim, len(got), err, len(sent))
			}
			writing.Wait()
		}
	}
}

// fill makes bytes that no protocol knows.
func fill(b []byte) {
	random := rand.New(rand.NewPCG(1, 2))
	for i := range b {
		b[i] = byte(random.Uint32()) | 0x80
	}
}

// drop resets a connection, as the end of its process does when there is something unread, or of its machine when it comes back.
func drop(c *net.TCPConn) { reset(c) }

func TestEndsAndDeathsArePassedOnWithinTenMilliseconds(t *testing.T) {
	p := proxy(t)
	end := func(c *net.TCPConn) { c.Close() }
	stuff := func(from, to *net.TCPConn) { // until nothing more fits on the way
		must(t, from.SetWriteDeadline(time.Now().Add(40*time.Millisecond)))
		block := make([]byte, 1<<20)
		fill(block)
		for {
			if _, err := from.Write(block); err != nil {
				return
			}
		}
	}
	for _, c := range []struct {
		claim    string
		fromHere func(client, broker *net.TCPConn) (from, to *net.TCPConn)
		before   func(from, to *net.TCPConn)
		do       func(*net.TCPConn)
		want     error
		tries    int
	}{
		{"the client's end", clientFirst, nil, end, io.EOF, 20},
		{"the broker's end", brokerFirst, nil, end, io.EOF, 20},
		{"the client's death", clientFirst, nil, drop, syscall.ECONNRESET, 20},
		{"the broker's death", brokerFirst, nil, drop, syscall.ECONNRESET, 20},
		{"the client's death behind bytes that the broker does not read", clientFirst, stuff, drop, syscall.ECONNRESET, 9},
		{"the broker's death behind bytes that the client does not read", brokerFirst, stuff, drop, syscall.ECONNRESET, 9},
	} {
		var took []time.Duration
		for range c.tries {
			from, to := c.fromHere(p.connect(t))
			if c.before != nil {
				c.before(from, to)
			}
			noticed := make(chan time.Time, 1)
			var err error
			if c.before == nil {
				go func() {
					_, err = ends(to)
					noticed <- time.Now()
				}()
			} else { // reading would make way for it
				deaths, failed := watchDeaths()
				must(t, failed)
				defer deaths.close()
				err = syscall.ECONNRESET // or there is no notice
				deaths.watch(to, func() { noticed <- time.Now() })
			}
			begin := time.Now()
			c.do(from)
			select {
			case at := <-noticed:
				took = append(took, at.Sub(begin))
			case <-time.After(patience):
				t.Fatalf("%s: not noticed within %v", c.claim, patience)
			}
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", c.claim, err, c.want)
			}
		}
		slices.Sort(took)
		t.Logf("%s: median %v, most %v", c.claim, took[len(took)/2], took[len(took)-1])
		if median := took[len(took)/2]; median > 10*time.Millisecond {
			t.Errorf("%s: noticed after %v, want 10 ms at most", c.claim, median)
		}
	}
}

func clientFirst(client, broker *net.TCPConn) (from, to *net.TCPConn) { return client, broker }
func brokerFirst(client, broker *net.TCPConn) (from, to *net.TCPConn) { return broker, client }

func TestLastWordsArriveBeforeTheDeath(t *testing.T) {
	p := proxy(t)
	const words = "-ERR 'going down'\r\n"
	for claim, order := range map[string]func(client, broker *net.TCPConn) (from, to *net.TCPConn){"the client's": clientFirst, "the broker's": brokerFirst} {
		for range 20 {
			from, to := order(p.connect(t))
			_, err := io.WriteString(from, words)
			must(t, err)
			got := make([]byte, len(words)) // on the way through the proxy, or a reset on loopback overtakes them in its own queue
			_, err = io.ReadFull(to, got)
			must(t, err)
			drop(from)
			rest, err := ends(to)
			if string(got) != words || rest != "" || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: %q, then %q and %v, want %q and a reset", claim, got, rest, err, words)
			}
		}
	}
}

func TestAnEndOfWritingFollowedByADeathIsADeath(t *testing.T) {
	p := proxy(t)
	for claim, order := range map[string]func(client, broker *net.TCPConn) (from, to *net.TCPConn){"the client": clientFirst, "the broker": brokerFirst} {
		from, to := order(p.connect(t))
		must(t, from.CloseWrite())
		if _, err := ends(to); err != io.EOF {
			t.Fatal(err)
		}
		deaths, err := watchDeaths()
		must(t, err)
		defer deaths.close()
		died := make(chan bool, 1)
		deaths.watch(to, func() { died <- true })
		drop(from)
		select {
		case <-died:
		case <-time.After(patience):
			t.Errorf("%s: the death of a half-closed connection was not passed on", claim)
		}
	}
}

func TestWritingToAnEndThatIsGoneFailsAsItWouldWithoutAProxy(t *testing.T) {
	p := proxy(t)
	for claim, order := range map[string]func(client, broker *net.TCPConn) (from, to *net.TCPConn){"the client is gone": clientFirst, "the broker is gone": brokerFirst} {
		from, to := order(p.connect(t))
		from.Close()
		if _, err := ends(to); err != io.EOF {
			t.Fatalf("%s: %v", claim, err)
		}
		for { // the first write finds out
			if _, err := to.Write([]byte("PING\r\n")); err != nil {
				if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
					t.Errorf("%s: %v", claim, err)
				}
				break
			}
		}
	}
}

func TestABrokerThatRefusesIsAResetForTheClient(t *testing.T) {
	p := proxy(t)
	p.broker.Close()
	if words, err := refused(p.at); words != "" || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("%q, %v, want a reset", words, err)
	}
}

// refused is ends of a new connection, which may be over before it is begun.
func refused(addr string) (words string, err error) {
	c, err := net.DialTimeout("tcp4", addr, patience)
	if err != nil {
		return "", err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	return ends(c)
}

func TestEncryptedConnectionsAreRefusedAndTheReasonIsToldOnce(t *testing.T) {
	hello := "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
	p := proxy(t)
	for _, c := range []struct {
		claim   string
		banner  string
		chunks  []string
		refused bool
	}{
		{"a client that begins with TLS", "", []string{hello}, true},
		{"in pieces", "", []string{hello[:1], hello[1:]}, true},
		{"after the broker has spoken", "INFO {\"tls_required\":true}\r\n", []string{hello}, true},
		{"a client that begins otherwise", "INFO {}\r\n", []string{"CONNECT {}\r\n"}, false},
		{"a client that begins almost so", "", []string{"\x16", "\x04"}, false},
		{"later bytes that look so", "", []string{"PING\r\n", hello}, false},
	} {
		client, broker := p.connect(t)
		_, err := io.WriteString(broker, c.banner)
		must(t, err)
		_, err = io.ReadFull(client, make([]byte, len(c.banner)))
		must(t, err)
		for _, chunk := range c.chunks {
			if _, err := io.WriteString(client, chunk); err != nil {
				break // refused already
			}
			time.Sleep(2 * time.Millisecond) // so that pieces arrive as pieces; were they one, the test would only say less
		}
		if !c.refused {
			must(t, client.CloseWrite())
		}
		want := strings.Join(c.chunks, "")
		if c.refused {
			want = ""
		}
		if got, err := ends(broker); got != want || err != io.EOF {
			t.Errorf("%s: the broker got %q, %v, want %q", c.claim, got, err, want)
		}
		if c.refused {
			if _, err := ends(client); errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%s: the client was left waiting", c.claim)
			}
		}
	}
	p.end()
	close(p.refusals)
	var told []Refusal
	for r := range p.refusals {
		told = append(told, r)
	}
	if want := (Refusal{Addr: p.broker.Addr().String(), Why: WhyEncrypted}); len(told) != 1 || told[0] != want {
		t.Errorf("told %v, want once %v", told, want)
	}
}

func TestConnectionsThatWereNotRedirectedAreRefused(t *testing.T) {
	filter, err := New("nats", func(Hit) {})
	must(t, err)
	for claim, meantFor := range map[string]func(*net.TCPConn) (netip.AddrPort, error){
		"the kernel knows of no redirect":   originalDestination,
		"the kernel names the proxy itself": func(c *net.TCPConn) (netip.AddrPort, error) { return c.LocalAddr().(*net.TCPAddr).AddrPort(), nil },
	} {
		p := &proxied{refusals: make(chan Refusal, 10)}
		server := NewProxy(filter, 0, func(r Refusal) { p.refusals <- r })
		server.meantFor = meantFor
		p.serve(t, server)
		for range 2 {
			if words, err := refused(p.at); words != "" || !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("%s: %q, %v, want a reset", claim, words, err)
			}
		}
		if r := <-p.refusals; r.Addr != p.at || r.Why != WhyDirect || len(p.refusals) > 0 {
			t.Errorf("%s: told %v and %d more", claim, r, len(p.refusals))
		}
	}
}

func TestTheEndOfTheProxyResetsWhatItCarries(t *testing.T) {
	p := proxy(t)
	client, broker := p.connect(t)
	p.end()
	for claim, c := range map[string]*net.TCPConn{"client": client, "broker": broker} {
		if _, err := ends(c); !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: %v, want a reset", claim, err)
		}
	}
	if _, err := net.DialTimeout("tcp4", p.at, patience); err == nil {
		t.Error("the port is open still")
	}
}

func TestAHeldRequestArrivesAfterItsClientWasReset(t *testing.T) {
	p := proxy(t)
	const before, request, wait = "CONNECT {}\r\nSUB _INBOX.a.* 1\r\n", "PUB orders _INBOX.a.1 2\r\nhi\r\n", 50 * time.Millisecond
	must(t, p.filter.Set([]Rule{{Kind: Publish, Act: Hold, Share: 1, Count: 1, For: wait}}))
	client, broker := p.connect(t)
	begin := time.Now()
	_, err := io.WriteString(client, before+request)
	must(t, err)
	words, err := ends(client)
	if took := time.Since(begin); words != "" || !errors.Is(err, syscall.ECONNRESET) || took > wait {
		t.Errorf("the client got %q, %v after %v, want a reset at once", words, err, took)
	}
	words, _ = ends(broker)
	if took := time.Since(begin); words != before+request || took < wait {
		t.Errorf("the broker got %q after %v, want all that was sent, after %v", words, took, wait)
	}
}
