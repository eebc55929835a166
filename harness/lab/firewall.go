package lab

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netns"
)

// Packets are dropped where they arrive, and there before connection tracking: a drop where they are sent would be
// an error (EPERM) at the sender, which no network gives. No rule lets established connections pass.
const (
	tableName = "waybill"
	chainName = "cut"
	priority  = -310 // earlier than connection tracking (-200), which must not note packets that the cut swallows
)

// syncFirewall makes the rules of a host's namespace drop what comes from these addresses and nothing else.
// Rules that stay keep their counters. A rule's user data is the address, by which it is found again.
func syncFirewall(ns netns.NsHandle, sources map[netip.Addr]bool) error {
	there, err := nftables.New(nftables.WithNetNSFd(int(ns)))
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	table := there.AddTable(&nftables.Table{Name: tableName, Family: nftables.TableFamilyINet})
	accept := nftables.ChainPolicyAccept
	chain := there.AddChain(&nftables.Chain{
		Name: chainName, Table: table, Type: nftables.ChainTypeFilter, Policy: &accept,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRef(priority),
	})
	if err := there.Flush(); err != nil {
		return fmt.Errorf("nftables: table and chain: %w", err)
	}
	rules, err := there.GetRules(table, chain)
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	present := map[netip.Addr]bool{}
	for _, r := range rules {
		source, ok := netip.AddrFromSlice(r.UserData)
		if ok && sources[source] {
			present[source] = true
			continue
		}
		if err := there.DelRule(r); err != nil {
			return fmt.Errorf("nftables: removing a rule: %w", err)
		}
	}
	for source := range sources {
		if !present[source] {
			there.AddRule(dropFrom(table, chain, source))
		}
	}
	if err := there.Flush(); err != nil {
		return fmt.Errorf("nftables: rules: %w", err)
	}
	return nil
}

// dropFrom is: meta nfproto ipv4 ip saddr SOURCE counter drop.
func dropFrom(table *nftables.Table, chain *nftables.Chain, source netip.Addr) *nftables.Rule {
	const nfprotoIPv4, sourceOffset = 2, 12
	return &nftables.Rule{
		Table: table, Chain: chain, UserData: source.AsSlice(),
		Exprs: []expr.Any{
			&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{nfprotoIPv4}},
			&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: sourceOffset, Len: 4},
			&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: source.AsSlice()},
			&expr.Counter{},
			&expr.Verdict{Kind: expr.VerdictDrop},
		},
	}
}

// droppedIn is how many packets the rules of a host's namespace have dropped.
func droppedIn(ns netns.NsHandle) (uint64, error) {
	there, err := nftables.New(nftables.WithNetNSFd(int(ns)))
	if err != nil {
		return 0, fmt.Errorf("nftables: %w", err)
	}
	table := &nftables.Table{Name: tableName, Family: nftables.TableFamilyINet}
	rules, err := there.GetRules(table, &nftables.Chain{Name: chainName, Table: table})
	if err != nil {
		return 0, fmt.Errorf("nftables: %w", err)
	}
	var n uint64
	for _, r := range rules {
		for _, e := range r.Exprs {
			if c, ok := e.(*expr.Counter); ok {
				n += c.Packets
			}
		}
	}
	return n, nil
}
