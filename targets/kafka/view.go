package kafka

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// view is what one broker knows of the cluster.
type view struct {
	alive  map[int32]bool // brokers that serve, by number
	topics map[string][]partition
}

// partition is one broker's knowledge of a partition. The leader is -1 where there is none.
type partition struct {
	leader   int32
	epoch    int32
	replicas []int32
	inSync   []int32
}

// views asks every broker what it knows. A broker that does not answer has the zero view, and a part in the error.
func (c *cluster) views(ctx context.Context) ([]view, error) {
	vs := make([]view, len(c.brokers))
	err := each(c.brokers, func(i int, n *node) (err error) {
		vs[i], err = n.view(ctx)
		return err
	})
	return vs, err
}

// sharedViews is views for those who ask about one topic of many: all who ask while an answer is under way share it.
func (c *cluster) sharedViews(ctx context.Context) ([]view, error) {
	select {
	case r := <-c.looks.DoChan("", func() (any, error) {
		vs, err := c.views(context.WithoutCancel(ctx)) // each question has a limit of its own
		return looked{vs, err}, nil
	}):
		l := r.Val.(looked)
		return l.views, l.err
	case <-ctx.Done():
		return make([]view, len(c.brokers)), ctx.Err()
	}
}

type looked struct {
	views []view
	err   error
}

func (n *node) view(ctx context.Context) (view, error) {
	// No topics means all of them.
	r, err := request[*kmsg.MetadataResponse](ctx, n.client, kmsg.NewPtrMetadataRequest())
	if err != nil {
		return view{}, err
	}
	return viewOf(r)
}

func viewOf(r *kmsg.MetadataResponse) (view, error) {
	if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
		return view{}, fmt.Errorf("kafka: metadata: %w", err)
	}
	v := view{alive: map[int32]bool{}, topics: map[string][]partition{}}
	for _, b := range r.Brokers {
		v.alive[b.NodeID] = true
	}
	for _, t := range r.Topics {
		if t.Topic == nil || t.ErrorCode != 0 {
			continue // one that is being made or deleted: whoever needs it misses it
		}
		parts := make([]partition, len(t.Partitions))
		for i := range parts {
			parts[i].leader = -1
		}
		for _, p := range t.Partitions {
			if p.Partition < 0 || int(p.Partition) >= len(parts) {
				return view{}, fmt.Errorf("kafka: metadata: topic %s has %d partitions, and one numbered %d", *t.Topic, len(parts), p.Partition)
			}
			parts[p.Partition] = partition{leader: p.Leader, epoch: p.LeaderEpoch, replicas: p.Replicas, inSync: p.ISR}
		}
		v.topics[*t.Topic] = parts
	}
	return v, nil
}

// latest is what is known of a topic's partitions by those who know of the newest leader of each. There are none where no
// broker that answered has the topic.
func latest(vs []view, topic string) []partition {
	var newest []partition
	for _, v := range vs {
		for i, p := range v.topics[topic] {
			if i == len(newest) {
				newest = append(newest, p)
			}
			if p.epoch > newest[i].epoch {
				newest[i] = p
			}
		}
	}
	return newest
}

// agrees says what keeps the brokers from agreeing on a topic, and its partitions from being served by enough replicas.
// want is how many of a partition's replicas must be in sync.
func (c *cluster) agrees(vs []view, topic string, want func(p partition) int) error {
	newest := latest(vs, topic)
	for i, n := range c.brokers {
		known := vs[i].topics[topic]
		if len(known) == 0 || len(known) != len(newest) {
			return fmt.Errorf("kafka: %s knows %d partitions of topic %s, want %d", n.Name, len(known), topic, max(1, len(newest)))
		}
		for j, p := range known {
			switch {
			case p.leader < 0:
				return fmt.Errorf("kafka: %s knows no leader of %s/%d", n.Name, topic, j)
			case p.leader != newest[j].leader || p.epoch != newest[j].epoch:
				return fmt.Errorf("kafka: %s says that %s leads %s/%d in epoch %d, another says %s in epoch %d", n.Name,
					c.nameOf(p.leader), topic, j, p.epoch, c.nameOf(newest[j].leader), newest[j].epoch)
			case !slices.Contains(p.inSync, p.leader) || len(p.inSync) < want(p):
				return fmt.Errorf("kafka: %s says that replicas %v of %s/%d are in sync, led by %d: want %d of %v", n.Name,
					p.inSync, topic, j, p.leader, want(p), p.replicas)
			}
		}
	}
	return nil
}

// nameOf is a node's name by its number.
func (c *cluster) nameOf(id int32) string {
	for _, n := range c.nodes() {
		if n.id == id {
			return n.Name
		}
	}
	return fmt.Sprintf("node %d", id)
}
