package kafka

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

const inspectorAsks = 5 * time.Second // the longest that one question may take

// inspector asks partition leaders and the group's coordinator, and reads replicas directly. Its requests are its own and
// not repeated: whoever answers is who was asked.
type inspector struct {
	*link
	cl    *kgo.Client
	adm   *kadm.Client
	names names
	nodes []targets.Node
	scan  sync.Mutex // one at a time
}

func newInspector(l *link, n names, nodes []targets.Node) (*inspector, error) {
	cl, err := l.open(kgo.RetryTimeout(inspectorAsks))
	if err != nil {
		return nil, err
	}
	return &inspector{link: l, cl: cl, adm: kadm.NewClient(cl), names: n, nodes: nodes}, nil
}

// layout is where a topic lies.
type layout struct {
	topic   string
	id      [16]byte
	parts   []placed         // by number
	brokers map[int32]string // names
}

// placed is where one partition lies.
type placed struct {
	leader   int32
	epoch    int32
	replicas []int32 // in order of the brokers' numbers
	inSync   []int32
}

// layout asks any broker. What it says of leaders is proven by asking them, with the epoch it gave.
func (i *inspector) layout(ctx context.Context, topic string) (layout, error) {
	q := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = kmsg.StringPtr(topic)
	q.Topics = append(q.Topics, t)
	ctx, cancel := context.WithTimeout(ctx, inspectorAsks)
	defer cancel()
	r, err := q.RequestWith(ctx, i.cl)
	if err != nil {
		return layout{}, fmt.Errorf("kafka: where %s lies: %w", topic, err)
	}
	if len(r.Topics) != 1 {
		return layout{}, fmt.Errorf("kafka: where %s lies: an answer about %d topics", topic, len(r.Topics))
	}
	if err := kerr.ErrorForCode(r.Topics[0].ErrorCode); err != nil {
		return layout{}, fmt.Errorf("kafka: topic %s: %w", topic, err)
	}
	l := layout{topic: topic, id: r.Topics[0].TopicID, parts: make([]placed, len(r.Topics[0].Partitions)), brokers: map[int32]string{}}
	for _, b := range r.Brokers {
		l.brokers[b.NodeID] = i.nameOf(fmt.Sprintf("%s:%d", b.Host, b.Port), b.NodeID)
	}
	for _, p := range r.Topics[0].Partitions {
		if p.Partition < 0 || int(p.Partition) >= len(l.parts) || len(p.Replicas) == 0 {
			return layout{}, fmt.Errorf("kafka: topic %s: partition %d of %d on %d replicas", topic, p.Partition, len(l.parts), len(p.Replicas))
		}
		if p.Leader < 0 {
			return layout{}, fmt.Errorf("kafka: partition %d of %s: %w", p.Partition, topic, targets.ErrNoLeader)
		}
		slices.Sort(p.Replicas)
		l.parts[p.Partition] = placed{leader: p.Leader, epoch: p.LeaderEpoch, replicas: p.Replicas, inSync: p.ISR}
	}
	if len(l.parts) == 0 {
		return layout{}, fmt.Errorf("kafka: topic %s has no partitions", topic)
	}
	return l, nil
}

func (i *inspector) nameOf(addr string, id int32) string {
	for _, n := range i.nodes {
		if n.Addr == addr {
			return n.Name
		}
	}
	return fmt.Sprintf("broker-%d", id)
}

// leaders are the partitions by their leader.
func (l layout) leaders() map[int32][]int32 {
	by := map[int32][]int32{}
	for n, p := range l.parts {
		by[p.leader] = append(by[p.leader], int32(n))
	}
	return by
}

// said names those who lead, for Depth.From.
func (l layout) said() string {
	var names []string
	for id := range l.leaders() {
		names = append(names, l.brokers[id])
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// direct asks one broker, once.
func direct[R kmsg.Response](ctx context.Context, cl *kgo.Client, broker int32, q kmsg.Request) (R, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectorAsks)
	defer cancel()
	var none R
	answer, err := cl.Broker(int(broker)).Request(ctx, q)
	if err != nil {
		return none, fmt.Errorf("%s asked of broker %d: %w", kmsg.NameForKey(q.Key()), broker, err)
	}
	r, ok := answer.(R)
	if !ok {
		return none, fmt.Errorf("%s asked of broker %d: an answer of type %T", kmsg.NameForKey(q.Key()), broker, answer)
	}
	return r, nil
}

// Close implements targets.Inspector.
func (i *inspector) Close() error {
	i.cl.Close()
	return nil
}
