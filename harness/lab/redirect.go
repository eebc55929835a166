package lab

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// The redirect has a table of its own, so that cuts and it change nothing of each other.
const (
	redirectTable = "waybill-redirect"
	redirectChain = "dialled"
)

// Redirect makes TCP connections that processes on the host open to one of these ports, of whatever address, arrive at port to of the
// host itself, where a proxy learns by SO_ORIGINAL_DST whom they were meant for. Sockets with this mark (SO_MARK; not 0, which is
// every other socket's) are let through: they are the proxy's own. A second call replaces what the first said.
//
// The kernel asks the rule for new connections only: call it before clients start. It ends with this incarnation of the host: after
// Restart there is none. Cuts go on to work: the proxy's connections are cut as the client's would be, and what it says to the
// client bears the other host's address, so a cut of that direction swallows it too (and Dropped counts it), down to the
// handshake of a new connection. A cut of the direction away from the host alone differs in one thing: the proxy accepts what
// the broker never hears of.
func (h *Host) Redirect(ctx context.Context, ports []uint16, to uint16, mark uint32) error {
	switch {
	case len(ports) == 0 || to == 0:
		return fmt.Errorf("lab: host %s: redirect of ports %d to %d: expected at least one, and a port that is not 0", h.name, ports, to)
	case mark == 0:
		return fmt.Errorf("lab: host %s: redirect: expected a mark other than 0, which is that of every socket without one", h.name)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("lab: host %s: redirect: %w", h.name, err)
	}
	h.lab.mu.Lock()
	defer h.lab.mu.Unlock()
	if h.lab.hostNetwork {
		return fmt.Errorf("lab: host %s: redirect: %w", h.name, ErrHostNetwork)
	}
	if h.live == nil {
		return h.down()
	}
	if err := redirect(h.live.netns, ports, to, mark); err != nil {
		return fmt.Errorf("lab: host %s: redirect: %w", h.name, err)
	}
	h.live.mark = mark
	return nil
}

func redirect(ns netns.NsHandle, ports []uint16, to uint16, mark uint32) error {
	there, err := nftables.New(nftables.WithNetNSFd(int(ns)))
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	table := &nftables.Table{Name: redirectTable, Family: nftables.TableFamilyIPv4}
	// One transaction: added, so that there is one to delete; deleted, with the rules of an earlier call; and added again.
	there.AddTable(table)
	there.DelTable(table)
	there.AddTable(table)
	chain := there.AddChain(&nftables.Chain{
		Name: redirectChain, Table: table, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityNATDest,
	})
	for _, port := range ports {
		there.AddRule(redirectRule(table, chain, port, to, mark))
	}
	if err := there.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// redirectRule is: meta l4proto tcp tcp dport PORT meta mark != MARK redirect to :TO.
func redirectRule(table *nftables.Table, chain *nftables.Chain, port, to uint16, mark uint32) *nftables.Rule {
	const portOffset = 2
	return &nftables.Rule{
		Table: table, Chain: chain,
		Exprs: []expr.Any{
			&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{unix.IPPROTO_TCP}},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: portOffset, Len: 2},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binary.BigEndian.AppendUint16(nil, port)},
			&expr.Meta{Key: expr.MetaKeyMARK, Register: 1},
			&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: binary.NativeEndian.AppendUint32(nil, mark)},
			&expr.Immediate{Register: 1, Data: binary.BigEndian.AppendUint16(nil, to)},
			&expr.Redir{RegisterProtoMin: 1, Flags: expr.NF_NAT_RANGE_PROTO_SPECIFIED},
		},
	}
}

// marked is a dialer whose connections a redirect lets through, if mark is its; 0 sets none.
func marked(mark uint32) *net.Dialer {
	if mark == 0 {
		return &net.Dialer{}
	}
	return &net.Dialer{Control: func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, int(mark)) })
		return errors.Join(err, set)
	}}
}
