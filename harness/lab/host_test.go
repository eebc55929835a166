package lab_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"waybill/harness/lab"
	"waybill/harness/lab/labtest"
)

func TestKillEndsDaemonsThatLeftTheirParentsAndSessions(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b")
		bystander := start(t, h[1], lab.Proc{Name: "bystander", Program: "t-sleep"})
		run(t, h[0], lab.Proc{Name: "daemon", Program: "t-daemon", Args: []string{"3", "t-sleep"}})
		direct := start(t, h[0], lab.Proc{Name: "direct", Program: "t-sleep"})
		await(t, "the daemon, the direct process and the bystander run", func() bool { return running(t, "t-sleep") == 3 })

		begin := time.Now()
		must(t, h[0].Kill(t.Context()))
		t.Logf("killed in %v", time.Since(begin))

		if n := running(t, "t-sleep"); n != 1 {
			t.Errorf("after Kill %d sleepers run, expected only the other host's", n)
		}
		if h[0].Up() {
			t.Error("the killed host says it is up")
		}
		if e := ended(t, direct); !e.Killed || e.Signal != "killed" || e.Code != -1 {
			t.Errorf("exit of a process on a killed host: %+v", e)
		}
		select {
		case <-bystander.Done():
			t.Error("a process of the other host ended")
		default:
		}
		if got, want := interfaces(t), []string{"host2", "lo", "wb0"}; !slices.Equal(got, want) {
			t.Errorf("interfaces after Kill: got %q, want %q", got, want)
		}
		must(t, h[0].Kill(t.Context())) // again: no error
		if _, err := h[0].Start(t.Context(), lab.Proc{Name: "x", Program: "t-sleep"}); !errors.Is(err, lab.ErrDown) {
			t.Errorf("Start on a host that is down: %v", err)
		}
	})
}

func TestPauseStopsEverythingEvenWhileItForks(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a")[0]
		for i := range 3 {
			start(t, h, lab.Proc{Name: fmt.Sprint("forker", i), Program: "t-forker"})
		}
		run(t, h, lab.Proc{Name: "daemon", Program: "t-daemon", Args: []string{"2", "t-forker"}})
		dots := func() (n int) {
			for i := range 3 {
				n += len(output(t, h, fmt.Sprint("forker", i)))
			}
			return n
		}
		await(t, "the forkers fork", func() bool { return dots() > 10 })
		for round := range 20 {
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			must(t, h.Pause(ctx))
			took, before := time.Since(begin), dots()
			watch := time.NewTimer(10 * time.Millisecond)
			for looking := true; looking; {
				states, err := h.States()
				must(t, err)
				if len(states) < 4 {
					t.Fatalf("round %d: expected at least the four forkers, got %v", round, states)
				}
				for pid, s := range states {
					if s != "T" && s != "Z" {
						t.Fatalf("round %d: process %d reads %s on a paused host", round, pid, s)
					}
				}
				select {
				case <-watch.C:
					looking = false
				default:
				}
			}
			if after := dots(); after != before {
				t.Fatalf("round %d: the forkers went on from %d to %d while paused", round, before, after)
			}
			if _, err := h.Start(t.Context(), lab.Proc{Name: "x", Program: "t-sleep"}); !errors.Is(err, lab.ErrPaused) {
				t.Fatalf("Start on a paused host: %v", err)
			}
			must(t, h.Resume(ctx))
			cancel()
			await(t, "the forkers go on", func() bool { return dots() > before })
			t.Logf("paused in %v", took)
		}
		must(t, h.Pause(t.Context()))
		must(t, h.Kill(t.Context())) // a paused host can be killed
		if n := running(t, "t-forker"); n != 0 {
			t.Errorf("%d forkers survived the host", n)
		}
	})
}

func TestAHostsInitReapsOrphans(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a")[0]
		for i := range 20 {
			run(t, h, lab.Proc{Name: fmt.Sprint("daemon", i), Program: "t-daemon", Args: []string{"2", "t-exit", "0"}})
		}
		await(t, "no process and no zombie is left", func() bool {
			states, err := h.States()
			must(t, err)
			return len(states) == 0
		})
	})
}

func TestExit(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a")[0]
		for _, c := range []struct {
			claim string
			args  []string
			want  lab.Exit
		}{
			{"success is code 0", []string{"0"}, lab.Exit{}},
			{"a code is passed on", []string{"3"}, lab.Exit{Code: 3}},
			{"a signal is no code", []string{"SIGKILL"}, lab.Exit{Code: -1, Signal: "killed"}},
			{"standard error is kept", []string{"1", "2"}, lab.Exit{Code: 1, Stderr: "0\n1\n"}},
			{"what earlier processes wrote to the same file is not", []string{"1", "1"}, lab.Exit{Code: 1, Stderr: "0\n"}},
		} {
			got := ended(t, start(t, h, lab.Proc{Name: "p", Program: "t-exit", Args: c.args}))
			if time.Since(got.At) > patience {
				t.Errorf("%s: at %v", c.claim, got.At)
			}
			got.At = time.Time{}
			if got != c.want {
				t.Errorf("%s: got %+v, want %+v", c.claim, got, c.want)
			}
		}
		long := ended(t, start(t, h, lab.Proc{Name: "p", Program: "t-exit", Args: []string{"0", "5000"}}))
		if len(long.Stderr) != 4096 || !strings.HasSuffix(long.Stderr, "\n4999\n") {
			t.Errorf("long standard error: %d bytes that end in %q, expected the last 4096", len(long.Stderr), long.Stderr[max(0, len(long.Stderr)-10):])
		}
		sleeper := start(t, h, lab.Proc{Name: "s", Program: "t-sleep"})
		if _, err := os.Stat(fmt.Sprintf("/proc/%d", sleeper.Pid())); err != nil {
			t.Errorf("the pid is not one that the lab sees: %v", err)
		}
		must(t, sleeper.Signal(t.Context(), syscall.SIGTERM))
		if e := ended(t, sleeper); e.Signal != "terminated" || e.Killed {
			t.Errorf("a process ended by SIGTERM: %+v", e)
		}
		if err := sleeper.Signal(t.Context(), syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			t.Errorf("a signal to a process that ended: %v", err)
		}
	})
}

func TestStartRefusesWhatItCannotStart(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a")[0]
		for _, c := range []struct {
			claim string
			p     lab.Proc
			want  string
		}{
			{"no name", lab.Proc{Program: "t-sleep"}, "expected a name"},
			{"a name that leaves the folder", lab.Proc{Name: "../x", Program: "t-sleep"}, "expected a name"},
			{"nothing to run", lab.Proc{Name: "x"}, "either Program or Path"},
			{"a relative path", lab.Proc{Name: "x", Path: "bin/true"}, "absolute"},
			{"a path that is not there", lab.Proc{Name: "x", Path: "/nowhere/at/all"}, "no such file"},
			{"a folder that is not there", lab.Proc{Name: "x", Program: "t-sleep", Cwd: "/nowhere"}, "no such file"},
			{"too many arguments", lab.Proc{Name: "x", Program: "t-sleep", Args: []string{strings.Repeat("x", 1<<20)}}, "must fit"},
		} {
			_, err := h.Start(t.Context(), c.p)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: got %v, want an error with %q", c.claim, err, c.want)
			}
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := h.Start(cancelled, lab.Proc{Name: "x", Program: "t-sleep"}); err == nil {
			t.Log("the start was quicker than the cancellation")
		} else {
			await(t, "a process whose start was given up does not stay", func() bool { return running(t, "t-sleep") == 0 })
		}
		run(t, h, lab.Proc{Name: "after", Program: "t-exit", Args: []string{"0"}}) // the host still works
	})
}

func TestAHostIsAMachineOfItsOwn(t *testing.T) {
	var files syscall.Rlimit
	must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &files))
	low := files
	low.Cur = 256 // as a shell with a low limit would have started us
	must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low))
	t.Cleanup(func() { must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &files)) })
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a", "b")
		shell := func(script string) string {
			return run(t, h[0], lab.Proc{Name: fmt.Sprint(time.Now().UnixNano()), Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"GIVEN=yes", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}})
		}
		for script, want := range map[string]string{
			"cat /proc/sys/kernel/hostname": "a\n",
			"pwd":                           h[0].Dir() + "\n",
			"echo $GIVEN":                   "yes\n",
			"cat /proc/sys/net/ipv6/conf/all/disable_ipv6 2>&- || echo 1": "1\n",
			"cat /proc/1/cmdline | tr '\\0' ' ' | cut -d' ' -f1,2":        "waybill:lab-host+control a\n",
			"[ $(ulimit -Sn) = $(ulimit -Hn) ] && echo equal":             "equal\n",
			"cat /proc/self/oom_score_adj":                                "500\n",
			"ls /dev/shm | wc -l":                                         "0\n",
			"ls /proc/self/fd | wc -l":                                    "4\n", // 0, 1, 2 and ls's own: nothing leaks
			"grep -c eth0 /proc/net/dev":                                  "1\n",
		} {
			if got := shell(script); got != want {
				t.Errorf("%s: got %q, want %q", script, got, want)
			}
		}
		if want := filepath.Join(l.Dir(), "hosts", "a"); h[0].Dir() != want {
			t.Errorf("folder %s, want %s", h[0].Dir(), want)
		}
	})
}

func TestControlIsASocketBetweenAProcessAndUs(t *testing.T) {
	labtest.Run(t, func(t *testing.T, l *lab.Lab) {
		h := addHosts(t, l, "a")[0]
		p := start(t, h, lab.Proc{Name: "echo", Program: "t-echo", Control: true})
		if _, err := p.Control().Write([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 10)
		must(t, p.Control().SetReadDeadline(time.Now().Add(patience)))
		if n, err := p.Control().Read(buffer); err != nil || string(buffer[:n]) != "hello" {
			t.Fatalf("read %q, %v", buffer[:n], err)
		}
		must(t, h.Kill(t.Context()))
		if n, err := p.Control().Read(buffer); n != 0 || err == nil {
			t.Errorf("after the host's end: read %d bytes, %v; expected end of file", n, err)
		}
		must(t, p.Control().Close())
	})
}
