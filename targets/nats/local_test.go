package nats

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"waybill/harness/reexec"
)

// localMachines are three brokers as processes of this machine, on loopback: a cluster without a lab, for what needs no
// faults. They end with the test.
func localMachines(t testing.TB) []machine {
	t.Helper()
	var ms []machine
	for i := range replicas {
		name := fmt.Sprintf("n%d", i+1)
		ms = append(ms, machine{
			name: name, client: freeAddr(t), route: freeAddr(t), dir: filepath.Join(t.TempDir(), name),
			start: func(_ context.Context, config string) (process, error) {
				p := &localProcess{cmd: reexec.Command(serverProgram, config), done: make(chan struct{})}
				p.cmd.Stderr = &p.stderr
				if err := p.cmd.Start(); err != nil {
					return nil, err
				}
				go func() {
					p.err = p.cmd.Wait()
					close(p.done)
				}()
				t.Cleanup(func() {
					p.cmd.Process.Kill()
					<-p.done
				})
				return p, nil
			},
		})
	}
	return ms
}

type localProcess struct {
	cmd    *exec.Cmd
	done   chan struct{}
	err    error
	stderr bytes.Buffer
}

func (p *localProcess) Done() <-chan struct{} { return p.done }
func (p *localProcess) Why() string           { return fmt.Sprintf("%v: %s", p.err, p.stderr.String()) }

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
