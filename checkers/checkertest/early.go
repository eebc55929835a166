package checkertest

import "waybill/harness/history"

// early acknowledges the oldest delivery held, and applies it when that was confirmed.
func (q *queue) early(c *consumer, trouble bool) {
	i := c.held[0]
	if !q.commit(c, trouble) {
		return
	}
	m := q.log[i].msg
	q.put(c.life, history.Event{Kind: history.ApplyBegin, Msg: m, Pos: q.pos(i)})
	q.effects = append(q.effects, effect{msg: m})
	q.put(c.life, history.Event{Kind: history.ApplyEnd, Msg: m, Pos: q.pos(i), Status: history.OK})
}

// commit acknowledges the oldest delivery held, and reports whether that was confirmed. If not, it is delivered again, or not.
func (q *queue) commit(c *consumer, trouble bool) bool {
	i := c.held[0]
	c.held = c.held[1:]
	ack := history.Event{Kind: history.AckOutcome, Msg: q.log[i].msg, Pos: q.pos(i), Status: history.Confirmed}
	q.put(c.life, history.Event{Kind: history.AckCalled, Msg: ack.Msg, Pos: ack.Pos, Flags: history.Commit})
	if trouble && q.w.rng.IntN(4) == 0 {
		ack.Status, ack.Reason = history.Unknown, history.Timeout
		if q.w.rng.IntN(2) == 0 {
			ack.Status = history.Failed
		}
	}
	q.put(c.life, ack)
	if ack.Status == history.Failed {
		q.again(c, i)
	} else {
		q.settle(i)
	}
	return ack.Status == history.Confirmed
}
