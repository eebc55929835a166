package nats

import (
	"context"
	"fmt"
	"net/netip"

	"waybill/harness/lab"
)

const (
	clientPort = 4222
	routePort  = 6222
)

// onHost is a lab host as a broker's machine: ports are fixed, since each host has its own address.
func onHost(h *lab.Host) machine {
	return machine{
		name:   h.Name(),
		client: netip.AddrPortFrom(h.Addr(), clientPort).String(),
		route:  netip.AddrPortFrom(h.Addr(), routePort).String(),
		dir:    h.Dir(),
		start: func(ctx context.Context, config string) (process, error) {
			p, err := h.Start(ctx, lab.Proc{Name: serverProgram, Program: serverProgram, Args: []string{config}})
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
