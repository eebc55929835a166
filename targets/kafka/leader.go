package kafka

import (
	"context"
	"fmt"

	"waybill/targets"
)

// Leaders implements targets.LeaderFinder. All brokers are asked, and of different answers the one with the highest epoch is
// believed: an old leader that is cut off goes on believing in itself. A consumer group is led by its coordinator: the
// leader of the partition of the internal topic that keeps its offsets.
func (c *cluster) Leaders(ctx context.Context, queue, of string) ([]targets.Leadership, error) {
	if of == targets.OfController {
		q, err := c.quorum(ctx)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", targets.ErrNoLeader, err)
		}
		return []targets.Leadership{{Node: c.nameOf(q.LeaderID), Epoch: uint64(q.LeaderEpoch)}}, nil
	}
	seats, err := c.seats(ctx, queue, of)
	if err != nil {
		return nil, err
	}
	var ls []targets.Leadership
	for i, s := range seats {
		if s.leader < 0 || !s.answers {
			return nil, fmt.Errorf("kafka: %s of %q: %s/%d: %w that answers: last known is %s in epoch %d", of, queue, s.topic, s.index, targets.ErrNoLeader, c.nameOf(s.leader), s.epoch)
		}
		ls = append(ls, targets.Leadership{Partition: uint32(i), Node: c.nameOf(s.leader), Epoch: uint64(s.epoch)})
	}
	return ls, nil
}

// seat is a partition whose leader is looked for.
type seat struct {
	partition
	topic   string
	index   int32
	answers bool // the leader
	agreed  bool // by all brokers that answer
}

// seats are the partitions that decide who leads: all of a queue's, or the one that keeps its consumer group.
func (c *cluster) seats(ctx context.Context, queue, of string) ([]seat, error) {
	topic := namesOf(queue).topic
	switch of {
	case targets.OfQueue:
	case targets.OfConsumer:
		topic = offsetsTopic
	default:
		return nil, fmt.Errorf("kafka: leader of %q: want %q, %q or %q", of, targets.OfQueue, targets.OfConsumer, targets.OfController)
	}
	vs, asked := c.sharedViews(ctx)
	parts := latest(vs, topic)
	if len(parts) == 0 {
		return nil, fmt.Errorf("kafka: %s of %q: no broker knows topic %s: %w", of, queue, topic, errOr(asked, errAllAnswered))
	}
	var all []seat
	for i, p := range parts {
		s := seat{partition: p, topic: topic, index: int32(i), agreed: true}
		for j, v := range vs {
			if v.topics == nil {
				continue
			}
			s.answers = s.answers || c.brokers[j].id == p.leader
			known := v.topics[topic]
			s.agreed = s.agreed && i < len(known) && known[i].leader == p.leader && known[i].epoch == p.epoch
		}
		all = append(all, s)
	}
	if of == targets.OfConsumer {
		i := coordinatorPartition(namesOf(queue).group, len(all))
		return all[i : i+1], nil
	}
	return all, nil
}

// coordinatorPartition is where the brokers keep a group: Java's hash of the name, over the partitions.
func coordinatorPartition(group string, partitions int) int {
	var hash int32
	for _, c := range []byte(group) { // names of queues are ASCII
		hash = 31*hash + int32(c)
	}
	return int(hash&0x7fffffff) % partitions
}
