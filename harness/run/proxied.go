package run

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"

	"waybill/harness/history"
	"waybill/harness/lab"
	"waybill/nemesis/frames"
)

// Where a client's own proxy listens, and the mark that its packets pass by. A host has one client and nothing else.
const (
	proxyPort = 4999
	proxyMark = 0x77
)

// proxied is the proxy beside a client that knows nothing of it: it stands where the filter in a worker's own dialer would. It lives as
// long as the incarnation of the client's host.
type proxied struct {
	remote atomic.Pointer[frames.Remote]
	hits   atomic.Uint64
}

// startProxy puts a proxy between the client that is about to start on m's host and the brokers.
func (m *member) startProxy(ctx context.Context, life history.Life) error {
	var ports []uint16
	for _, n := range m.c.cluster.Nodes() {
		_, port, err := net.SplitHostPort(n.Addr)
		if err != nil {
			return fmt.Errorf("run: address of %s: %w", n.Name, err)
		}
		p, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return fmt.Errorf("run: port of %s: %w", n.Name, err)
		}
		ports = append(ports, uint16(p))
	}
	if err := m.host.Redirect(ctx, ports, proxyPort, proxyMark); err != nil {
		return err
	}
	p, err := m.host.Start(ctx, lab.Proc{Name: frames.ProxyProgram, Program: frames.ProxyProgram, Control: true})
	if err != nil {
		return err
	}
	hit := func(h frames.Hit) {
		e := hitEvent(h)
		e.Lane, e.Other = uint32(m.lane), life
		m.c.journal.put(e)
		m.proxy.hits.Add(1)
	}
	refused := func(r frames.Refusal) {
		m.c.tell(Progress{Warning: fmt.Sprintf("the proxy of %s refuses connections to %s: %s", m.host.Name(), r.Addr, r.Why)})
	}
	remote, err := frames.Connect(ctx, p.Control(), frames.ProxyConfig{Protocol: m.c.product.Protocol, Port: proxyPort, Mark: proxyMark}, hit, refused)
	if err != nil {
		return fmt.Errorf("run: the proxy of %s: %w", m.host.Name(), err)
	}
	m.proxy.hits.Store(0)
	m.proxy.remote.Store(remote)
	return nil
}

// filter sets the rules for the frames of the member's client, wherever they are filtered, and says on how many connections nothing can be.
func (m *member) filter(ctx context.Context, rules []frames.Rule) (lost int, err error) {
	remote := m.proxy.remote.Load()
	if remote == nil {
		err = m.order(ctx, filterOrder, rules, &lost)
		return lost, err
	}
	if lost, err = remote.Lost(ctx); err != nil {
		return 0, err
	}
	return lost, remote.Set(ctx, rules)
}
