package lab_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

// receiver is a sink on a host: see the program t-sink.
type receiver struct {
	p       *lab.Process
	answers *json.Decoder
}

func receive(t *testing.T, h *lab.Host) receiver {
	t.Helper()
	p := start(t, h, lab.Proc{Name: "sink", Program: "t-sink", Control: true})
	must(t, p.Control().SetDeadline(time.Now().Add(3*patience)))
	r := receiver{p, json.NewDecoder(bufio.NewReader(p.Control()))}
	var ready string
	if err := r.answers.Decode(&ready); err != nil {
		t.Fatalf("the sink on %s did not start: %v", h.Name(), err)
	}
	return r
}

// from is how many datagrams came from a host.
func (r receiver) from(t *testing.T, h *lab.Host) int {
	t.Helper()
	if _, err := fmt.Fprintln(r.p.Control()); err != nil {
		t.Fatal(err)
	}
	var counts map[string]int
	must(t, r.answers.Decode(&counts))
	return counts[h.Addr().String()]
}

// fire sends datagrams and fails if the sender saw any error, such as the EPERM of a drop where they are sent.
func fire(t *testing.T, from, to *lab.Host, n int) {
	t.Helper()
	run(t, from, lab.Proc{Name: "send", Program: "t-send", Args: []string{to.Addr().String() + ":4000", strconv.Itoa(n)}})
}

func dropped(t *testing.T, l *lab.Lab, h *lab.Host) int {
	t.Helper()
	n, err := l.Dropped(h.Name())
	must(t, err)
	return int(n)
}

// unreachable expects that no connection can be opened, in a time too short for a second try to help.
func unreachable(t *testing.T, l *lab.Lab, from, to *lab.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	if err := l.Reach(ctx, from.Name(), to.Addr().String()+":4001"); err == nil {
		t.Errorf("%s reached %s although they are cut off", from.Name(), to.Name())
	}
}

func reachable(t *testing.T, l *lab.Lab, from, to *lab.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := l.Reach(ctx, from.Name(), to.Addr().String()+":4001"); err != nil {
		t.Error(err)
	}
}

func TestAOneWayCutDropsOneDirectionAndSendersSeeNoError(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b", "c")
		a, b, c := h[0], h[1], h[2]
		atA, atB := receive(t, a), receive(t, b)
		reachable(t, l, a, b)
		reachable(t, l, b, a)

		heal, err := l.Cut([]string{"a"}, []string{"b"})
		must(t, err)
		const n = 100
		fire(t, a, b, n)
		fire(t, b, a, n)
		fire(t, c, b, n)
		if got := dropped(t, l, b); got != n {
			t.Errorf("dropped at b: %d packets, want %d", got, n)
		}
		if got := dropped(t, l, a); got != 0 {
			t.Errorf("dropped at a: %d packets, want 0", got)
		}
		await(t, "the open direction and the uncut host lose nothing", func() bool {
			return atA.from(t, b) == n && atB.from(t, c) == n
		})
		if got := atB.from(t, a); got != 0 {
			t.Errorf("b received %d datagrams from a over the cut", got)
		}
		unreachable(t, l, a, b) // the first packet is dropped
		unreachable(t, l, b, a) // the answer is dropped
		reachable(t, l, c, b)

		must(t, heal())
		must(t, heal()) // again: no error
		fire(t, a, b, n)
		await(t, "after the heal everything arrives", func() bool { return atB.from(t, a) == n })
		reachable(t, l, a, b)
		reachable(t, l, b, a)
	})
}

func TestHealingOneOfTwoOverlappingCutsLeavesTheOther(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b", "c")
		a, b, c := h[0], h[1], h[2]
		receive(t, b)
		healWide, err := l.Cut([]string{"a", "c"}, []string{"b"})
		must(t, err)
		fire(t, a, b, 10)
		healNarrow, err := l.Cut([]string{"a"}, []string{"a", "b"})
		must(t, err)
		fire(t, a, b, 10)
		if got := dropped(t, l, b); got != 20 {
			t.Errorf("a second cut of the same pair: %d packets counted, want 20", got)
		}
		must(t, healWide())
		unreachable(t, l, a, b)
		reachable(t, l, c, b)
		must(t, healWide()) // again: must not heal the other cut
		unreachable(t, l, a, b)
		must(t, healNarrow())
		reachable(t, l, a, b)
	})
}

func TestARestartedHostKeepsAddressCutsAndLimit(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b", "c")
		a, b, c := h[0], h[1], h[2]
		receive(t, b)
		healBefore, err := l.Cut([]string{"a"}, []string{"b"})
		must(t, err)
		must(t, l.Limit("b", 1_000_000))
		address := b.Addr()
		must(t, b.Kill(t.Context()))
		healWhileDown, err := l.Cut([]string{"b"}, []string{"c"})
		must(t, err)
		begin := time.Now()
		must(t, b.Restart(t.Context()))
		t.Logf("restarted in %v", time.Since(begin))
		if err := b.Restart(t.Context()); err == nil {
			t.Error("a host that is up was restarted")
		}
		if b.Addr() != address {
			t.Errorf("address %v after the restart, want %v", b.Addr(), address)
		}
		states, err := b.States()
		must(t, err)
		if len(states) != 0 {
			t.Errorf("processes on a restarted host: %v", states)
		}
		atB, atC := receive(t, b), receive(t, c)
		fire(t, a, b, 50)
		if got := dropped(t, l, b); got != 50 {
			t.Errorf("dropped at the restarted host: %d, want 50", got)
		}
		fire(t, b, c, 50)
		if got := dropped(t, l, c); got != 50 {
			t.Errorf("dropped by a cut made while the host was down: %d, want 50", got)
		}
		must(t, healWhileDown())
		begin = time.Now()
		reachable(t, l, c, b)
		reachable(t, l, b, c)
		if took := time.Since(begin); took > 900*time.Millisecond { // a lost first packet costs a second
			t.Errorf("a restarted host was reached after %v: it waited for something", took)
		}
		if got := pumpSeconds(t, c, b, 200_000); got < 0.8 { // (200 kB - 64 KiB) at 1 Mbit/s are 1.08 s
			t.Errorf("200 kB over a link of 1 Mbit/s took %.2f s after the restart: the limit is gone", got)
		}
		must(t, healBefore())
		fire(t, a, b, 50)
		await(t, "a heal after the restart opens the path", func() bool { return atB.from(t, a) == 50 })
		if got := atC.from(t, b); got != 0 {
			t.Errorf("c received %d datagrams over the cut", got)
		}
	})
}

func pumpSeconds(t *testing.T, from, to *lab.Host, bytes int) float64 {
	t.Helper()
	name := fmt.Sprint("pump", time.Now().UnixNano())
	text := run(t, from, lab.Proc{Name: name, Program: "t-pump", Args: []string{to.Addr().String() + ":4001", strconv.Itoa(bytes)}})
	seconds, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	must(t, err)
	return seconds
}

func TestALimitLimitsBothDirections(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b")
		a, b := h[0], h[1]
		receive(t, a)
		receive(t, b)
		const bits, bytes, burst = 16_000_000, 2_000_000, 64 << 10
		must(t, l.Limit("b", bits/2))
		must(t, l.Limit("b", bits)) // a limit replaces the earlier one
		for _, way := range []struct {
			claim    string
			from, to *lab.Host
		}{{"towards the limited host", a, b}, {"from the limited host", b, a}} {
			seconds := pumpSeconds(t, way.from, way.to, bytes)
			ratio := float64((bytes-burst)*8) / seconds / bits
			t.Logf("%s: %.3f of the limit", way.claim, ratio)
			if ratio < 0.5 || ratio > 1.05 {
				t.Errorf("%s: %.3f of the limit, expected 0.5 (on a busy machine) to 1.05", way.claim, ratio)
			}
		}
		must(t, l.Limit("b", 0))
		must(t, l.Limit("b", 0)) // again: no error
		if seconds := pumpSeconds(t, a, b, bytes); float64(bytes*8)/seconds < 5*bits {
			t.Errorf("without the limit %d bytes took %.3f s", bytes, seconds)
		}
		for _, bad := range []uint64{1, 1e12} {
			if err := l.Limit("b", bad); err == nil {
				t.Errorf("a limit of %d bit/s was accepted", bad)
			}
		}
	})
}

func TestHostsResolveEachOtherAndLaterOnes(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		a := addHosts(t, l, "a")[0]
		b := addHosts(t, l, "b")[0]
		receive(t, b)
		must(t, l.Reach(t.Context(), "a", "b:4001"))
		if err := l.Reach(t.Context(), "a", "b:4002"); err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("a port where nobody listens: %v", err)
		}
		hosts := run(t, a, lab.Proc{Name: "cat", Path: "/bin/cat", Args: []string{"/etc/hosts"}})
		want := "127.0.0.1\tlocalhost\n10.77.0.1\twb0\n10.77.0.2\ta\n10.77.0.3\tb\n"
		if d := cmp.Diff(want, hosts); d != "" {
			t.Errorf("/etc/hosts on the earlier host (-want +got):\n%s", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Reach(ctx, "a", "192.0.2.1:80"); err == nil || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("an address outside the lab: got %v, expected that there is no route", err)
		}
	})
}

func TestWrongNamesAreNamed(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		addHosts(t, l, "a", "b")
		for claim, try := range map[string]func() error{
			`no host "x": there are ["a" "b"]`: func() error { _, err := l.Cut([]string{"a"}, []string{"x"}); return err },
			`no host "y"`:                      func() error { _, err := l.Cut([]string{"y"}, []string{"b"}); return err },
			`cuts nothing`:                     func() error { _, err := l.Cut([]string{"a"}, []string{"a"}); return err },
			`no host "z"`:                      func() error { return l.Limit("z", 1e6) },
			`no host "w"`:                      func() error { return l.Reach(t.Context(), "w", "10.77.0.1:1") },
			`no host "v"`:                      func() error { _, err := l.Dropped("v"); return err },
			`a host "a" already`:               func() error { _, err := l.AddHost(t.Context(), "a"); return err },
			`no name for a host`:               func() error { _, err := l.AddHost(t.Context(), "../a"); return err },
		} {
			if err := try(); err == nil || !strings.Contains(err.Error(), claim) {
				t.Errorf("got %v, want an error with %q", err, claim)
			}
		}
		if _, err := lab.Open(); !errors.Is(err, lab.ErrOutside) {
			t.Errorf("a second Open: %v", err)
		}
	})
}
