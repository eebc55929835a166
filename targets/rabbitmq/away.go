package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// staysAway is how long a node whose Erlang answers may neither serve nor boot while a majority serves, until nobody but an operator will
// have it serve again.
const staysAway = 20 * time.Second

// staysStuck is how long a node may not serve while a majority does, whatever it says meanwhile, until an operator kills it. A boot takes a
// few seconds here, and some more on a busy machine; one that waits for what no other node will ever tell it goes on for minutes.
const staysStuck = 40 * time.Second

// absences are how long nodes have not served while a majority did, by their indexes.
type absences []absence

// absence is that of one node. Time in which no majority serves is not counted: the others may be starting too.
type absence struct {
	idle   time.Duration // it answered, and neither served nor booted
	gone   time.Duration // it did not serve
	killed bool          // once is enough: what takes long may be a recovery, which a second kill would only have begin anew
}

// see counts the time since the last look. A node that boots is busy with something and not idle any more, and one that does not
// answer may be either; but only one that serves is back: others may boot, give up and boot again for ever.
func (a absences) see(hs []nodeHealth, passed time.Duration) {
	serving := 0
	for _, h := range hs {
		if h.Serving {
			serving++
		}
	}
	for i, h := range hs {
		switch {
		case h.Serving:
			a[i].idle, a[i].gone = 0, 0
			continue
		case h.Booting:
			a[i].idle = 0
		}
		if serving <= len(hs)/2 {
			continue
		}
		a[i].gone += passed
		if h.idle() {
			a[i].idle += passed
		}
	}
}

// idle are the nodes to stop and start: those that are idle and have been for long. One that is told to stop while it boots may never
// answer again.
func (a absences) idle(hs []nodeHealth) (indexes []int) {
	for i, h := range hs {
		if h.idle() && a[i].idle >= staysAway {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// stuck are the nodes to kill and start.
func (a absences) stuck() (indexes []int) {
	for i, x := range a {
		if x.gone >= staysStuck && !x.killed {
			indexes = append(indexes, i)
		}
	}
	return indexes
}

// idle reports whether a node's Erlang answers, and its broker is neither there nor on its way.
func (h nodeHealth) idle() bool { return h.Version != "" && !h.Serving && !h.Booting }

// fetch has nodes that stay away stop and start their brokers, and kills those that will not.
func (c *cluster) fetch(ctx context.Context, away absences, indexes []int) error {
	err := c.restart(ctx, indexes)
	if err == nil || ctx.Err() != nil {
		return err
	}
	c.log("%v", err)
	return c.replace(ctx, away, indexes)
}

// replace kills the processes of nodes and starts them again on what they have on disk. To the others, and to clients, it is
// what a crash of a node is that does not serve.
func (c *cluster) replace(ctx context.Context, away absences, indexes []int) error {
	var errs []error
	for _, i := range indexes {
		n := c.nodes[i]
		c.log("rabbitmq: %s has not served for %v: kill it and start it again", n.Name, away[i].gone.Round(time.Second))
		away[i] = absence{killed: true}
		err := n.kill(ctx)
		if err == nil {
			err = c.run(ctx, n)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// kill ends a node's process, however busy or hung it is, and returns when it has ended.
func (n *node) kill(ctx context.Context) error {
	n.mu.Lock()
	p := n.process
	n.mu.Unlock()
	if err := p.Signal(ctx, syscall.SIGKILL); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("rabbitmq: kill %s: %w", n.Name, err)
	}
	select {
	case <-p.Done():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("rabbitmq: kill %s: %w", n.Name, ctx.Err())
	}
}
