package kafka

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

const (
	earliest = int64(-2) // timestamps that ListOffsets takes for the ends of a log
	latestOf = int64(-1)

	asConsumer  = int32(-1) // shown the high watermark or, of committed messages, the last stable offset
	asDebugging = int32(-2) // shown the end of the log itself

	uncommitted = int8(0) // isolation levels
	committed   = int8(1)
)

// bounds are the ends of one partition, said by its leader. Offsets are the broker's: the next one to be written.
type bounds struct {
	start  int64
	end    int64 // of the leader's log
	high   int64 // up to which all replicas in sync have it
	stable int64 // up to which no transaction is open
}

// settled reports whether nothing is on its way: all in sync have all, and no transaction is open.
func (b bounds) settled() bool { return b.end == b.high && b.high == b.stable }

// bounds asks the leaders, each by the epoch in which it is said to lead: one that was deposed refuses to answer.
func (i *inspector) bounds(ctx context.Context, l layout) ([]bounds, error) {
	all := make([]bounds, len(l.parts))
	for _, q := range []struct {
		time      int64
		replica   int32
		isolation int8
		into      func(b *bounds) *int64
	}{ // in this order what grows meanwhile makes a partition look unsettled, never settled
		{latestOf, asConsumer, committed, func(b *bounds) *int64 { return &b.stable }},
		{latestOf, asConsumer, uncommitted, func(b *bounds) *int64 { return &b.high }},
		{latestOf, asDebugging, uncommitted, func(b *bounds) *int64 { return &b.end }},
		{earliest, asConsumer, uncommitted, func(b *bounds) *int64 { return &b.start }},
	} {
		for leader, parts := range l.leaders() {
			r := kmsg.NewPtrListOffsetsRequest()
			r.ReplicaID, r.IsolationLevel = q.replica, q.isolation
			t := kmsg.NewListOffsetsRequestTopic()
			t.Topic = l.topic
			for _, n := range parts {
				p := kmsg.NewListOffsetsRequestTopicPartition()
				p.Partition, p.CurrentLeaderEpoch, p.Timestamp = n, l.parts[n].epoch, q.time
				t.Partitions = append(t.Partitions, p)
			}
			r.Topics = append(r.Topics, t)
			answer, err := direct[*kmsg.ListOffsetsResponse](ctx, i.cl, leader, r)
			if err != nil {
				return nil, fmt.Errorf("kafka: %w", err)
			}
			named := 0
			for _, t := range answer.Topics {
				for _, p := range t.Partitions {
					if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
						return nil, fmt.Errorf("kafka: the ends of %s/%d, asked of its leader %s: %w", l.topic, p.Partition, l.brokers[leader], err)
					}
					if p.Partition < 0 || int(p.Partition) >= len(all) || p.Offset < 0 {
						return nil, fmt.Errorf("kafka: the ends of %s: partition %d at offset %d", l.topic, p.Partition, p.Offset)
					}
					*q.into(&all[p.Partition]) = p.Offset
					named++
				}
			}
			if named != len(parts) {
				return nil, fmt.Errorf("kafka: the ends of %s: %s answered for %d partitions of %d", l.topic, l.brokers[leader], named, len(parts))
			}
		}
	}
	return all, nil
}

// group is what the coordinator says of the group.
type group struct {
	state       string
	coordinator int32
	members     int
	next        map[int32]int64 // committed offset by partition: the next to be delivered
	pending     bool            // offsets of an open transaction are on their way
}

// still reports whether nobody's partitions are being given out anew.
func (g group) still() bool { return g.state == "Stable" || g.state == "Empty" || g.state == "Dead" }

func (i *inspector) group(ctx context.Context) (group, error) {
	ctx, cancel := context.WithTimeout(ctx, inspectorAsks)
	defer cancel()
	g := group{next: map[int32]int64{}}
	described, err := i.adm.DescribeGroups(ctx, i.names.group)
	if err != nil {
		return g, fmt.Errorf("kafka: group %s: %w", i.names.group, err)
	}
	d := described[i.names.group]
	switch {
	case errors.Is(d.Err, kerr.GroupIDNotFound): // never joined: older brokers call it Dead
		d.State = "Dead"
	case d.Err != nil:
		return g, fmt.Errorf("kafka: group %s: %w", i.names.group, d.Err)
	}
	g.state, g.coordinator, g.members = d.State, d.Coordinator.NodeID, len(d.Members)

	offsets, err := i.adm.FetchOffsets(kadm.RequireStable(ctx), i.names.group)
	if errors.Is(err, kerr.GroupIDNotFound) {
		return g, nil
	}
	if err != nil {
		return g, fmt.Errorf("kafka: offsets of group %s: %w", i.names.group, err)
	}
	for p, o := range offsets[i.names.topic] {
		switch {
		case errors.Is(o.Err, kerr.UnstableOffsetCommit):
			g.pending = true
		case o.Err != nil:
			return g, fmt.Errorf("kafka: offset of group %s in partition %d: %w", i.names.group, p, o.Err)
		case o.At >= 0:
			g.next[p] = o.At
		}
	}
	return g, nil
}

// Depth implements targets.Inspector. Ready counts up to the end of each leader's log; nothing is ever Unacked, since
// Kafka keeps no account of what was delivered and not committed: that is ready still. A group that never committed in a
// partition with messages has all of them ready.
func (i *inspector) Depth(ctx context.Context) (targets.Depth, error) {
	l, err := i.layout(ctx, i.names.topic)
	if err != nil {
		return targets.Depth{}, err
	}
	// The ends are asked first: what is committed after that is no more than what was there.
	bs, err := i.bounds(ctx, l)
	if err != nil {
		return targets.Depth{}, err
	}
	g, err := i.group(ctx)
	if err != nil {
		return targets.Depth{}, err
	}
	return depthOf(l, bs, g), nil
}

func depthOf(l layout, bs []bounds, g group) targets.Depth {
	d := targets.Depth{
		From:    fmt.Sprintf("leaders %s, coordinator %s: group %s of %d", l.said(), l.brokers[g.coordinator], g.state, g.members),
		Settled: g.still() && !g.pending,
	}
	for p, b := range bs {
		d.Last += b.end
		next, ever := g.next[int32(p)]
		if !ever {
			next = b.start
		}
		d.Ready += max(0, b.end-next)
		// A committed offset beyond the end is no end reached: the log was cut below what was consumed.
		if !b.settled() || ever && next != b.end || !ever && b.end != 0 {
			d.Settled = false
		}
	}
	return d
}
