package lab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// pausePoll is how often the states are read again while processes are being stopped or continued.
const pausePoll = time.Millisecond

// Pause stops every process on the host except its init and repeats until all read state T, twice: what was started
// by a process just before it stopped is found by the second look. Pausing a paused host is no error.
func (h *Host) Pause(ctx context.Context) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	clean := 0
	err := h.repeat(ctx, func(states map[int]string) (done bool, err error) {
		clean++
		for pid, state := range states {
			if !stopped(state) {
				clean = 0
				err = errors.Join(err, stop(pid))
			}
		}
		return clean == 2, err
	})
	if err != nil {
		return fmt.Errorf("lab: host %s: pausing it: %w", h.name, err)
	}
	h.paused = true
	return nil
}

// Resume continues every process on the host and returns when none reads state T. Resuming a host that is not paused
// is no error.
func (h *Host) Resume(ctx context.Context) error {
	h.turn.Lock()
	defer h.turn.Unlock()
	err := h.repeat(ctx, func(states map[int]string) (done bool, err error) {
		done = true
		for pid, state := range states {
			done = done && state != "T"
			err = errors.Join(err, sent(unix.Kill(pid, unix.SIGCONT), pid, unix.SIGCONT))
		}
		return done, err
	})
	if err != nil {
		return fmt.Errorf("lab: host %s: resuming it: %w", h.name, err)
	}
	h.paused = false
	return nil
}

// repeat hands the host's states to act until it is done.
func (h *Host) repeat(ctx context.Context, act func(map[int]string) (done bool, err error)) error {
	poll := time.NewTicker(pausePoll)
	defer poll.Stop()
	for {
		states, err := h.States()
		if err != nil {
			return err
		}
		done, err := act(states)
		if done || err != nil {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return fmt.Errorf("%w: states by pid: %v", ctx.Err(), states)
		}
	}
}

// stop sends SIGSTOP to every thread of a process that is not stopped. Sent to the process, it would wait for one
// thread that the kernel picks; and if that one is blocked (in vfork, for a child that is stopped) the others run on.
func stop(pid int) error {
	var errs []error
	for tid, state := range threads(pid) {
		if !stopped(state) {
			errs = append(errs, sent(unix.Tgkill(pid, tid, unix.SIGSTOP), pid, unix.SIGSTOP))
		}
	}
	return errors.Join(errs...)
}

// sent explains the error of a signal. A process that is gone needs none, and its number cannot have gone to
// another since it was read: the kernel gives numbers in turn, and comes round only after tens of thousands.
func sent(err error, pid int, s unix.Signal) error {
	if err == nil || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return fmt.Errorf("process %d: %v: %w", pid, s, err)
}

// States are the process states on the host by pid as the lab sees it ("R", "S", "D", "T", "Z"), without its init.
// A process reads T only when none of its threads can run an instruction before it is continued.
func (h *Host) States() (map[int]string, error) {
	live := h.incarnation()
	if live == nil {
		return nil, h.down()
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	states := map[int]string{}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == live.init.Process.Pid {
			continue
		}
		// Processes end while we look: one that cannot be read is gone.
		if ns, err := pidNamespace(pid); err != nil || ns != live.pidns {
			continue
		}
		if state, ok := stateOf(pid); ok {
			states[pid] = state
		}
	}
	return states, nil
}

func pidNamespace(pid int) (string, error) {
	return os.Readlink(fmt.Sprintf("/proc/%d/ns/pid", pid))
}

// stopped reports whether something in that state runs nothing: stopped, or dead and not yet reaped.
func stopped(state string) bool { return state == "T" || state == "t" || state == "Z" || state == "X" }

// threads are the states of a process's threads by number.
func threads(pid int) map[int]string {
	states := map[int]string{}
	tasks, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return nil // gone
	}
	for _, t := range tasks {
		tid, err := strconv.Atoi(t.Name())
		if err != nil {
			continue
		}
		if state, ok := stateIn(fmt.Sprintf("/proc/%d/task/%d/stat", pid, tid)); ok {
			states[tid] = state
		}
	}
	return states
}

// stateOf is the state of a process: that of a thread which may run if there is one.
//
// A thread that is blocked in the kernel (D) counts as stopped once a stop has reached it: it will stop before it
// returns from there. So reads the parent in a vfork whose child was stopped, for as long as the child is.
func stateOf(pid int) (state string, ok bool) {
	states := threads(pid)
	all, blocked := "", []int(nil)
	for tid, s := range states {
		switch {
		case s == "D":
			blocked = append(blocked, tid)
		case !stopped(s):
			return s, true
		case all != "T":
			all = s
		}
	}
	for _, tid := range blocked {
		if all != "T" && !stopPending(pid, tid) {
			return "D", true
		}
	}
	if len(blocked) > 0 {
		return "T", true
	}
	return all, all != ""
}

// stopPending reports whether SIGSTOP waits for a thread, or for the process that it is of.
func stopPending(pid, tid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/status", pid, tid))
	if err != nil {
		return false
	}
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		if name != "SigPnd" && name != "ShdPnd" {
			continue
		}
		pending, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		if err == nil && pending&(1<<(unix.SIGSTOP-1)) != 0 {
			return true
		}
	}
	return false
}

// stateIn reads the third field of a stat file. The second is a name in brackets and may contain brackets and spaces.
func stateIn(path string) (string, bool) {
	stat, err := os.ReadFile(path)
	if err != nil {
		return "", false
	}
	_, rest, found := strings.Cut(string(stat[max(0, strings.LastIndexByte(string(stat), ')')):]), ") ")
	if !found || rest == "" {
		return "", false
	}
	return rest[:1], true
}
