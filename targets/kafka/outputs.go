package kafka

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kmsg"
	"waybill/targets"
)

// outputInspector also reads what transactions wrote.
type outputInspector struct{ *inspector }

// Outputs implements targets.OutputReader. Each partition of the output is read twice from its leader: every record, with
// the transactions' fates from their markers in the log; and as a reader of committed messages is given it, up to the
// last stable offset, with the broker's own list of what was aborted. Both must come to the same.
func (i *outputInspector) Outputs(ctx context.Context, each func(targets.Output) error) error {
	i.scan.Lock()
	defer i.scan.Unlock()
	l, err := i.layout(ctx, i.names.output)
	if err != nil {
		return err
	}
	bs, err := i.replicated(ctx, l)
	if err != nil {
		return err
	}
	for p, b := range bs {
		if err := i.output(ctx, l, int32(p), b, each); err != nil {
			return fmt.Errorf("kafka: outputs in %s: %w", l.topic, err)
		}
	}
	return nil
}

func (i *outputInspector) output(ctx context.Context, l layout, part int32, b bounds, each func(targets.Output) error) error {
	leader := l.parts[part].leader
	shown := map[int64]bool{}
	reader := newCommittedReader()
	err := i.log(ctx, l, part, leader, b.start, b.stable, committed, func(f fetched) error {
		reader.list(f.aborted)
		if reader.shows(f.batch) {
			for o := max(f.from, f.FirstOffset); o <= f.last() && o < f.to; o++ {
				shown[o] = true
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("to a reader of committed messages: %w", err)
	}
	var failed error
	fates := newFates(func(s stored) {
		if failed != nil {
			return
		}
		offset := s.Pos.Offset - 1
		visible := s.fate == fateCommitted && offset < b.stable
		if visible != shown[offset] {
			failed = fmt.Errorf("partition %d, offset %d: the log's markers say visible: %v, and the broker's list of aborted transactions: %v",
				part, offset, visible, shown[offset])
			return
		}
		c := s.Copy
		c.Hidden = s.fate == fateAborted
		failed = each(targets.Output{Copy: c, Transaction: s.transaction, Visible: visible})
	})
	err = i.log(ctx, l, part, leader, b.start, b.high, uncommitted, func(f fetched) error {
		fates.batch(f.batch, f.from, f.to, uint32(part))
		return failed
	})
	if err != nil {
		return err
	}
	fates.end()
	return failed
}

// committedReader does what a consumer of committed messages does with a fetch's answer: the broker sends all that is
// stable, with a list of aborted transactions, each from its first offset; an abort marker ends it.
type committedReader struct {
	listed map[aborted]bool // false: its first offset was not reached yet
	hiding map[int64]bool   // producers in the midst of an aborted transaction
}

// aborted is one transaction that was.
type aborted struct{ producer, first int64 }

func newCommittedReader() *committedReader {
	return &committedReader{listed: map[aborted]bool{}, hiding: map[int64]bool{}}
}

// list takes what the broker says was aborted. It says it again with every answer that it concerns.
func (r *committedReader) list(all []kmsg.FetchResponseTopicPartitionAbortedTransaction) {
	for _, a := range all {
		k := aborted{a.ProducerID, a.FirstOffset}
		if _, known := r.listed[k]; !known {
			r.listed[k] = false
		}
	}
}

// shows takes the next batch and reports whether its records are returned.
func (r *committedReader) shows(b *batch) bool {
	for a, begun := range r.listed {
		if !begun && a.producer == b.ProducerID && a.first <= b.last() {
			r.listed[a], r.hiding[a.producer] = true, true
		}
	}
	if b.control() {
		if yes, is := b.marker(); is && !yes {
			r.hiding[b.ProducerID] = false
		}
		return false
	}
	return !b.transactional() || !r.hiding[b.ProducerID]
}
