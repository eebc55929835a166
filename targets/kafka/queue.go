package kafka

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

// names of what one queue is made of in the broker.
type names struct {
	topic  string
	output string // topic of what transactions write
	group  string // consumer group
}

// namesOf gives the parts their names. Topics may hold letters, digits, dots, underscores and hyphens.
func namesOf(queue string) names {
	return names{topic: queue, output: queue + ".out", group: queue}
}

// topicConfig keeps everything: no limit of age or size could discard a message, so that an absent message is a lost one.
func (c *cluster) topicConfig() []setting {
	return []setting{
		{"cleanup.policy", "delete", "delete"},
		{"retention.ms", "-1", "604800000"},
		{"retention.bytes", "-1", "-1"},
		{"min.insync.replicas", strconv.Itoa(majority(c.copies)), "1"},
		{"unclean.leader.election.enable", "false", "false"},
	}
}

// CreateQueue implements targets.Cluster: a topic, for a transactional mode another for its output, and a group that the
// brokers know when its first member comes. A topic that exists keeps what it holds. It returns when every broker knows
// who leads each partition, and all replicas are in sync.
func (c *cluster) CreateQueue(ctx context.Context, q targets.Queue) error {
	m, ok := modeOf(q.Mode)
	if !ok {
		return fmt.Errorf("kafka: no mode %q: want one of %q", q.Mode, modeNames())
	}
	n := namesOf(q.Name)
	topics := []string{n.topic}
	if m.Traits.Transactional {
		topics = append(topics, n.output)
	}
	if err := c.create(ctx, topics); err != nil {
		return fmt.Errorf("kafka: create queue %q: %w", q.Name, err)
	}
	c.expect(topics...)
	return c.await(ctx, func(ctx context.Context) error {
		vs, err := c.views(ctx)
		for _, t := range topics {
			err = errors.Join(err, c.agrees(vs, t, func(p partition) int { return len(p.replicas) }))
			if known := latest(vs, t); len(known) != partitions {
				return fmt.Errorf("kafka: topic %s has %d partitions, want %d", t, len(known), partitions)
			}
		}
		return err
	})
}

// create repeats until all are made: a cluster that has just formed refuses for a moment.
func (c *cluster) create(ctx context.Context, topics []string) error {
	for {
		err := c.anyBroker(func(n *node) error { return c.createBy(ctx, n, topics) })
		if err == nil || final(err) {
			return err
		}
		if targets.Pause(ctx, pollEvery) != nil {
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}

// final reports whether the answer is a decision that trying again does not change.
func final(err error) bool {
	var k *kerr.Error
	return errors.As(err, &k) && !k.Retriable && k.Code != kerr.InvalidReplicationFactor.Code // too few brokers serve as yet
}

func (c *cluster) createBy(ctx context.Context, n *node, topics []string) error {
	q := kmsg.NewPtrCreateTopicsRequest()
	q.TimeoutMillis = int32(ask.Milliseconds())
	for _, name := range topics {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, int16(c.copies)
		for _, s := range c.topicConfig() {
			x := kmsg.NewCreateTopicsRequestTopicConfig()
			x.Name, x.Value = s.name, &s.value
			t.Configs = append(t.Configs, x)
		}
		q.Topics = append(q.Topics, t)
	}
	r, err := request[*kmsg.CreateTopicsResponse](ctx, n.client, q)
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range r.Topics {
		if t.ErrorCode != kerr.TopicAlreadyExists.Code {
			errs = append(errs, refusal(n.Name, q, t.ErrorCode, t.ErrorMessage))
		}
	}
	return errors.Join(errs...)
}

// DeleteQueue implements targets.QueueDeleter: topics and group. What is not there is deleted.
func (c *cluster) DeleteQueue(ctx context.Context, q targets.Queue) error {
	n := namesOf(q.Name)
	c.mu.Lock()
	delete(c.topics, n.topic)
	delete(c.topics, n.output)
	c.mu.Unlock()
	if err := errors.Join(c.deleteTopics(ctx, n.topic, n.output), c.deleteGroup(ctx, n.group)); err != nil {
		return fmt.Errorf("kafka: delete queue %q: %w", q.Name, err)
	}
	return nil
}

func (c *cluster) deleteTopics(ctx context.Context, topics ...string) error {
	q := kmsg.NewPtrDeleteTopicsRequest()
	q.TimeoutMillis = int32(ask.Milliseconds())
	q.TopicNames = topics
	for _, name := range topics {
		t := kmsg.NewDeleteTopicsRequestTopic()
		t.Topic = &name
		q.Topics = append(q.Topics, t)
	}
	return c.anyBroker(func(n *node) error {
		r, err := request[*kmsg.DeleteTopicsResponse](ctx, n.client, q)
		if err != nil {
			return err
		}
		var errs []error
		for _, t := range r.Topics {
			if t.ErrorCode != kerr.UnknownTopicOrPartition.Code {
				errs = append(errs, refusal(n.Name, q, t.ErrorCode, t.ErrorMessage))
			}
		}
		return errors.Join(errs...)
	})
}

// deleteGroup asks every broker in turn: only the group's coordinator deletes it. A group that still has members stays
// theirs; what it had committed went with the topics.
func (c *cluster) deleteGroup(ctx context.Context, group string) error {
	q := kmsg.NewPtrDeleteGroupsRequest()
	q.Groups = []string{group}
	return c.anyBroker(func(n *node) error {
		r, err := request[*kmsg.DeleteGroupsResponse](ctx, n.client, q)
		if err != nil {
			return err
		}
		var errs []error
		for _, g := range r.Groups {
			if g.ErrorCode != kerr.GroupIDNotFound.Code && g.ErrorCode != kerr.NonEmptyGroup.Code {
				errs = append(errs, refusal(n.Name, q, g.ErrorCode, g.ErrorMessage))
			}
		}
		return errors.Join(errs...)
	})
}
