package lab_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
	"waybill/harness/reexec"
)

func init() {
	reexec.Register("t-greeter", greeter)
	reexec.Register("t-diverter", diverter)
	reexec.Register("t-ask", ask)
}

// serve answers connections to these ports until the host ends, and says "ready" on the control socket.
func serve(ports []string, answer func(*net.TCPConn)) int {
	for _, port := range ports {
		l, err := net.Listen("tcp4", ":"+port)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go func() {
					defer c.Close()
					answer(c.(*net.TCPConn))
				}()
			}
		}()
	}
	fmt.Fprintln(lab.Control(), "ready")
	_, _ = io.Copy(io.Discard, lab.Control())
	return 0
}

// greeter says on each of these ports that it was reached there.
func greeter(ports []string) int {
	return serve(ports, func(c *net.TCPConn) { fmt.Fprintf(c, "greetings from %s", port(c.LocalAddr())) })
}

// diverter is the least that can be called a proxy: "t-diverter PORT MARK".
func diverter(args []string) int {
	mark, err := strconv.Atoi(args[1])
	if err != nil {
		return 1
	}
	dialer := net.Dialer{Timeout: 2 * time.Second, Control: func(_, _ string, c syscall.RawConn) error {
		return c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, mark) })
	}}
	return serve(args[:1], func(c *net.TCPConn) {
		meant, err := meantFor(c)
		if err != nil {
			fmt.Fprint(c, err)
			return
		}
		fmt.Fprintf(c, "diverted from %d: ", meant.Port())
		to, err := dialer.Dial("tcp4", meant.String())
		if err != nil {
			fmt.Fprint(c, "not passed on")
			return
		}
		defer to.Close()
		_, _ = io.Copy(c, to)
	})
}

func meantFor(c *net.TCPConn) (netip.AddrPort, error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return netip.AddrPort{}, err
	}
	// The kernel answers with a sockaddr_in, which fits the first half of an ipv6_mreq.
	var in *unix.IPv6Mreq
	var failed error
	if err := raw.Control(func(fd uintptr) { in, failed = unix.GetsockoptIPv6Mreq(int(fd), unix.SOL_IP, unix.SO_ORIGINAL_DST) }); err != nil {
		return netip.AddrPort{}, err
	}
	if failed != nil {
		return netip.AddrPort{}, failed
	}
	b := in.Multiaddr
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[4:8])), uint16(b[2])<<8|uint16(b[3])), nil
}

func port(a net.Addr) string { return strconv.Itoa(int(a.(*net.TCPAddr).AddrPort().Port())) }

// ask prints what comes back over a connection to args[0] within args[1].
func ask(args []string) int {
	limit, err := time.ParseDuration(args[1])
	if err != nil {
		return 1
	}
	c, err := net.DialTimeout("tcp4", args[0], limit)
	if err != nil {
		fmt.Print("no connection")
		return 0
	}
	_ = c.SetReadDeadline(time.Now().Add(limit))
	if _, err := io.Copy(os.Stdout, c); err != nil {
		fmt.Print("silence")
	}
	return 0
}

func TestARedirectTakesNewConnectionsToThesePortsButNotThoseOfTheProxy(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b")
		a, b := h[0], h[1]
		up := func(h *lab.Host, p lab.Proc) {
			p.Name, p.Control = p.Program, true
			c := start(t, h, p).Control()
			must(t, c.SetReadDeadline(time.Now().Add(patience)))
			if _, err := io.ReadFull(c, make([]byte, len("ready\n"))); err != nil {
				t.Fatalf("%s: %v", p.Program, err)
			}
		}
		up(b, lab.Proc{Program: "t-greeter", Args: []string{"4500", "4501", "4502"}})
		tries := 0
		asked := func(from *lab.Host, port int, limit time.Duration) string {
			tries++
			return run(t, from, lab.Proc{Name: fmt.Sprint("ask", tries), Program: "t-ask", Args: []string{fmt.Sprintf("b:%d", port), limit.String()}})
		}
		expect := func(claim string, from *lab.Host, port int, want string) {
			t.Helper()
			limit := patience
			if !strings.Contains(want, "greetings") && !strings.Contains(want, "not") {
				limit = 150 * time.Millisecond // too short for a second try to help
			}
			if got := asked(from, port, limit); got != want {
				t.Errorf("%s: %q, want %q", claim, got, want)
			}
		}
		const mark = 0x77
		must(t, a.Redirect(t.Context(), []uint16{4500, 4501}, 4600, mark))
		up(a, lab.Proc{Program: "t-diverter", Args: []string{"4600", fmt.Sprint(mark)}})
		expect("a port that is given", a, 4500, "diverted from 4500: greetings from 4500")
		expect("another that is given", a, 4501, "diverted from 4501: greetings from 4501")
		expect("a port that is not", a, 4502, "greetings from 4502")
		expect("another host", b, 4500, "greetings from 4500")

		away, err := l.Cut([]string{"a"}, []string{"b"})
		must(t, err)
		if err := reach(t, l, "b:4500"); err == nil {
			t.Error("Reach took the proxy's word for a path that is cut")
		}
		expect("cut off from the broker, the proxy hears nothing of it", a, 4500, "diverted from 4500: silence")
		back, err := l.Cut([]string{"b"}, []string{"a"})
		must(t, err)
		expect("cut off both ways, a client has not even a connection", a, 4500, "no connection")
		must(t, away())
		expect("nor while the way back is cut", a, 4500, "no connection")
		must(t, back())
		must(t, reach(t, l, "b:4500"))
		expect("after the heal", a, 4500, "diverted from 4500: greetings from 4500")

		must(t, a.Redirect(t.Context(), []uint16{4502}, 4600, mark))
		expect("a second redirect adds its ports", a, 4502, "diverted from 4502: greetings from 4502")
		expect("and takes back those of the first", a, 4500, "greetings from 4500")

		must(t, a.Kill(t.Context()))
		if err := a.Redirect(t.Context(), []uint16{4500}, 4600, mark); !errors.Is(err, lab.ErrDown) {
			t.Errorf("of a host that is down: %v", err)
		}
		must(t, a.Restart(t.Context()))
		expect("a restarted host", a, 4502, "greetings from 4502")
		must(t, reach(t, l, "b:4502"))

		for claim, err := range map[string]error{
			"at least one":    a.Redirect(t.Context(), nil, 4600, mark),
			"that is not 0":   a.Redirect(t.Context(), []uint16{4500}, 0, mark),
			"mark other than": a.Redirect(t.Context(), []uint16{4500}, 4600, 0),
		} {
			if err == nil || !strings.Contains(err.Error(), claim) {
				t.Errorf("got %v, want an error with %q", err, claim)
			}
		}
	})
}

func reach(t *testing.T, l *lab.Lab, addr string) error {
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	return l.Reach(ctx, "a", addr)
}
