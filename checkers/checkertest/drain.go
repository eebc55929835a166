package checkertest

import (
	"fmt"

	"waybill/harness/history"
)

// checkpoint quiesces, drains, scans two replicas and reads the effects back, lane after lane.
func (w *world) checkpoint() {
	for _, q := range w.lanes {
		q.drain()
	}
	w.ctl(history.Event{Kind: history.CheckpointBegin})
	for _, q := range w.lanes {
		if q.traits.Scannable {
			for r := range 2 {
				q.scan(fmt.Sprintf("n%d", r))
			}
		}
		for i, x := range q.effects {
			e := history.Event{Kind: history.Readback, Msg: x.msg, Count: 1, Ref: w.ep, Txn: x.txn, Other: x.by}
			if x.txn > 0 {
				e.Pos = history.Position{Offset: int64(i + 1)}
			}
			if x.unseen {
				e.Flags = history.Invisible
			}
			q.put(inspector, e)
		}
		q.put(inspector, history.Event{Kind: history.ReadbackEnd, Ref: w.ep, Count: uint64(len(q.effects)), Status: history.OK})
		w.ctl(history.Event{Kind: history.CheckpointEnd, Lane: q.lane, Status: history.OK})
	}
}

func (q *queue) drain() {
	for _, p := range q.producers {
		q.flush(p)
	}
	for q.busy() {
		for _, c := range q.consumers {
			q.receive(c, q.waiting())
			for len(c.held)+len(c.inputs) > 0 {
				q.process(c, false)
			}
		}
	}
}

func (q *queue) busy() bool {
	for _, c := range q.consumers {
		if len(c.held)+len(c.inputs) > 0 {
			return true
		}
	}
	return q.waiting() > 0
}

func (q *queue) scan(replica string) {
	w := q.w
	w.tag++
	tag := w.tag
	for i, p := range q.parts {
		q.put(inspector, history.Event{Kind: history.ScanBegin, Ref: w.ep, Tag: tag, Name: replica, From: 1, To: p.end,
			Pos: history.Position{Partition: uint32(i), Epoch: p.term}})
	}
	for _, x := range q.log { // partitions interleaved, as they come
		w.put(inspector, history.Event{Kind: history.Copy, Tag: tag, Msg: x.msg, Attempt: x.attempt, Key: x.key, Pos: x.pos})
	}
	q.put(inspector, history.Event{Kind: history.ScanEnd, Ref: w.ep, Tag: tag, Status: history.OK, Count: uint64(len(q.log))})
}
