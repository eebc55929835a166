package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// restartTimeout is the longest that stopping or starting a broker inside its Erlang node may take: it waits for tables.
const restartTimeout = 60 * time.Second

// Mend implements targets.Mender. In profile ignore the nodes that were cut off from each other stay apart when the network
// heals, each side with its own idea of queues and messages. The product's guide to partitions says what an operator
// does: choose the side to trust, stop the brokers of all others, start them again; they take everything from the trusted
// side, and what they alone had is lost.
//
// In the other profiles the nodes do this themselves, but for one case: a node that was stopped and goes on never saw the others go, so it
// is in no minority; they saw it go, say that they were partitioned, and wait for the operator. The guide names this too.
func (c *cluster) Mend(ctx context.Context) error {
	if c.profile != ignore {
		alone, cancel := context.WithTimeout(ctx, mendsItself)
		defer cancel()
		if c.await(alone, c.nodesWell) == nil {
			return nil
		}
	}
	for {
		healths, err := c.partitions(ctx)
		if err != nil {
			return err
		}
		losers := losing(healths, c.erlangNodes())
		if len(losers) == 0 {
			return nil
		}
		if err := c.restart(ctx, losers); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("rabbitmq: mending a partition: %w", ctx.Err())
		}
	}
}

// mendsItself is how long nodes may take to be well again by themselves after a partition: they are restarted in that time.
const mendsItself = 15 * time.Second

// partitions asks every node for whom it was cut off from, until all of them answer, and a little longer: nodes notice that
// they were apart only when they meet again.
func (c *cluster) partitions(ctx context.Context) ([]nodeHealth, error) {
	hs := make([]nodeHealth, len(c.nodes))
	err := c.await(ctx, func(ctx context.Context) error {
		return c.each(func(i int, n *node) error {
			var h nodeHealth // Unmarshal would keep what an earlier answer had
			if err := c.ask(ctx, n, &h, "health"); err != nil {
				return err
			}
			if hs[i] = h; len(h.Partitions) == 0 {
				return h.check(n.Name, c.erlangNodes())
			}
			return nil
		})
	})
	return hs, err
}

// losing are the indexes of the nodes to restart; none when no node was cut off from another. The trusted side is that of the
// node which the fewest were cut off from, and the first of equals, since classic queues live there. Where only others were
// cut off from each other, those that say so restart.
func losing(hs []nodeHealth, nodes []string) []int {
	apart := func(i, j int) bool {
		return slices.Contains(hs[i].Partitions, nodes[j]) || slices.Contains(hs[j].Partitions, nodes[i])
	}
	from := func(i int) (js []int) {
		for j := range hs {
			if apart(i, j) {
				js = append(js, j)
			}
		}
		return js
	}
	trusted := 0
	for i := range hs {
		if len(from(i)) < len(from(trusted)) {
			trusted = i
		}
	}
	losers := from(trusted)
	if len(losers) > 0 {
		return losers
	}
	for i := range hs {
		if len(from(i)) > 0 {
			losers = append(losers, i)
		}
	}
	return losers
}

// restart stops the brokers of all losers and then starts them, as the guide says.
func (c *cluster) restart(ctx context.Context, losers []int) error {
	for _, what := range []string{"stop app", "start app"} {
		var errs []error
		for _, i := range losers {
			n := c.nodes[i]
			c.log("rabbitmq: %s: %s, to mend a partition", n.Name, what)
			var said string
			err := c.asker.askFor(ctx, restartTimeout, erlangNode(n.machine.addr.String()), &said, what)
			if err == nil && said != "ok" {
				err = fmt.Errorf("rabbitmq: %s of %s: %s", what, n.Name, said)
			}
			errs = append(errs, err)
		}
		if err := errors.Join(errs...); err != nil {
			return err
		}
	}
	return nil
}
