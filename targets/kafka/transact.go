package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
	"waybill/targets"
)

// transactLimit is how long one transaction may take: longer than the broker lets it be open, after which it is aborted.
const transactLimit = transaction + answerTime

// transactor is a member of the queue's group that produces to the queue's output, in transactions which carry the
// offsets of what they were made from. Its transactional id is its slot's: the next life in the slot fences it.
//
// The library's session keeps to the group: when the group takes partitions away before the end, it aborts; the offsets
// are sent with the member's generation, which the coordinator checks; and whoever gets the partitions next waits until
// the transaction is over. What it says at the end is held against what was written: an end that was called as a commit,
// and of which no answer says that it was made, is unknown. After such an end, as after being fenced, the whole client is
// thrown away: the next one's first request ends what the id has open.
type transactor struct {
	*link
	names  names
	member int
	batch  int
	told   listener
	limit  time.Duration

	mu       sync.Mutex
	closed   bool
	session  *kgo.GroupTransactSession // nil: the last one is gone, and no new one could be made
	stop     context.CancelFunc
	fence    sync.WaitGroup
	polled   map[int32]int64 // since the last end: the last offset received, by partition
	received int             // likewise
	taken    atomic.Bool     // partitions were taken away since then
	commits  counter         // of ends that ask for a commit
}

func newTransactor(l *link, n names, c targets.ClientConfig) (*transactor, error) {
	t := &transactor{link: l, names: n, member: c.Member, batch: c.Batch, told: listenerOf(c), limit: transactLimit, commits: counter{counts: isCommitEnd}}
	l.watch = &t.commits
	if err := t.renew(); err != nil {
		return nil, err
	}
	return t, nil
}

// isCommitEnd reports whether a request asks for a transaction's commit.
func isCommitEnd(f frame) (bool, error) {
	if f.key != int16(kmsg.EndTxn) {
		return false, nil
	}
	var end kmsg.EndTxnRequest
	err := f.read(&end)
	return err == nil && end.Commit, err
}

// renew makes a session, with a client of its own, in place of the last one.
func (t *transactor) renew() error {
	t.drop()
	opts := append(t.opts[:len(t.opts):len(t.opts)], groupOptions(t.names, false)...)
	opts = append(opts, producerOptions(mode{idempotent: true, acks: acksAll}, leastDelivery)...)
	// The first outputs of a transaction may have to wait until the last one has ended everywhere. Those sent behind them
	// would be refused, as out of order, and sent once more.
	opts = append(opts, kgo.MaxProduceRequestsInflightPerBroker(1))
	given := func(_ context.Context, at map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
		for p, o := range at[t.names.topic] {
			t.told.assigned(uint32(p), o.EpochOffset().Offset+1)
		}
		return at, nil
	}
	taken := func(_ context.Context, _ *kgo.Client, ps map[string][]int32) {
		t.taken.Store(true)
		for _, p := range ps[t.names.topic] {
			t.told.revoked(uint32(p))
		}
	}
	s, err := kgo.NewGroupTransactSession(append(opts,
		kgo.TransactionalID(t.names.group+"-"+strconv.Itoa(t.member)),
		kgo.TransactionTimeout(transaction),
		kgo.AdjustFetchOffsetsFn(given),
		kgo.OnPartitionsRevoked(taken),
		kgo.OnPartitionsLost(taken),
	)...)
	if err != nil {
		return fmt.Errorf("kafka: transactional client: %w", err)
	}
	t.session, t.polled, t.received = s, map[int32]int64{}, 0
	t.client.Store(s.Client())
	// At once, not with the first output: offsets that the last life left in an open transaction hold back whoever gets
	// its partitions, until the id is taken over or the transaction times out.
	ctx, stop := context.WithCancel(context.Background())
	t.stop = stop
	t.fence.Go(func() { s.Client().ProducerID(ctx) }) //nolint:errcheck // the first transaction tries again
	return nil
}

// drop throws the session away. Nothing of it is written afterwards.
func (t *transactor) drop() {
	if t.session == nil {
		return
	}
	t.stop()
	leave(t.session.Client())
	t.fence.Wait()
	t.session = nil
}

// Receive implements targets.Consumer.
func (t *transactor) Receive(ctx context.Context) ([]targets.Delivery, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		return nil, errClosed
	}
	if t.session == nil {
		if err := t.renew(); err != nil {
			return nil, err
		}
	}
	fetches, err := poll(ctx, t.session.Client(), t.names.topic, t.batch)
	if err != nil {
		return nil, err
	}
	var ds []targets.Delivery
	fetches.EachRecord(func(r *kgo.Record) {
		t.polled[r.Partition] = r.Offset
		t.received++
		d := deliver(r)
		d.Native = held{offset: r.Offset}
		ds = append(ds, d)
	})
	return ds, nil
}

// Ack implements targets.Consumer. Offsets travel with transactions alone.
func (t *transactor) Ack(context.Context, []targets.Delivery, func(int, history.Status, history.Reason)) error {
	return errors.New("kafka: a transactional consumer acknowledges within Transact")
}

// Transact implements targets.Transactor. Its inputs must be all that was received since the last one: the session sends
// the offsets of all. When it does not end in time its client is thrown away, and with it what it has open.
func (t *transactor) Transact(ctx context.Context, x targets.Transaction) targets.TransactionEnd {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.session == nil {
		return targets.TransactionEnd{Status: history.Aborted, Reason: history.NotConnected, Text: errClosed.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, t.limit)
	defer cancel()
	before := t.commits.Load()
	committed, why, err := t.carry(ctx, x)
	taken := t.taken.Swap(false)
	clear(t.polled)
	t.received = 0
	var failed error
	if err != nil || !committed && t.commits.Load() > before {
		failed = t.renew() // first, so that nothing more is written: the count is final then
	}
	end := conclude(committed, errors.Join(why, err), t.commits.Load()-before, taken)
	if failed != nil {
		end.Text += "; " + failed.Error()
	}
	return end
}

// carry takes one transaction to its end. why says why it was to be aborted; err leaves the client in an unknown state.
func (t *transactor) carry(ctx context.Context, x targets.Transaction) (committed bool, why, err error) {
	s := t.session
	if why := t.complete(x.Inputs); why != nil {
		_, err := s.End(ctx, kgo.TryAbort) // nothing began: this goes back to the committed offsets
		return false, why, err
	}
	if err := s.Begin(); err != nil {
		return false, nil, err
	}
	var stored kgo.FirstErrPromise
	for _, m := range x.Outputs {
		r := encode(t.names.output, m)
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headerTransaction, Value: []byte(x.ID)})
		s.Produce(ctx, r, stored.Promise())
		if x.Output != nil {
			x.Output()
		}
	}
	if err := s.Client().Flush(ctx); err != nil {
		return false, nil, err
	}
	if why := stored.Err(); why != nil {
		_, err := s.End(ctx, kgo.TryAbort)
		return false, why, err
	}
	if x.Ending != nil {
		x.Ending()
	}
	committed, err = s.End(ctx, kgo.TransactionEndTry(!x.Abort))
	return committed, nil, err
}

// complete says whether the inputs are all that was received.
func (t *transactor) complete(inputs []targets.Delivery) error {
	last := map[int32]int64{}
	n := 0
	for _, d := range inputs {
		p := int32(d.Pos.Partition)
		last[p] = max(last[p], d.Pos.Offset-1)
		n++
	}
	if n != t.received || !maps.Equal(last, t.polled) {
		return fmt.Errorf("kafka: a transaction of %d inputs up to offsets %v, when %d were received up to %v: want all of them", n, last, t.received, t.polled)
	}
	return nil
}

// fencing are the answers which say that another has taken this client's place: the next life of its slot, by the
// transactional id, or the group.
var fencing = []error{
	kerr.ProducerFenced, kerr.InvalidProducerEpoch, kerr.InvalidProducerIDMapping,
	kerr.IllegalGeneration, kerr.UnknownMemberID, kerr.FencedInstanceID, kerr.RebalanceInProgress,
}

// conclude says how a transaction ended. commits is how often its end was written as a commit: without one it cannot
// come to be committed any more, since its client has aborted it or is gone. With one, only the answer tells; the
// library's abort that follows a failed commit does not.
func conclude(committed bool, err error, commits int64, taken bool) targets.TransactionEnd {
	fenced := taken || slices.ContainsFunc(fencing, func(f error) bool { return errors.Is(err, f) })
	var end targets.TransactionEnd
	var answer *kerr.Error
	switch {
	case committed:
		return targets.TransactionEnd{Status: history.OK}
	case commits > 0 && !(commits == 1 && errors.Is(err, kerr.ProducerFenced)):
		end.Status = history.Unknown
	case fenced:
		end.Status = history.Fenced
	default:
		end.Status = history.Aborted
	}
	switch {
	case errors.As(err, &answer):
		end.Reason = history.BrokerError
	case errors.Is(err, context.DeadlineExceeded):
		end.Reason = history.Timeout
	case errors.Is(err, context.Canceled):
		end.Reason = history.Interrupted
	case err != nil:
		end.Reason = history.ConnectionClosed
	}
	switch {
	case err != nil:
		end.Text = err.Error()
	case taken:
		end.Text = "the group took partitions away"
	case commits > 0:
		end.Text = "the end was called as a commit, and then as an abort: the broker did not say what became of the first"
	default:
		end.Text = "aborted as asked, or because the coordinator refused the offsets"
	}
	return end
}

// Close implements targets.Consumer.
func (t *transactor) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed {
		t.closed = true
		t.drop()
	}
	return nil
}
