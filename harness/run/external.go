package run

import (
	"context"
	"fmt"
	"time"

	"waybill/harness/history"
	"waybill/targets"
)

// ConnectWithin is how long a cluster that somebody else runs may take to be connected to: it is up already.
const ConnectWithin = 15 * time.Second

// connect uses a cluster that somebody else runs, in place of startBrokers: it has no hosts in the lab, and no lives.
func (c *controller) connect(ctx context.Context) error {
	connector, ok := c.target.(targets.Connector)
	if !ok {
		return fmt.Errorf("target %s cannot use a cluster that somebody else runs", c.exp.Target)
	}
	ctx, cancel := context.WithTimeout(ctx, ConnectWithin)
	defer cancel()
	cluster, err := connector.Connect(ctx, *c.job.Access)
	if err != nil {
		return err
	}
	c.cluster = cluster
	reporter, ok := cluster.(targets.ConfigReporter)
	if !ok {
		return nil
	}
	for _, n := range cluster.Nodes() {
		text, err := reporter.Config(ctx, n.Name)
		if err != nil {
			// Whoever runs the cluster may not let us read it; what was not read is not in the run directory.
			c.tell(Progress{Warning: fmt.Sprintf("configuration of %s: %v", n.Name, err)})
			continue
		}
		c.journal.put(history.Event{Kind: history.BrokerConfig, Name: n.Name, Text: text})
	}
	return nil
}

// leave closes the cluster, after taking the run's queues out of one that somebody else runs. Queues that stay are named.
func (c *controller) leave() {
	// Not the run's context, which may have ended: other people's clusters are left as they were all the same.
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	if deleter, ok := c.cluster.(targets.QueueDeleter); ok && c.job.Access != nil {
		for _, l := range c.lanes {
			if err := deleter.DeleteQueue(ctx, targets.Queue{Name: l.spec.Queue, Mode: l.spec.Mode.Name}); err != nil {
				c.tell(Progress{Warning: fmt.Sprintf("queue %s is left in the cluster: %v", l.spec.Queue, err)})
			}
		}
	}
	if err := c.cluster.Close(); err != nil {
		c.tell(Progress{Warning: fmt.Sprintf("closing the cluster: %v", err)})
	}
}
