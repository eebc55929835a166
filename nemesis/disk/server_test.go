package disk

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

func TestFiftyKillsAndMountsLeaveNothingBehind(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		// The server runs within the test, where its goroutines can be counted.
		s := newServer()
		h, err := l.AddHost(t.Context(), "n1")
		must(t, err)
		dir := filepath.Join(h.Dir(), "data")
		must(t, os.Mkdir(dir, 0o755))
		var goroutines, files [2]int
		for round := range 50 {
			dev, err := h.MountFUSE(t.Context(), dir)
			must(t, err)
			fd, err := unix.FcntlInt(dev.Fd(), unix.F_DUPFD_CLOEXEC, 0)
			must(t, err)
			must(t, dev.Close())
			must(t, s.serve(serveRequest{Name: "n1", Backing: dir}, fd))
			p, err := h.Start(t.Context(), lab.Proc{Name: "file", Program: "t-file", Control: true, Args: []string{dir, fmt.Sprint("file", round), "text", "nothing"}})
			must(t, err)
			awaitLine(t, p, "ready\n")
			must(t, p.Control().Close())
			if round%2 == 0 {
				must(t, s.plug([]string{"n1"}))
			}
			must(t, h.Kill(t.Context()))
			if _, err := s.forget([]string{"n1"}); err != nil {
				t.Fatal(err)
			}
			if round == 9 || round == 49 {
				goroutines[round/40], files[round/40] = settled(), descriptors(t)
			}
			must(t, h.Restart(t.Context()))
		}
		if goroutines[1] > goroutines[0]+5 || files[1] > files[0]+5 { // a leak would be forty
			t.Errorf("after ten rounds and fifty: %d goroutines, %d descriptors", goroutines, files)
		}
	})
}

// settled counts goroutines once they have stopped ending.
func settled() int {
	n := runtime.NumGoroutine()
	for poll := time.NewTicker(20 * time.Millisecond); ; {
		<-poll.C
		if now := runtime.NumGoroutine(); now >= n {
			poll.Stop()
			return now
		} else {
			n = now
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	found, err := os.ReadDir("/proc/self/fd")
	must(t, err)
	return len(found)
}

func TestTheServerSaysWhatItCannotDo(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		s := newServer()
		s.patience = 50 * time.Millisecond
		h, err := l.AddHost(t.Context(), "n1")
		must(t, err)
		dir, other := filepath.Join(h.Dir(), "data"), filepath.Join(h.Dir(), "other")
		must(t, os.Mkdir(dir, 0o755))
		device := func() int {
			at, err := os.MkdirTemp(h.Dir(), "mount-*")
			must(t, err)
			dev, err := h.MountFUSE(t.Context(), at)
			must(t, err)
			fd, err := unix.FcntlInt(dev.Fd(), unix.F_DUPFD_CLOEXEC, 0)
			must(t, err)
			must(t, dev.Close())
			return fd
		}
		must(t, s.serve(serveRequest{Name: "n1", Backing: dir}, device()))
		for _, c := range []struct {
			claim, want string
			err         error
		}{
			{"a disk that is mounted cannot be mounted again", "still mounted", s.serve(serveRequest{Name: "n1", Backing: dir}, device())},
			{"nor go to another folder", "cannot become", s.serve(serveRequest{Name: "n1", Backing: other}, device())},
			{"nor to another model", "cannot become", s.serve(serveRequest{Name: "n1", Backing: dir, Model: "torn"}, device())},
			{"a backing folder must be there", "no such file", s.serve(serveRequest{Name: "n2", Backing: dir + "/missing"}, device())},
			{"a model must be known", "expected lazy", s.serve(serveRequest{Name: "n2", Backing: dir, Model: "eager"}, device())},
			{"a request to serve comes with a device", "expected a mounted", s.serve(serveRequest{Name: "n1", Backing: dir}, -1)},
			{"what is mounted is not forgotten", "kill its host first", second(s.forget([]string{"n1"}))},
			{"an unknown disk has no plug", "no disk", s.plug([]string{"n1", "n9"})},
		} {
			if c.err == nil || !strings.Contains(c.err.Error(), c.want) {
				t.Errorf("%s: %v, want %q in it", c.claim, c.err, c.want)
			}
		}
		if s.volumes["n1"].supply.plugged {
			t.Error("a Plug that failed took the power from one disk")
		}
	})
}

func second[T any](_ T, err error) error { return err }

func TestOnceTheServerHasEndedEverybodyIsToldSo(t *testing.T) {
	d, err := Start(t.Context())
	must(t, err)
	if err := d.Plug(t.Context(), "n1"); err == nil || !strings.Contains(err.Error(), "no disk") {
		t.Errorf("of a disk that there is not: %v", err)
	}
	must(t, d.Plug(t.Context())) // of none
	must(t, d.server.Process.Kill())
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	<-d.ended
	if err := d.Sync(ctx, "n1"); !errors.Is(err, ErrEnded) {
		t.Errorf("got %v, want ErrEnded", err)
	}
	must(t, d.Close())
	must(t, d.Close())
}

func TestParseModel(t *testing.T) {
	for in, want := range map[string]string{"": "lazy", "lazy": "lazy", "strict": "strict", "torn": "torn", "writeback=30s": "writeback=30s", "writeback=1m": "writeback=1m0s"} {
		m, err := ParseModel(in)
		if err != nil || m.String() != want {
			t.Errorf("%q: got %v, %v, want %s", in, m, err, want)
		}
		if again, err := ParseModel(m.String()); err != nil || again != m {
			t.Errorf("%q: %v does not parse as itself: %v, %v", in, m, again, err)
		}
	}
	for _, in := range []string{"eager", "writeback", "writeback=", "writeback=0s", "writeback=-1s", "torn "} {
		if m, err := ParseModel(in); err == nil {
			t.Errorf("%q: got %v", in, m)
		}
	}
}

func TestWritebackMakesDurableByAge(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		m := boot(t, l, start(t), "n1", "writeback=100ms")
		awaitLine(t, m.start("t-file", m.dir, "old", "text", "nothing"), "ready\n")
		poll := time.NewTicker(5 * time.Millisecond)
		defer poll.Stop()
		for limit := time.After(patience); contentOf(m.dir, "old") != "text"; {
			select {
			case <-poll.C:
			case <-limit:
				t.Fatal("it never became durable")
			}
		}
	})
}
