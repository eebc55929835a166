package kafka

import (
	"context"
	"fmt"
	"net/netip"
	"strconv"
	"sync"

	"waybill/harness/lab"
	"waybill/targets"
)

// node is one process of the cluster: a broker, the controller, or both in one.
type node struct {
	targets.Node
	id         int32
	client     *line // to the broker's listener; nil for a controller alone
	controller *line // to the controller's listener; nil for a broker alone, and in a cluster of somebody else

	server  server // as configured
	machine machine

	mu      sync.Mutex
	process process
}

// machine is what a node runs on: a lab host, or in tests a folder and ports on loopback.
type machine struct {
	name       string
	host       string // address
	client     int    // port of the broker's listener
	controller int
	dir        string
	start      func(ctx context.Context, path string, args, env []string) (process, error)
}

// process is a running JVM.
type process interface {
	Done() <-chan struct{}
	Why() string // it ended, after Done
}

// onHost is a lab host as a node's machine: ports are the product's usual ones, since each host has its own address.
func onHost(h *lab.Host) machine {
	return machine{
		name: h.Name(), host: h.Addr().String(), client: clientPort, controller: controllerPort, dir: h.Dir(),
		start: func(ctx context.Context, path string, args, env []string) (process, error) {
			p, err := h.Start(ctx, lab.Proc{Name: "kafka", Path: path, Args: args, Env: env})
			if err != nil {
				return nil, err
			}
			return labProcess{p}, nil
		},
	}
}

type labProcess struct{ *lab.Process }

func (p labProcess) Why() string {
	e := p.Exit()
	return fmt.Sprintf("exit code %d, signal %q, last words %q", e.Code, e.Signal, e.Stderr)
}

func (m machine) addr(port int) string {
	if a, err := netip.ParseAddr(m.host); err == nil {
		return netip.AddrPortFrom(a, uint16(port)).String()
	}
	return m.host + ":" + strconv.Itoa(port)
}

// ended says why a node's process ended, if it has.
func (n *node) ended() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process == nil {
		return nil
	}
	select {
	case <-n.process.Done():
		return fmt.Errorf("kafka: the server on %s has ended: %s", n.Name, n.process.Why())
	default:
		return nil
	}
}

func (n *node) close() {
	n.client.close()
	n.controller.close()
}
