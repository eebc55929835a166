package frames_test

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
	"waybill/nemesis/frames"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// Programs of the test's hosts. The publisher is any user's: it knows neither the harness nor a filter.
func init() {
	reexec.Register("t-nats", broker)
	reexec.Register("t-publisher", publisher)
}

// patience is how long a test waits for what must happen; unanswered is how long the publisher waits for a confirmation.
const patience, unanswered = 20 * time.Second, 500 * time.Millisecond

// broker is a NATS server on port 4222, with TLS on request: "t-nats FOLDER [tls]". It says so when it is up.
func broker(args []string) int {
	options := &server.Options{Host: "0.0.0.0", Port: 4222, JetStream: true, StoreDir: args[0], NoSigs: true}
	if len(args) > 1 {
		certificate, err := selfSigned()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		options.TLS, options.TLSTimeout = true, 5
		options.TLSConfig = &tls.Config{Certificates: []tls.Certificate{certificate}}
	}
	s, err := server.NewServer(options)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	s.Start()
	if !s.ReadyForConnections(patience) {
		return 1
	}
	fmt.Fprintln(lab.Control(), "up")
	s.WaitForShutdown()
	return 0
}

func selfSigned() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"b"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// publisher publishes what it is told to on its control socket, so many messages a line, and says how many were confirmed and how many
// not, and how many are stored: "t-publisher [tls]".
func publisher(args []string) int {
	err := func() error {
		options := []nats.Option{nats.Timeout(patience), nats.MaxReconnects(0)}
		if len(args) > 0 {
			options = append(options, nats.Secure(&tls.Config{InsecureSkipVerify: true}))
		}
		nc, err := nats.Connect("nats://b:4222", options...)
		if err != nil {
			return err
		}
		defer nc.Close()
		js, err := jetstream.New(nc)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*patience)
		defer cancel()
		stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "orders", Subjects: []string{"orders"}})
		if err != nil {
			return err
		}
		fmt.Fprintln(lab.Control(), "connected")
		for lines := bufio.NewScanner(lab.Control()); lines.Scan(); {
			n, err := strconv.Atoi(lines.Text())
			if err != nil {
				return err
			}
			confirmed := 0
			for range n {
				attempt, cancel := context.WithTimeout(ctx, unanswered)
				_, err := js.Publish(attempt, "orders", []byte("to whom it may concern"))
				cancel()
				switch {
				case err == nil:
					confirmed++
				case !errors.Is(err, context.DeadlineExceeded):
					return err
				}
			}
			info, err := stream.Info(ctx)
			if err != nil {
				return err
			}
			fmt.Fprintf(lab.Control(), "%d confirmed, %d not, %d stored\n", confirmed, n-confirmed, info.State.Msgs)
		}
		return nil
	}()
	if err != nil {
		fmt.Fprintln(lab.Control(), err)
		return 1
	}
	return 0
}

// process is one that says lines on its control socket.
type process struct {
	*lab.Process
	lines *bufio.Reader
}

func (p process) said(t *testing.T) string {
	t.Helper()
	line, err := p.lines.ReadString('\n')
	if err != nil {
		t.Fatalf("%v, and said only %q", err, line)
	}
	return strings.TrimSuffix(line, "\n")
}

func start(t *testing.T, h *lab.Host, program string, args ...string) process {
	t.Helper()
	p, err := h.Start(t.Context(), lab.Proc{Name: program, Program: program, Args: args, Control: true})
	must(t, err)
	t.Cleanup(func() { p.Control().Close() })
	must(t, p.Control().SetReadDeadline(time.Now().Add(patience)))
	return process{p, bufio.NewReader(p.Control())}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// proxied is a lab with a broker on b and a proxy on a that all of a's clients go through.
type proxied struct {
	lab      *lab.Lab
	a        *lab.Host
	proxy    *frames.Remote
	hits     chan frames.Hit
	refusals chan frames.Refusal
}

func newProxied(t *testing.T, l *lab.Lab, broker ...string) proxied {
	t.Helper()
	a, err := l.AddHost(t.Context(), "a")
	must(t, err)
	b, err := l.AddHost(t.Context(), "b")
	must(t, err)
	if got := start(t, b, "t-nats", append([]string{b.Dir()}, broker...)...).said(t); got != "up" {
		t.Fatal(got)
	}
	cfg := frames.ProxyConfig{Protocol: "nats", Port: 4999, Mark: 0x77}
	must(t, a.Redirect(t.Context(), []uint16{4222}, cfg.Port, cfg.Mark))
	p, err := a.Start(t.Context(), lab.Proc{Name: frames.ProxyProgram, Program: frames.ProxyProgram, Control: true})
	must(t, err)
	x := proxied{lab: l, a: a, hits: make(chan frames.Hit, 100), refusals: make(chan frames.Refusal, 100)}
	x.proxy, err = frames.Connect(t.Context(), p.Control(), cfg, func(h frames.Hit) { x.hits <- h }, func(r frames.Refusal) { x.refusals <- r })
	must(t, err)
	t.Cleanup(func() {
		if err := x.proxy.Close(); err != nil {
			t.Error(err)
		}
		select {
		case <-p.Done():
			if e := p.Exit(); e.Code != 0 {
				t.Errorf("the proxy: %+v", e)
			}
		case <-time.After(patience):
			t.Error("the proxy did not end")
		}
	})
	return x
}

func TestAClientThatKnowsOfNoFilterLosesExactlyTheChosenConfirmations(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		x := newProxied(t, l)
		client := start(t, x.a, "t-publisher")
		if got := client.said(t); got != "connected" {
			t.Fatal(got)
		}
		publish := func(claim string, n int, want string) {
			t.Helper()
			_, err := fmt.Fprintln(client.Control(), n)
			must(t, err)
			if got := client.said(t); got != want {
				t.Errorf("%s: %s, want %s", claim, got, want)
			}
		}
		publish("without rules", 10, "10 confirmed, 0 not, 10 stored")
		must(t, x.proxy.Set(t.Context(), []frames.Rule{{Kind: frames.Confirm, Act: frames.Drop, Share: 1, Count: 3, Seed: 1, Ref: 42}}))
		publish("a rule that drops three", 10, "7 confirmed, 3 not, 20 stored")
		must(t, x.proxy.Set(t.Context(), []frames.Rule{{Kind: frames.Confirm, Act: frames.Drop, Share: 1, Seed: 1, Ref: 43}}))
		if err := x.proxy.Set(t.Context(), []frames.Rule{{Kind: frames.Confirm, Act: frames.Drop, Share: 2}}); err == nil || !strings.Contains(err.Error(), "share 2") {
			t.Errorf("a rule that is none: %v", err)
		}
		must(t, x.proxy.Set(t.Context(), nil))
		publish("a rule that is lifted", 10, "10 confirmed, 0 not, 30 stored")

		if lost, err := x.proxy.Lost(t.Context()); lost != 0 || err != nil {
			t.Errorf("%d connections not understood, %v", lost, err)
		}
		var hits []frames.Hit
		for range len(x.hits) {
			h := <-x.hits
			if h.Bytes <= 0 {
				t.Errorf("a hit of %d bytes", h.Bytes)
			}
			h.Bytes = 0
			hits = append(hits, h)
		}
		b, _ := x.lab.Host("b")
		want := frames.Hit{Kind: frames.Confirm, Act: frames.Drop, Ref: 42, Addr: b.Addr().String() + ":4222"}
		if d := cmp.Diff([]frames.Hit{want, want, want}, hits); d != "" {
			t.Errorf("hits (-want +got):\n%s", d)
		}
		if len(x.refusals) > 0 {
			t.Errorf("refused: %v", <-x.refusals)
		}

		// A cut between the two hosts is one for the client, and heals.
		heal, err := l.Cut([]string{"a", "b"}, []string{"a", "b"})
		must(t, err)
		_, err = fmt.Fprintln(client.Control(), 1)
		must(t, err)
		must(t, client.Control().SetReadDeadline(time.Now().Add(2*unanswered)))
		if _, err := client.lines.Peek(1); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("an answer over a cut: %v", err)
		}
		must(t, heal())
		must(t, client.Control().SetReadDeadline(time.Now().Add(patience)))
		if got, want := client.said(t), "0 confirmed, 1 not, 31 stored"; got != want {
			t.Errorf("after the cut: %s, want %s", got, want)
		}
		publish("after the heal", 10, "10 confirmed, 0 not, 41 stored")

		// The broker's death is the client's loss of the connection.
		must(t, b.Kill(t.Context()))
		_, err = fmt.Fprintln(client.Control(), 1)
		must(t, err)
		if got := client.said(t); strings.Contains(got, "confirmed") {
			t.Errorf("with a broker that is dead: %s", got)
		}
		must(t, x.proxy.Close())
		if err := x.proxy.Set(t.Context(), nil); !errors.Is(err, frames.ErrProxyGone) {
			t.Errorf("an order to a proxy that has ended: %v", err)
		}
	})
}

func TestAnEncryptedClientIsRefusedWithTheReason(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		x := newProxied(t, l, "tls")
		client := start(t, x.a, "t-publisher", "tls")
		answer, err := io.ReadAll(client.lines)
		must(t, err)
		if strings.Contains(string(answer), "connected") {
			t.Errorf("the client is connected through a proxy that cannot read it")
		}
		b, _ := x.lab.Host("b")
		select {
		case r := <-x.refusals:
			if want := (frames.Refusal{Addr: b.Addr().String() + ":4222", Why: frames.WhyEncrypted}); r != want {
				t.Errorf("told %v, want %v", r, want)
			}
		case <-time.After(patience):
			t.Error("nobody was told why")
		}
	})
}
