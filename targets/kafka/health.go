package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Healthy implements targets.Cluster. Every broker is asked for itself, whether it serves, which others do, and who leads
// every partition that it knows; the controllers are asked which of them leads. The cluster serves when all agree, and a
// majority of the replicas of every partition is in sync.
func (c *cluster) Healthy(ctx context.Context) error {
	return c.healthy(ctx, func(p partition) int { return majority(len(p.replicas)) }, 0)
}

// InSync implements targets.Syncer: Healthy, all replicas in sync, and every controller up to date.
func (c *cluster) InSync(ctx context.Context) error {
	return c.healthy(ctx, func(p partition) int { return len(p.replicas) }, voterLag)
}

// voterLag is how long ago a controller may have been level with the one that leads: the leader writes twice a second.
const voterLag = 3 * time.Second

// healthy wants so many replicas of a partition in sync, and with a lag above zero all controllers that close to their leader.
func (c *cluster) healthy(ctx context.Context, want func(p partition) int, lag time.Duration) error {
	quorum := make(chan error, 1)
	go func() { quorum <- c.quorumServes(ctx, lag) }()
	vs, err := c.views(ctx)
	if err = errors.Join(err, <-quorum); err != nil {
		return err
	}
	for i, v := range vs {
		for _, o := range c.brokers {
			if !v.alive[o.id] {
				return fmt.Errorf("kafka: %s does not see %s serve", c.brokers[i].Name, o.Name)
			}
		}
	}
	var errs []error
	for _, t := range c.made() {
		errs = append(errs, c.agrees(vs, t, want))
	}
	return errors.Join(errs...)
}

// made are the topics that must be there.
func (c *cluster) made() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.topics))
}

func (c *cluster) expect(topics ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range topics {
		c.topics[t] = true
	}
}

// quorumServes reports whether the controllers have a leader, and, with a lag above zero, whether all follow it that closely.
func (c *cluster) quorumServes(ctx context.Context, lag time.Duration) error {
	if len(c.controllers) == 0 {
		return nil // somebody else's
	}
	q, err := c.quorum(ctx)
	if err != nil || lag == 0 {
		return err
	}
	var newest int64
	for _, v := range q.CurrentVoters {
		newest = max(newest, v.LastCaughtUpTimestamp)
	}
	for _, v := range q.CurrentVoters {
		// -1 is a voter that never was level, and also what versions say that do not tell.
		if behind := time.Duration(newest-v.LastCaughtUpTimestamp) * time.Millisecond; newest > 0 && behind > lag {
			return fmt.Errorf("kafka: controller %s is behind the one that leads, %s, by %v: want at most %v", c.nameOf(v.ReplicaID), c.nameOf(q.LeaderID), behind, lag)
		}
	}
	return nil
}

// quorum asks every controller for the quorum of which it is the leader: the others refuse. Of two that claim to lead, the
// one with the higher epoch does. A cluster of somebody else's is asked through its brokers.
func (c *cluster) quorum(ctx context.Context) (kmsg.DescribeQuorumResponseTopicPartition, error) {
	nodes := c.controllers
	if len(nodes) == 0 {
		nodes = c.brokers
	}
	answers := make([]*kmsg.DescribeQuorumResponseTopicPartition, len(nodes))
	err := each(nodes, func(i int, n *node) (err error) {
		answers[i], err = n.describeQuorum(ctx)
		return err
	})
	var best *kmsg.DescribeQuorumResponseTopicPartition
	for _, a := range answers {
		if a != nil && a.LeaderID >= 0 && (best == nil || a.LeaderEpoch > best.LeaderEpoch) {
			best = a
		}
	}
	if best == nil {
		return kmsg.DescribeQuorumResponseTopicPartition{}, fmt.Errorf("kafka: no controller leads: %w", errOr(err, errAllAnswered))
	}
	return *best, nil
}

var errAllAnswered = errors.New("every node answered")

func (n *node) describeQuorum(ctx context.Context) (*kmsg.DescribeQuorumResponseTopicPartition, error) {
	part := kmsg.NewDescribeQuorumRequestTopicPartition()
	topic := kmsg.NewDescribeQuorumRequestTopic()
	topic.Topic = "__cluster_metadata"
	topic.Partitions = append(topic.Partitions, part)
	q := kmsg.NewPtrDescribeQuorumRequest()
	q.Topics = append(q.Topics, topic)
	l := n.controller
	if l == nil {
		l = n.client
	}
	r, err := request[*kmsg.DescribeQuorumResponse](ctx, l, q)
	if err != nil {
		return nil, err
	}
	if err := refusal(n.Name, q, r.ErrorCode, r.ErrorMessage); err != nil {
		return nil, err
	}
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 {
		return nil, fmt.Errorf("kafka: %s asked for the quorum answered %d topics, want 1 of 1 partition", n.Name, len(r.Topics))
	}
	p := r.Topics[0].Partitions[0]
	if err := refusal(n.Name, q, p.ErrorCode, p.ErrorMessage); err != nil {
		return nil, err
	}
	return &p, nil
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}
