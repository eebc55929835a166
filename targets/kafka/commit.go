package kafka

import (
	"context"
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/harness/history"
	"waybill/targets"
)

// refused are the coordinator's answers to a commit of which nothing came: it names them before it writes.
var refused = map[*kerr.Error]bool{
	kerr.IllegalGeneration:        true, // the group went on without this member
	kerr.UnknownMemberID:          true, // its session ended
	kerr.RebalanceInProgress:      true, // its partitions are being given out anew
	kerr.FencedInstanceID:         true,
	kerr.StaleMemberEpoch:         true,
	kerr.GroupAuthorizationFailed: true,
	kerr.TopicAuthorizationFailed: true,
	kerr.OffsetMetadataTooLarge:   true,
	kerr.InvalidCommitOffsetSize:  true,
}

func isCommit(f frame) (bool, error) { return f.key == int16(kmsg.OffsetCommit), nil }

// verdict is how an acknowledgement ended.
type verdict struct {
	status history.Status
	reason history.Reason
}

// classifyCommit says what an answer to a commit means, when the request was written so many times: the library repeats
// it by itself, and a refusal of the second says nothing of the first.
func classifyCommit(err error, writes int64) verdict {
	if err == nil {
		return verdict{history.Confirmed, history.NoReason}
	}
	var answer *kerr.Error
	switch {
	case writes == 0:
		return verdict{history.Failed, history.NotConnected}
	case errors.As(err, &answer):
		if refused[answer] && writes == 1 {
			return verdict{history.Failed, history.BrokerError}
		}
		return verdict{history.Unknown, history.BrokerError}
	case errors.Is(err, context.DeadlineExceeded):
		return verdict{history.Unknown, history.Timeout}
	}
	return verdict{history.Unknown, history.ConnectionClosed}
}

// Ack implements targets.Consumer: it commits, for each partition, the offset up to which everything delivered is
// acknowledged, and waits for the answer. A delivery that is not in ds although others of the same Receive, or later
// ones, are, is taken back: the next Receive delivers from there again, since no offset can leave it out; what was
// acknowledged beyond it is Failed, since nothing of that can be handed over. So is what was delivered before the
// partition was taken away.
func (c *consumer) Ack(ctx context.Context, ds []targets.Delivery, done func(i int, s history.Status, r history.Reason)) error {
	c.mu.Lock()
	var live []int
	var void []int
	for i, d := range ds {
		h, ok := d.Native.(held)
		if !ok || c.closed || !c.tenures.valid(int32(d.Pos.Partition), h.tenure, h.offset, h.call) {
			void = append(void, i)
			continue
		}
		c.tenures.ack(int32(d.Pos.Partition), h.offset)
		live = append(live, i)
	}
	upTo := c.tenures.settle()
	c.mu.Unlock()

	for _, i := range void {
		done(i, history.Failed, history.NoReason)
	}
	if len(live) == 0 {
		return nil
	}
	offsets := map[int32]kgo.EpochOffset{}
	for p, o := range upTo {
		offsets[p] = kgo.EpochOffset{Epoch: -1, Offset: o + 1}
	}
	for _, i := range live { // the epoch of the last record committed lets a later reader notice a truncated log
		if h := ds[i].Native.(held); h.offset == upTo[int32(ds[i].Pos.Partition)] {
			offsets[int32(ds[i].Pos.Partition)] = kgo.EpochOffset{Epoch: h.epoch, Offset: h.offset + 1}
		}
	}
	verdicts := c.commit(ctx, offsets)
	c.mu.Lock()
	for _, i := range live { // what is not known to be committed is delivered again, to be so
		if h, p := ds[i].Native.(held), int32(ds[i].Pos.Partition); verdicts[p].status != history.Confirmed {
			c.tenures.retake(p, h.tenure, h.offset)
		}
	}
	c.mu.Unlock()
	for _, i := range live {
		p := int32(ds[i].Pos.Partition)
		last, moved := upTo[p]
		if !moved || ds[i].Native.(held).offset > last {
			done(i, history.Failed, history.NoReason) // beyond one that was left out
			continue
		}
		v := verdicts[p]
		done(i, v.status, v.reason)
	}
	return nil
}

// commit asks the coordinator, within a limit, and says how it ended for each partition.
func (c *consumer) commit(ctx context.Context, offsets map[int32]kgo.EpochOffset) map[int32]verdict {
	verdicts := map[int32]verdict{}
	if len(offsets) == 0 {
		return verdicts
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	before := c.commits.Load()
	answered := make(chan struct{})
	var answers map[int32]error
	var failed error
	c.cl.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{c.names.topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, r *kmsg.OffsetCommitResponse, err error) {
			defer close(answered)
			if failed = err; err == nil {
				answers = commitAnswers(r)
			}
		})
	<-answered
	writes := c.commits.Load() - before
	for p := range offsets {
		err, named := answers[p]
		if failed != nil {
			err = failed
		} else if !named {
			err = errors.New("kafka: the coordinator's answer does not name the partition")
		}
		verdicts[p] = classifyCommit(err, writes)
	}
	return verdicts
}

// commitAnswers are the answers by partition: all are of the one topic.
func commitAnswers(r *kmsg.OffsetCommitResponse) map[int32]error {
	answers := map[int32]error{}
	for _, t := range r.Topics {
		for _, p := range t.Partitions {
			answers[p.Partition] = kerr.ErrorForCode(p.ErrorCode)
		}
	}
	return answers
}
