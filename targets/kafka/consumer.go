package kafka

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"waybill/harness/history"
	"waybill/targets"
)

const (
	pollFor   = time.Second // that Receive waits for a message
	fetchWait = 500 * time.Millisecond
	rebalance = groupSession // that a member may take to rejoin
	idlePolls = 2            // without a message, after which a consumer goes back to what it holds unacknowledged
)

// consumer is a member of the queue's group.
//
// Rebalances are held back from the moment that Receive returns deliveries until it is called again: a batch is applied
// and committed within one generation of the group, by a member that owns it, or the coordinator refuses the commit.
// Nothing but SIGSTOP or a cut makes a zombie, since the library heartbeats by itself; a zombie's commit comes with the
// generation that it lost, and is refused. After that its batch is void: what it applied others apply again.
//
// Partitions are assigned eagerly (range): a rebalance takes all of them from everybody, so that each generation begins
// with the group's committed offsets everywhere, and ends in one round. Cooperative rebalancing keeps partitions flowing
// meanwhile and takes two rounds; it would keep positions that run ahead of a commit that failed.
type consumer struct {
	*link
	cl      *kgo.Client
	names   names
	batch   int
	commits counter // of offset commits

	mu      sync.Mutex
	closed  bool
	told    listener
	tenures tenures        // what is owned, and since when
	adrift  map[int32]bool // partitions whose next delivery may lie before the expected one: none came yet, or the library says that the log lost records
	calls   uint64         // of Receive
	quiet   int            // calls in a row that found nothing
	closing sync.Once
}

func newConsumer(l *link, n names, m mode, c targets.ClientConfig) (*consumer, error) {
	r := &consumer{link: l, names: n, batch: c.Batch, tenures: newTenures(), adrift: map[int32]bool{}, told: listenerOf(c), commits: counter{counts: isCommit}}
	l.watch = &r.commits
	var err error
	r.cl, err = l.open(append(groupOptions(n, m.Traits.AcksFirst),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.AdjustFetchOffsetsFn(func(_ context.Context, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
			r.assigned(at[n.topic])
			return at, nil
		}),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { r.taken(ps[n.topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, ps map[string][]int32) { r.taken(ps[n.topic]) }),
	)...)
	if err != nil {
		return nil, err
	}
	return r, nil
}

// groupOptions are those of every member. Where the log no longer reaches to the committed offset, a member that must not
// see a message twice goes on at the end, and any other from the start: ClientConfig.Reset is told of both.
func groupOptions(n names, atMostOnce bool) []kgo.Opt {
	reset := kgo.NewOffset().AtStart()
	if atMostOnce {
		reset = kgo.NewOffset().AtEnd()
	}
	return []kgo.Opt{
		kgo.ConsumerGroup(n.group),
		kgo.ConsumeTopics(n.topic),
		kgo.Balancers(kgo.RangeBalancer()),
		kgo.SessionTimeout(groupSession),
		kgo.HeartbeatInterval(groupHeartbeat),
		kgo.RebalanceTimeout(rebalance),
		kgo.FetchMaxWait(fetchWait),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()),
		kgo.ConsumeResetOffset(reset),
	}
}

// assigned is called with the committed offsets of what is assigned, before anything of it is fetched.
func (c *consumer) assigned(at map[int32]kgo.Offset) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p, o := range at {
		from := o.EpochOffset().Offset
		c.tenures.begin(p, from)
		c.adrift[p] = true
		c.told.assigned(uint32(p), from+1)
	}
}

func (c *consumer) taken(partitions []int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range partitions {
		c.tenures.end(p)
		c.told.revoked(uint32(p))
	}
}

// held is what a delivery needs for its acknowledgement.
type held struct {
	tenure uint64
	call   uint64 // of Receive
	offset int64
	epoch  int32
}

// Receive implements targets.Consumer. Calling it lets a rebalance that waits go ahead.
func (c *consumer) Receive(ctx context.Context) ([]targets.Delivery, error) {
	if err := c.begin(); err != nil {
		return nil, err
	}
	fetches, err := poll(ctx, c.cl, c.names.topic, c.batch)
	if err != nil {
		return nil, err
	}
	var ds []targets.Delivery
	c.mu.Lock()
	defer c.mu.Unlock()
	fetches.EachError(func(_ string, p int32, err error) {
		var lost *kgo.ErrDataLoss
		if errors.As(err, &lost) {
			c.adrift[p] = true
		}
	})
	fetches.EachRecord(func(r *kgo.Record) {
		tenure, owned := c.tenures.of(r.Partition)
		if !owned {
			return // assigned away between the fetch and now
		}
		d := deliver(r)
		d.Native = held{tenure: tenure, call: c.calls, offset: r.Offset, epoch: r.LeaderEpoch}
		// A step back that nobody told of is no reset: the audit shall see it.
		if expected, moved := c.tenures.deliver(r.Partition, r.Offset, c.calls); moved && (r.Offset > expected || c.adrift[r.Partition]) {
			c.told.reset(uint32(r.Partition), expected+1, r.Offset+1, "the log does not hold what comes next")
		}
		delete(c.adrift, r.Partition)
		ds = append(ds, d)
	})
	if c.quiet++; len(ds) > 0 {
		c.quiet = 0
	} else {
		c.cl.AllowRebalance()
	}
	return ds, nil
}

// begin releases rebalances and goes back to what was left out of an acknowledgement.
func (c *consumer) begin() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return errClosed
	}
	c.calls++
	if c.quiet >= idlePolls {
		c.tenures.forsake()
		c.quiet = 0
	}
	was := c.tenures.positions()
	back := c.tenures.rewinds()
	for p, offset := range back {
		c.told.sought(uint32(p), was[p]+1, offset+1, "what was not acknowledged, or not known to be, is read again")
	}
	c.mu.Unlock()
	if len(back) > 0 {
		to := map[int32]kgo.EpochOffset{}
		for p, offset := range back {
			to[p] = kgo.EpochOffset{Epoch: -1, Offset: offset}
		}
		c.cl.SetOffsets(map[string]map[int32]kgo.EpochOffset{c.names.topic: to})
	}
	c.cl.AllowRebalance()
	return nil
}

var errClosed = errors.New("kafka: the consumer is closed")

// poll waits for records for about pollFor. What the library mends by itself is no error.
func poll(ctx context.Context, cl *kgo.Client, topic string, most int) (kgo.Fetches, error) {
	wait, cancel := context.WithTimeout(ctx, pollFor)
	defer cancel()
	fetches := cl.PollRecords(wait, most)
	if fetches.IsClientClosed() {
		return nil, errClosed
	}
	if ctx.Err() != nil && fetches.NumRecords() == 0 {
		return nil, ctx.Err()
	}
	var fatal error
	fetches.EachError(func(_ string, p int32, err error) {
		switch {
		case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.GroupAuthorizationFailed), errors.Is(err, kerr.SaslAuthenticationFailed):
			fatal = fmt.Errorf("kafka: consume %s, partition %d: %w", topic, p, err)
		}
	})
	if fatal != nil && fetches.NumRecords() == 0 {
		return nil, fatal
	}
	return fetches, nil
}

// deliver makes a delivery of a record. Kafka keeps no count of deliveries, and marks none.
func deliver(r *kgo.Record) targets.Delivery {
	id := identityIn(r.Key, r.Value)
	for _, h := range r.Headers {
		id.header(h.Key, h.Value)
	}
	d := targets.Delivery{
		Token: id.token, Attempt: id.attempt, Key: id.key, Payload: id.payload,
		Pos: history.Position{Partition: uint32(r.Partition), Offset: r.Offset + 1},
	}
	if r.LeaderEpoch > 0 {
		d.Pos.Epoch = uint64(r.LeaderEpoch)
	}
	if r.Attrs.TimestampType() == 1 { // the broker's time of the append, not the producer's
		d.BrokerTime = r.Timestamp.UnixMicro()
	}
	return d
}

// Close implements targets.Consumer. It leaves the group, so that others need not wait for the session's end.
func (c *consumer) Close() error {
	c.closing.Do(func() {
		c.mu.Lock()
		c.closed = true
		c.mu.Unlock()
		leave(c.cl)
	})
	return nil
}

// leave closes a member's client. It leaves the group first, for closeGrace: without a coordinator the session must end.
func leave(cl *kgo.Client) {
	cl.AllowRebalance()
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	cl.LeaveGroupContext(ctx) //nolint:errcheck // a courtesy
	cl.CloseAllowingRebalance()
}
