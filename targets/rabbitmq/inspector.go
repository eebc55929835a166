package rabbitmq

import (
	"context"
	"fmt"
	"net"
	"sync"

	"waybill/targets"
)

// inspector asks the brokers' own nodes for the depth of a queue. What the queue holds nobody can read without consuming it.
type inspector struct {
	blind
	nodes []targets.Node

	mu    sync.Mutex
	asker *asker // started by the first question: an Erlang node takes half a second of processor time
}

// blind is the part of an inspector that cannot see: AMQP gives a message to be read only by delivering it, which counts,
// marks and reorders.
type blind struct{ queue string }

// Scan implements targets.Inspector.
func (b blind) Scan(context.Context, int, targets.ScanVisitor) error {
	return fmt.Errorf("rabbitmq: queue %s: %w", b.queue, targets.ErrNoScan)
}

func newInspector(c targets.ClientConfig, n names) targets.Inspector {
	if c.Access != nil {
		return newOutsider(c, n)
	}
	return &inspector{blind: blind{n.queue}, nodes: c.Nodes}
}

// asking returns the asker, started if there is none or it has ended.
func (i *inspector) asking(ctx context.Context) (*asker, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.asker != nil {
		select {
		case <-i.asker.ended:
			_ = i.asker.Close() // it has ended, and said why to whom it left without an answer
			i.asker = nil
		default:
			return i.asker, nil
		}
	}
	peer, _, err := net.SplitHostPort(i.nodes[0].Addr)
	if err != nil {
		return nil, fmt.Errorf("rabbitmq: address of node %s: %w", i.nodes[0].Name, err)
	}
	i.asker, err = newAsker(ctx, peer)
	return i.asker, err
}

// Depth implements targets.Inspector. The counts are those of the queue's leader, not statistics, which are seconds old. It
// is settled only if every node answers and names the same leader: one that cannot be asked might believe in another.
func (i *inspector) Depth(ctx context.Context) (targets.Depth, error) {
	a, err := i.asking(ctx)
	if err != nil {
		return targets.Depth{}, err
	}
	d, err := a.depth(ctx, i.nodes, i.queue)
	if err != nil {
		return targets.Depth{}, err
	}
	return targets.Depth{
		Ready: d.Ready, Unacked: d.Unacked, Settled: d.Agreed && d.Ready == 0 && d.Unacked == 0, From: "leader " + d.From,
	}, nil
}

// Close implements targets.Inspector.
func (i *inspector) Close() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.asker == nil {
		return nil
	}
	return i.asker.Close()
}
