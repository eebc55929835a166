package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

// MoveLeader implements targets.LeaderFinder. Node is made the preferred one among the same replicas, so that no data moves
// and all stay in sync, and then preferred leaders are elected, until all brokers say that node leads. Nobody can choose
// which controller leads.
func (c *cluster) MoveLeader(ctx context.Context, queue, of, name string) error {
	if of == targets.OfController {
		return fmt.Errorf("kafka: controllers elect whom they like: %w", targets.ErrNotMovable)
	}
	n, err := c.broker(name)
	if err != nil {
		return err
	}
	var last error
	for {
		seats, err := c.seats(ctx, queue, of)
		if err == nil {
			elsewhere := slices.DeleteFunc(slices.Clone(seats), func(s seat) bool { return s.leader == n.id })
			switch {
			case len(elsewhere) > 0:
				err = errors.Join(c.prefer(ctx, n, elsewhere), c.elect(ctx, elsewhere))
			case slices.ContainsFunc(seats, func(s seat) bool { return !s.agreed }):
				err = errors.New("not all brokers know it yet")
			default:
				return nil
			}
		}
		last = err
		if targets.Pause(ctx, 20*time.Millisecond) != nil {
			return fmt.Errorf("kafka: move %s of %q to %s: %w: last: %w", of, queue, name, ctx.Err(), errOr(last, errAllAnswered))
		}
	}
}

// prefer puts n first among the replicas where it is not.
func (c *cluster) prefer(ctx context.Context, n *node, seats []seat) error {
	topic := kmsg.NewAlterPartitionAssignmentsRequestTopic()
	for _, s := range seats {
		if !slices.Contains(s.replicas, n.id) {
			return fmt.Errorf("kafka: %s has no replica of %s/%d: they are on %v", n.Name, s.topic, s.index, s.replicas)
		}
		if s.replicas[0] == n.id {
			continue
		}
		p := kmsg.NewAlterPartitionAssignmentsRequestTopicPartition()
		p.Partition = s.index
		p.Replicas = append([]int32{n.id}, slices.DeleteFunc(slices.Clone(s.replicas), func(id int32) bool { return id == n.id })...)
		topic.Topic = s.topic
		topic.Partitions = append(topic.Partitions, p)
	}
	if len(topic.Partitions) == 0 {
		return nil
	}
	q := kmsg.NewPtrAlterPartitionAssignmentsRequest()
	q.TimeoutMillis = int32(ask.Milliseconds())
	q.Topics = append(q.Topics, topic)
	return c.anyBroker(func(at *node) error {
		r, err := request[*kmsg.AlterPartitionAssignmentsResponse](ctx, at.client, q)
		if err != nil {
			return err
		}
		errs := []error{refusal(at.Name, q, r.ErrorCode, r.ErrorMessage)}
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				errs = append(errs, refusal(at.Name, q, p.ErrorCode, p.ErrorMessage))
			}
		}
		return errors.Join(errs...)
	})
}

// elect asks that the preferred replicas lead.
func (c *cluster) elect(ctx context.Context, seats []seat) error {
	topic := kmsg.NewElectLeadersRequestTopic()
	for _, s := range seats {
		topic.Topic = s.topic
		topic.Partitions = append(topic.Partitions, s.index)
	}
	q := kmsg.NewPtrElectLeadersRequest()
	q.TimeoutMillis = int32(ask.Milliseconds())
	q.Topics = append(q.Topics, topic)
	return c.anyBroker(func(at *node) error {
		r, err := request[*kmsg.ElectLeadersResponse](ctx, at.client, q)
		if err != nil {
			return err
		}
		errs := []error{refusal(at.Name, q, r.ErrorCode, nil)}
		for _, t := range r.Topics {
			for _, p := range t.Partitions {
				if p.ErrorCode != kerr.ElectionNotNeeded.Code {
					errs = append(errs, refusal(at.Name, q, p.ErrorCode, p.ErrorMessage))
				}
			}
		}
		return errors.Join(errs...)
	})
}
