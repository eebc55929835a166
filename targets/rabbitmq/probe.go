package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"waybill/targets"
)

// queueDepth is what is left to deliver from a queue. It is exact at the moment that From answered: the leader of a quorum
// queue, in a query which a majority has confirmed that it may answer, or the process of a classic queue.
type queueDepth struct {
	Ready   int64  `json:"ready"`
	Unacked int64  `json:"unacked"`
	From    string `json:"from"` // Erlang node

	Agreed bool `json:"-"` // every node was asked, and named the same leader
}

// depth asks every node for a queue's depth, by way of whom it believes to lead. An error means that none could say:
// errNotFound, that a node which answered knows of no such queue. A queue on a node that is down has no depth.
func (a *asker) depth(ctx context.Context, nodes []targets.Node, queue string) (queueDepth, error) {
	depths := make([]queueDepth, len(nodes))
	errs := make([]error, len(nodes))
	var all sync.WaitGroup
	for i, n := range nodes {
		all.Go(func() {
			host, _, err := net.SplitHostPort(n.Addr)
			if err != nil {
				errs[i] = fmt.Errorf("rabbitmq: address of %s: %w", n.Name, err)
				return
			}
			errs[i] = a.ask(ctx, host, &depths[i], "depth", namesOf(queue).queue)
		})
	}
	all.Wait()
	return mergeDepths(depths, errs)
}

// mergeDepths takes what one node said for the whole where they agree, and the largest of each where they do not.
func mergeDepths(depths []queueDepth, errs []error) (queueDepth, error) {
	var d queueDepth
	answered, agreed := 0, true
	for i, o := range depths {
		if errs[i] != nil {
			continue
		}
		if answered++; answered > 1 && o.From != d.From {
			agreed = false
		}
		d = queueDepth{Ready: max(d.Ready, o.Ready), Unacked: max(d.Unacked, o.Unacked), From: o.From}
	}
	if answered == 0 {
		return d, fmt.Errorf("rabbitmq: no node knows the queue's depth: %w", errors.Join(errs...))
	}
	d.Agreed = agreed && answered == len(depths)
	return d, nil
}
