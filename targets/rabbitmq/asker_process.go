package rabbitmq

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// askerSource is the Erlang program that asks the brokers.
//
//go:embed asker.erl
var askerSource []byte

// newAsker starts an Erlang node on this host that can reach the broker at address peer.
func newAsker(ctx context.Context, peer string) (*asker, error) {
	program, err := erl()
	if err != nil {
		return nil, err
	}
	local, err := localAddress(peer)
	if err != nil {
		return nil, err
	}
	a := &asker{ended: make(chan struct{}), stderr: &tail{}, pending: map[uint64]chan answer{}}
	if a.dir, err = os.MkdirTemp("", "waybill-asker-"); err != nil {
		return nil, fmt.Errorf("rabbitmq: asker: %w", err)
	}
	if err := os.WriteFile(filepath.Join(a.dir, "asker.erl"), askerSource, 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	c := exec.Command(program, askerArguments(filepath.Base(a.dir)+"@"+local)...)
	c.Dir = a.dir
	c.Env = []string{"HOME=" + a.dir, "PATH=" + searchPath(), "LANG=C.UTF-8", "ERL_CRASH_DUMP=" + os.DevNull}
	c.Stderr = a.stderr
	in, err := c.StdinPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	if err := c.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("rabbitmq: asker: %w", err), os.RemoveAll(a.dir))
	}
	a.in, a.wait, a.kill = in, c.Wait, c.Process.Kill
	go a.read(out)
	if err := a.ready(ctx); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// askerArguments start the program in the folder it lies in. The tick must be the brokers' own; a hidden node is no member
// of the cluster and connects nobody to anybody.
func askerArguments(name string) []string {
	return []string{"-noshell", "-noinput", "-hidden", "-name", name, "-setcookie", cookie,
		"-kernel", "net_ticktime", strconv.Itoa(int(netTick.Seconds())), "net_setuptime", "3", "prevent_overlapping_partitions", "false",
		"+S", "1:1", "+SDcpu", "1:1", "+SDio", "1", "+sbwt", "none", "+sbwtdcpu", "none", "+sbwtdio", "none",
		"-eval", `case compile:file("asker.erl", [report]) of {ok, _} -> asker:start(); _ -> halt(3) end.`}
}

// localAddress is the address that this host is seen by from peer's network. Nothing is sent.
func localAddress(peer string) (string, error) {
	c, err := net.Dial("udp4", net.JoinHostPort(peer, strconv.Itoa(distPort)))
	if err != nil {
		return "", fmt.Errorf("rabbitmq: asker: which address reaches %s: %w", peer, err)
	}
	defer c.Close()
	host, _, err := net.SplitHostPort(c.LocalAddr().String())
	if err != nil {
		return "", fmt.Errorf("rabbitmq: asker: %w", err)
	}
	return host, nil
}

// ready waits until the program answers: a question of no node, which it refuses.
func (a *asker) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := a.askFor(ctx, 20*time.Second, "none@127.0.0.1", nil, "hello")
	if errors.Is(err, errRefused) {
		return nil
	}
	return fmt.Errorf("rabbitmq: the asking Erlang node does not start: %w", err)
}

var errRefused = errors.New("rabbitmq: the asker does not know this question")

// Close ends the Erlang node, by the end of its input, and by force if that does not do.
func (a *asker) Close() error {
	err := a.in.Close()
	select {
	case <-a.ended:
	case <-time.After(2 * time.Second):
		err = errors.Join(err, a.kill())
		<-a.ended
	}
	return errors.Join(err, os.RemoveAll(a.dir))
}

// tail keeps the last that was written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

const tailSize = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if over := len(t.last) - tailSize; over > 0 {
		t.last = append([]byte(nil), t.last[over:]...)
	}
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.last)
}
