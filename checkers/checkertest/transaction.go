package checkertest

import "waybill/harness/history"

// transact carries one transaction over all that a consumer holds through: the one that is open, or a new one.
func (q *queue) transact(c *consumer, trouble bool) {
	if len(c.inputs) == 0 {
		q.open(c)
	}
	q.close(c, trouble, q.w.rng.IntN(8) == 0)
}

// open begins a transaction and hands its outputs over.
func (q *queue) open(c *consumer) {
	q.w.txn++
	c.txn, c.inputs, c.held = q.w.txn, c.held, nil
	q.of(c, history.Event{Kind: history.TxnBegin})
	for _, i := range c.inputs {
		q.about(c, i, history.TxnMember, history.NoStatus)
		q.about(c, i, history.ApplyBegin, history.NoStatus)
	}
}

// close ends the transaction that is open: on purpose by aborting it, or with a commit, whose answer trouble may swallow.
func (q *queue) close(c *consumer, trouble, abort bool) {
	end := history.Event{Kind: history.TxnEnd, Flags: history.Commit}
	if abort {
		end.Flags = 0
	} else {
		for _, i := range c.inputs {
			q.about(c, i, history.AckCalled, history.NoStatus)
		}
	}
	q.of(c, end)
	lost := trouble && q.w.rng.IntN(3) == 0
	done := !abort && (!lost || q.w.rng.IntN(2) == 0)
	out := history.Event{Kind: history.TxnOutcome, Status: history.OK}
	applied, acked := history.OK, history.Confirmed
	switch {
	case lost:
		out.Status, out.Reason, applied, acked = history.Unknown, history.Timeout, history.Unknown, history.Unknown
	case abort:
		out.Status, out.Reason, applied = history.Aborted, history.Withheld, history.Failed
	}
	q.write(c, done)
	q.of(c, out)
	for _, i := range c.inputs {
		q.about(c, i, history.ApplyEnd, applied)
		if !abort {
			q.about(c, i, history.AckOutcome, acked)
		}
	}
	inputs := c.inputs
	c.inputs = nil
	for _, i := range inputs {
		if done {
			q.settle(i)
		} else if !q.traits.Exclusive {
			q.again(c, i)
		}
	}
	if !done {
		q.revert(c)
	}
}

// write leaves the outputs of the open transaction in the log.
func (q *queue) write(c *consumer, visible bool) {
	for _, i := range c.inputs {
		q.effects = append(q.effects, effect{msg: q.log[i].msg, txn: c.txn, by: c.life, unseen: !visible})
	}
}

// fence ends the open transaction of a consumer that woke too late: its inputs are others' now.
func (q *queue) fence(c *consumer) {
	if len(c.inputs) == 0 {
		return
	}
	for _, i := range c.inputs {
		q.about(c, i, history.AckCalled, history.NoStatus)
	}
	q.of(c, history.Event{Kind: history.TxnEnd, Flags: history.Commit})
	q.write(c, false)
	q.of(c, history.Event{Kind: history.TxnOutcome, Status: history.Fenced})
	for _, i := range c.inputs {
		q.about(c, i, history.ApplyEnd, history.Failed)
		q.about(c, i, history.AckOutcome, history.Failed)
	}
	c.inputs = nil
}

func (q *queue) about(c *consumer, i int, k history.Kind, s history.Status) {
	q.of(c, history.Event{Kind: k, Msg: q.log[i].msg, Pos: q.pos(i), Status: s})
}

func (q *queue) of(c *consumer, e history.Event) {
	e.Txn = c.txn
	q.put(c.life, e)
}
