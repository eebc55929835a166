package kafka

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestDepthIsSettledOnlyAtTheProvenEnd(t *testing.T) {
	at := func(end, high, stable int64) bounds { return bounds{end: end, high: high, stable: stable} }
	stable := func(next map[int32]int64) group { return group{state: "Stable", next: next} }
	for _, c := range []struct {
		claim   string
		bounds  []bounds
		group   group
		ready   int64
		settled bool
	}{
		{"all committed", []bounds{at(5, 5, 5), at(3, 3, 3)}, stable(map[int32]int64{0: 5, 1: 3}), 0, true},
		{"nobody is left to read on", []bounds{at(5, 5, 5)}, group{state: "Empty", next: map[int32]int64{0: 5}}, 0, true},
		{"nothing there, and nobody", []bounds{at(0, 0, 0)}, group{state: "Dead"}, 0, true},
		{"an empty partition beside a full one", []bounds{at(5, 5, 5), at(0, 0, 0)}, stable(map[int32]int64{0: 5}), 0, true},
		{"a message is not committed", []bounds{at(5, 5, 5), at(3, 3, 3)}, stable(map[int32]int64{0: 5, 1: 2}), 1, false},
		{"never committed", []bounds{at(5, 5, 5)}, stable(nil), 5, false},
		{"never committed, and the log begins late", []bounds{{start: 5, end: 5, high: 5, stable: 5}}, stable(nil), 0, false},
		{"a follower is behind", []bounds{at(5, 4, 4)}, stable(map[int32]int64{0: 5}), 0, false},
		{"a transaction is open", []bounds{at(5, 5, 2)}, stable(map[int32]int64{0: 5}), 0, false},
		{"offsets of an open transaction", []bounds{at(5, 5, 5)}, group{state: "Stable", pending: true, next: map[int32]int64{0: 5}}, 0, false},
		{"a rebalance prepared", []bounds{at(5, 5, 5)}, group{state: "PreparingRebalance", next: map[int32]int64{0: 5}}, 0, false},
		{"a rebalance being completed", []bounds{at(5, 5, 5)}, group{state: "CompletingRebalance", next: map[int32]int64{0: 5}}, 0, false},
		{"committed beyond the end: the log was cut", []bounds{at(5, 5, 5)}, stable(map[int32]int64{0: 9}), 0, false},
	} {
		t.Run(c.claim, func(t *testing.T) {
			l := layout{parts: make([]placed, len(c.bounds))}
			if d := depthOf(l, c.bounds, c.group); d.Ready != c.ready || d.Settled != c.settled || d.Unacked != 0 {
				t.Errorf("%+v, want %d ready, settled %v", d, c.ready, c.settled)
			}
		})
	}
}

func TestWhatCannotBeAskedIsAnErrorAndNotADepth(t *testing.T) {
	for _, c := range []struct {
		claim string
		fault kfake.Fault
	}{
		{"a leader that was deposed", kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.NotLeaderForPartition, Count: -1}},
		{"a leader of another epoch", kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Err: kerr.FencedLeaderEpoch, Count: -1}},
		{"a topic that vanished", kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.UnknownTopicOrPartition, Count: -1}},
		{"a group that may not be described", kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeGroups}, Err: kerr.GroupAuthorizationFailed, Count: -1}},
		{"a coordinator that loads", kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetFetch}, Err: kerr.CoordinatorLoadInProgress, Count: -1}},
	} {
		t.Run(c.claim, func(t *testing.T) {
			f := newFake(t, "idempotent")
			i := f.inspector()
			f.Fault(c.fault)
			ctx := within(t, 15*time.Second)
			if d, err := i.Depth(ctx); err == nil || ctx.Err() != nil {
				t.Errorf("%+v, %v: want an error, in time", d, err)
			}
		})
	}
}

func TestAScanIsCompleteOrAnError(t *testing.T) {
	f := newFake(t, "idempotent")
	f.stock(20)
	var k keeper
	i := f.inspector()
	if err := i.Scan(t.Context(), 1, &k); err != nil {
		t.Fatal(err)
	}
	if len(k.copies) != 20 || len(k.ranges) != partitions || k.ranges[0].To.Offset != 20 || k.ranges[1].To.Offset >= k.ranges[1].From.Offset {
		t.Errorf("%d copies in %+v", len(k.copies), k.ranges)
	}
	for n, c := range k.copies {
		if c.Pos.Offset != int64(n+1) || c.Token != message(n).Token || c.Hidden {
			t.Fatalf("copy %d is %+v", n, c)
		}
	}
	if err := i.Scan(t.Context(), 2, &k); err == nil || !strings.Contains(err.Error(), "read 1 replicas, want 2") {
		t.Errorf("two of one replica: %v", err)
	}
	f.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Err: kerr.KafkaStorageError, Count: -1})
	k = keeper{}
	if err := i.Scan(t.Context(), 1, &k); err == nil || len(k.ended) != 1 || !errors.Is(k.ended[0], kerr.KafkaStorageError) {
		t.Errorf("a replica that cannot be read: %v, told %v", err, k.ended)
	}
}

func TestAReplicaThatIsBehindIsNotComplete(t *testing.T) {
	f := newFake(t, "idempotent")
	f.stock(3)
	i := f.inspector().(*inspector)
	l, err := i.layout(t.Context(), "q")
	if err != nil {
		t.Fatal(err)
	}
	bs, err := i.bounds(t.Context(), l)
	if err != nil {
		t.Fatal(err)
	}
	bs[0].high += 2 // as if a leader had told so
	var k keeper
	if err := i.replica(t.Context(), l, bs, 0, &k); err == nil || !strings.Contains(err.Error(), "it holds up to offset 2, and the leader has up to 4") {
		t.Errorf("%v", err)
	}
	if len(k.copies) != 3 || len(k.ended) != 1 || k.ended[0] == nil {
		t.Errorf("told of %d copies, and %v", len(k.copies), k.ended)
	}
}

func TestAHoleInALogIsNamed(t *testing.T) {
	f := newFake(t, "idempotent")
	f.stock(6)
	i := f.inspector().(*inspector)
	l, err := i.layout(t.Context(), "q")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.DeleteRecords("q", 0, 4); err != nil {
		t.Fatal(err)
	}
	err = i.log(t.Context(), l, 0, l.parts[0].leader, 0, 6, uncommitted, func(fetched) error { return nil })
	if !errors.Is(err, kerr.OffsetOutOfRange) {
		t.Errorf("a beginning that is gone: %v", err)
	}
}

func TestReplicasInSyncAreReadFirst(t *testing.T) {
	all, some := []int32{1, 2, 3}, []int32{2, 3}
	l := layout{brokers: map[int32]string{1: "n1", 2: "n2", 3: "n3"}, parts: []placed{
		{replicas: all, inSync: all}, {replicas: all, inSync: some},
	}}
	var got []string
	for _, n := range l.order() {
		got = append(got, l.replica(n))
	}
	if diff := cmp.Diff([]string{"n2", "n3", "n1"}, got); diff != "" {
		t.Error(diff)
	}
	l.parts[1].replicas = []int32{2, 3, 4} // not every broker holds every partition
	if name := l.replica(0); name != "replica 1" {
		t.Errorf("named %s", name)
	}
}

func TestAScanWaitsUntilWhatALeaderAcknowledgedIsReplicated(t *testing.T) {
	f := newFake(t, "acks-1")
	f.stock(3)
	i := f.inspector().(*inspector)
	l, err := i.layout(t.Context(), "q")
	if err != nil {
		t.Fatal(err)
	}
	behind := 3 // answers in which the high watermark is one short
	f.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		f.KeepControl()
		q := r.(*kmsg.ListOffsetsRequest)
		if q.ReplicaID != asConsumer || q.IsolationLevel != uncommitted || q.Topics[0].Partitions[0].Timestamp != latestOf || behind == 0 {
			return nil, nil, false
		}
		behind--
		a := q.ResponseKind().(*kmsg.ListOffsetsResponse)
		t := kmsg.NewListOffsetsResponseTopic()
		t.Topic = "q"
		for _, p := range q.Topics[0].Partitions {
			o := kmsg.NewListOffsetsResponseTopicPartition()
			o.Partition, o.Offset = p.Partition, 0
			if p.Partition == 0 {
				o.Offset = 2
			}
			t.Partitions = append(t.Partitions, o)
		}
		a.Topics = append(a.Topics, t)
		return a, nil, true
	})
	bs, err := i.replicated(within(t, 10*time.Second), l)
	if err != nil || bs[0].high != 3 || behind != 0 {
		t.Errorf("%+v, %v, with %d answers left", bs, err, behind)
	}
}
