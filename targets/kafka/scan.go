package kafka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
	"waybill/targets"
)

const (
	fetchAtMost  = 8 << 20
	fetchFor     = 500 * time.Millisecond
	scanIdle     = 5 * time.Second // without progress, after which a replica is behind
	fetchByNames = int16(11)       // from this version on a follower answers consumers (KIP-392)
)

// Scan implements targets.Inspector.
//
// A replica is read by fetch requests to its own broker, from the start of each partition to the end that its leader
// told before, once all replicas in sync had it: followers answer consumers directly (KIP-392), with their own log. It is complete when
// every offset in between was in a record batch with a valid checksum, in order; nothing here is compacted, so that a
// hole is a hole. Where not every broker holds every partition, the first scan reads the first replica of each, the
// second scan the second.
func (i *inspector) Scan(ctx context.Context, want int, v targets.ScanVisitor) error {
	i.scan.Lock()
	defer i.scan.Unlock()
	l, err := i.layout(ctx, i.names.topic)
	if err != nil {
		return err
	}
	bs, err := i.replicated(ctx, l)
	if err != nil {
		return err
	}
	var errs []error
	read := 0
	for _, n := range l.order() {
		if read >= want || ctx.Err() != nil {
			break
		}
		if err := i.replica(ctx, l, bs, n, v); err != nil {
			errs = append(errs, fmt.Errorf("kafka: scan of %s on %s: %w", l.topic, l.replica(n), err))
			continue
		}
		read++
	}
	if read < want {
		errs = append(errs, fmt.Errorf("kafka: scan of %s read %d replicas, want %d", l.topic, read, want))
		return errors.Join(append(errs, ctx.Err())...)
	}
	return nil
}

// replicated waits until all replicas in sync have all that the leaders have. Before that a scan would end at the high
// watermark and leave out what a leader alone acknowledged.
func (i *inspector) replicated(ctx context.Context, l layout) ([]bounds, error) {
	for began := time.Now(); ; {
		bs, err := i.bounds(ctx, l)
		if err != nil {
			return nil, err
		}
		behind := slices.IndexFunc(bs, func(b bounds) bool { return b.end != b.high })
		if behind < 0 {
			return bs, nil
		}
		if time.Since(began) > scanIdle {
			return nil, fmt.Errorf("kafka: %s/%d ends at %d on its leader, and at %d on all replicas in sync: not settled",
				l.topic, behind, bs[behind].end, bs[behind].high)
		}
		if err := targets.Pause(ctx, retryPause); err != nil {
			return nil, err
		}
	}
}

// copies is how many replicas the partition with the fewest has.
func (l layout) copies() int {
	n := len(l.parts[0].replicas)
	for _, p := range l.parts {
		n = min(n, len(p.replicas))
	}
	return n
}

// order is the order in which replicas are tried: those in sync first. One that is not may be long in coming.
func (l layout) order() []int {
	var inSync, behind []int
	for n := range l.copies() {
		if slices.ContainsFunc(l.parts, func(p placed) bool { return !slices.Contains(p.inSync, p.replicas[n]) }) {
			behind = append(behind, n)
		} else {
			inSync = append(inSync, n)
		}
	}
	return append(inSync, behind...)
}

// replica names the nth scan: a broker, if it holds all partitions.
func (l layout) replica(n int) string {
	for _, p := range l.parts {
		if p.replicas[n] != l.parts[0].replicas[n] {
			return fmt.Sprintf("replica %d", n+1)
		}
	}
	return l.brokers[l.parts[0].replicas[n]]
}

// replica tells v what the nth replica of each partition holds.
func (i *inspector) replica(ctx context.Context, l layout, bs []bounds, n int, v targets.ScanVisitor) (err error) {
	var ranges []targets.Range
	for p, b := range bs {
		at := func(offset int64) history.Position {
			return history.Position{Partition: uint32(p), Offset: offset, Epoch: uint64(l.parts[p].epoch)}
		}
		ranges = append(ranges, targets.Range{From: at(b.start + 1), To: at(b.high)})
	}
	copies := int64(0)
	v.Begin(l.replica(n), ranges)
	defer func() { v.End(l.replica(n), copies, err) }()
	for p := range l.parts {
		fates := newFates(func(o stored) {
			copies++
			c := o.Copy
			c.Hidden = o.fate != fateCommitted
			v.Copy(c)
		})
		err := i.log(ctx, l, int32(p), l.parts[p].replicas[n], bs[p].start, bs[p].high, uncommitted, func(f fetched) error {
			fates.batch(f.batch, f.from, f.to, uint32(p))
			return nil
		})
		fates.end()
		if err != nil {
			return err
		}
	}
	return nil
}

// fetched is one batch of the log, and which of its offsets were asked for.
type fetched struct {
	*batch
	from, to int64                                                // inclusive, exclusive
	aborted  []kmsg.FetchResponseTopicPartitionAbortedTransaction // what the broker says, to a reader of committed messages
}

// log reads one partition from one broker, every offset from one to the other.
func (i *inspector) log(ctx context.Context, l layout, part, broker int32, from, to int64, isolation int8, each func(fetched) error) error {
	progress := time.Now()
	for next := from; next < to; {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p, err := i.fetch(ctx, l, part, broker, next, isolation)
		if err != nil {
			return fmt.Errorf("partition %d from offset %d: %w", part, next, err)
		}
		before := next
		for left := p.RecordBatches; len(left) > 0 && next < to; {
			b, rest, err := parseBatch(left)
			if errors.Is(err, errCut) {
				break
			}
			if err != nil {
				return fmt.Errorf("partition %d: %w", part, err)
			}
			left = rest
			if b.last() < next {
				continue // the broker begins with the batch that holds the offset, or an index entry before it
			}
			if b.FirstOffset > next {
				return fmt.Errorf("partition %d: after offset %d comes %d: a hole", part, next-1, b.FirstOffset)
			}
			if b.NumRecords == 0 {
				return fmt.Errorf("partition %d: offsets %d to %d are an empty batch: something was removed", part, next, b.last())
			}
			if err := each(fetched{batch: b, from: next, to: to, aborted: p.AbortedTransactions}); err != nil {
				return err
			}
			next = b.last() + 1
		}
		switch {
		case next > before:
			progress = time.Now()
		case time.Since(progress) > scanIdle:
			return fmt.Errorf("partition %d: it holds up to offset %d, and the leader has up to %d", part, next-1, to-1)
		}
	}
	return nil
}

// fetch asks one broker for what it holds from an offset on. A follower that is behind says so with an empty answer or
// OFFSET_NOT_AVAILABLE: it is asked again until scanIdle.
func (i *inspector) fetch(ctx context.Context, l layout, part, broker int32, offset int64, isolation int8) (kmsg.FetchResponseTopicPartition, error) {
	q := kmsg.NewPtrFetchRequest()
	q.MaxWaitMillis, q.MinBytes, q.MaxBytes = int32(fetchFor.Milliseconds()), 1, fetchAtMost
	q.IsolationLevel, q.SessionID, q.SessionEpoch = isolation, 0, -1
	t := kmsg.NewFetchRequestTopic()
	t.Topic, t.TopicID = l.topic, l.id
	p := kmsg.NewFetchRequestTopicPartition()
	p.Partition, p.FetchOffset, p.PartitionMaxBytes, p.CurrentLeaderEpoch = part, offset, fetchAtMost, l.parts[part].epoch
	t.Partitions = append(t.Partitions, p)
	q.Topics = append(q.Topics, t)
	var none kmsg.FetchResponseTopicPartition
	r, err := direct[*kmsg.FetchResponse](ctx, i.cl, broker, q)
	if err != nil {
		return none, err
	}
	if r.Version < fetchByNames {
		return none, fmt.Errorf("broker %d speaks version %d of fetch, want at least %d: followers would not answer", broker, r.Version, fetchByNames)
	}
	if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
		return none, err
	}
	if len(r.Topics) != 1 || len(r.Topics[0].Partitions) != 1 || r.Topics[0].Partitions[0].Partition != part {
		return none, fmt.Errorf("broker %d answered for another partition", broker)
	}
	answer := r.Topics[0].Partitions[0]
	err = kerr.ErrorForCode(answer.ErrorCode)
	if errors.Is(err, kerr.OffsetNotAvailable) || errors.Is(err, kerr.UnknownLeaderEpoch) { // it has not heard yet
		answer.RecordBatches = nil
		return answer, targets.Pause(ctx, retryPause)
	}
	return answer, err
}
