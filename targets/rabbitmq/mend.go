package rabbitmq

import (
	"cmp"
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
// In the other profiles the nodes do this themselves, but not always, as seen with 3.10 after a broker was stopped by a signal
// and went on. One that finds itself connected again before it has looked whether it is in a minority goes on apart from
// the others; and one that did restart may be listed by others for ever: they forget it when they see it stopped, but one
// that was busy when it stopped looks only after it has started again. And one that paused in a minority may not start its broker again
// when it sees the others, for a minute at least, or start it and not come to an end. All are left to the operator, who kills what will
// not even stop.
func (c *cluster) Mend(ctx context.Context) error {
	away := make(absences, len(c.nodes))
	for {
		healths, err := c.partitions(ctx, away)
		if err != nil {
			return err
		}
		losers, idle, stuck := losing(healths, c.erlangNodes()), away.idle(healths), away.stuck()
		switch {
		case len(stuck) > 0: // before it is told anything, which it might never answer
			err = c.replace(ctx, away, stuck)
		case len(losers) > 0:
			err = c.restart(ctx, losers)
		case len(idle) > 0:
			err = c.fetch(ctx, away, idle)
		default:
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("rabbitmq: mending a partition: %w", ctx.Err())
		}
	}
}

// mendsItself is how long all nodes must serve and say the same of a partition, in a profile where they mend it themselves,
// until nobody but an operator will.
const mendsItself = 4 * time.Second

// partitions asks every node for whom it was cut off from, until all of them answer and serve, or nobody but an operator will have them do,
// and a little longer: nodes notice that they were apart only when they meet again.
func (c *cluster) partitions(ctx context.Context, away absences) ([]nodeHealth, error) {
	var hs []nodeHealth
	var since time.Time  // all nodes serve and say what they say now
	looked := time.Now() // the last time
	err := c.await(ctx, func(ctx context.Context) error {
		last := hs
		hs = make([]nodeHealth, len(c.nodes)) // anew: Unmarshal would keep what an earlier answer had
		err := c.each(func(i int, n *node) error {
			if err := c.ask(ctx, n, &hs[i], "health"); err != nil {
				return err
			}
			if h := hs[i]; len(h.Partitions) == 0 {
				return h.check(n.Name, c.erlangNodes())
			}
			return nil
		})
		now := time.Now()
		away.see(hs, now.Sub(looked))
		looked = now
		if err == nil && (c.profile == ignore || !slices.ContainsFunc(hs, nodeHealth.apart)) {
			return nil
		}
		if len(away.idle(hs)) > 0 || len(away.stuck()) > 0 {
			return nil
		}
		if !slices.EqualFunc(last, hs, nodeHealth.unchanged) {
			since = time.Now()
		}
		if slices.ContainsFunc(hs, nodeHealth.apart) && time.Since(since) >= mendsItself {
			return nil
		}
		return cmp.Or(err, errMending)
	})
	return hs, err
}

var errMending = errors.New("rabbitmq: the nodes may still mend a partition themselves")

// apart reports whether a node says that it was cut off from another.
func (h nodeHealth) apart() bool { return len(h.Partitions) > 0 }

// unchanged reports whether a node serves, and says the same of the others as in an earlier answer.
func (h nodeHealth) unchanged(o nodeHealth) bool {
	return h.Serving && o.Serving && !h.Unsure && !o.Unsure &&
		slices.Equal(h.Partitions, o.Partitions) && slices.Equal(h.Running, o.Running)
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

// restart stops the brokers of all losers and then starts them, as the guide says. In between the others must have seen them
// go, and so forgotten that they were cut off.
func (c *cluster) restart(ctx context.Context, losers []int) error {
	if err := c.tellAll(ctx, losers, "stop app"); err != nil {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, restartTimeout)
	defer cancel()
	err := c.await(limit, func(ctx context.Context) error {
		return c.each(func(i int, n *node) error {
			if slices.Contains(losers, i) {
				return nil
			}
			var h nodeHealth
			if err := c.ask(ctx, n, &h, "health"); err != nil {
				return err
			}
			return h.forgot(n.Name, c.namesAt(losers))
		})
	})
	return errors.Join(err, c.tellAll(ctx, losers, "start app"))
}

// forgot reports whether a node says nothing any more of a partition from nodes that were stopped.
func (h nodeHealth) forgot(name string, stopped []string) error {
	if h.Unsure {
		return fmt.Errorf("rabbitmq: %s does not know yet whether it was partitioned", name)
	}
	for _, s := range stopped {
		if slices.Contains(h.Partitions, s) || slices.Contains(h.Running, s) {
			return fmt.Errorf("rabbitmq: %s has not seen yet that %s stopped", name, s)
		}
	}
	return nil
}

// namesAt are the names of nodes in Erlang's distribution, by their indexes.
func (c *cluster) namesAt(indexes []int) []string {
	var names []string
	for _, i := range indexes {
		names = append(names, c.erlangNodes()[i])
	}
	return names
}

// tellAll has the nodes at some indexes stop or start their brokers, one after another.
func (c *cluster) tellAll(ctx context.Context, indexes []int, what string) error {
	var errs []error
	for _, i := range indexes {
		n := c.nodes[i]
		c.log("rabbitmq: %s: %s, to mend a partition", n.Name, what)
		var said string
		err := c.asker.askFor(ctx, restartTimeout, erlangNode(n.machine.addr.String()), &said, what)
		if err == nil && said != "ok" {
			err = fmt.Errorf("rabbitmq: %s of %s: %s", what, n.Name, said)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
