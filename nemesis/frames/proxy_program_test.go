package frames

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// remote speaks with a proxy as its program runs it, over a socket. ended is told how that ended.
func remote(t *testing.T, cfg ProxyConfig) (ended chan error, err error) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	must(t, err)
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	ended = make(chan error, 1)
	go func() {
		defer theirs.Close()
		ended <- runProxy(context.Background(), theirs)
	}()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	r, err := Connect(ctx, ours, cfg, func(Hit) {}, func(Refusal) {})
	if err == nil {
		err = errors.Join(errors.New("it works"), r.Close())
	}
	return ended, err
}

// canMark reports whether this process may give sockets a mark.
func canMark() bool {
	l, err := (&net.ListenConfig{Control: marking(1)}).Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return false
	}
	l.Close()
	return true
}

func freePort(t *testing.T) uint16 {
	l := listen(t)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).AddrPort().Port()
}

func TestAProxyThatCannotWorkSaysWhyBeforeItIsUsed(t *testing.T) {
	taken := listen(t).Addr().(*net.TCPAddr).AddrPort().Port()
	cases := map[string]ProxyConfig{
		`no protocol "pigeon"`: {Protocol: "pigeon", Port: 1, Mark: 1},
		"port 0 and mark 1":    {Protocol: "nats", Mark: 1},
		"port 1 and mark 0":    {Protocol: "nats", Port: 1},
	}
	if canMark() {
		cases["address already in use"] = ProxyConfig{Protocol: "nats", Port: taken, Mark: 1}
	} else {
		cases["operation not permitted"] = ProxyConfig{Protocol: "nats", Port: freePort(t), Mark: 1}
	}
	for want, cfg := range cases {
		ended, err := remote(t, cfg)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Connect with %v: %v, want %q", cfg, err, want)
		}
		if err := <-ended; err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the program with %v: %v, want %q", cfg, err, want)
		}
	}
}

func TestAnAnswerThatDoesNotComeIsWaitedForNoLongerThanTheContext(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	go func() { _, _ = io.Copy(io.Discard, theirs) }()
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := Connect(ctx, ours, ProxyConfig{}, nil, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
