package export

import (
	"slices"
	"strconv"

	"waybill/harness/history"
)

// consumer is one life that receives: one process, with one operation at a time.
type consumer struct {
	process    int64
	open       string // f of the operation under way; "": none
	txn        txnID  // of a :txn
	got        []read
	rebalanced []int64 // keys assigned or revoked since the last operation
}

// read is one copy that was polled.
type read struct{ key, offset, value int64 }

func (j *jepsen) consume(e *history.Event) {
	c := j.consumers[e.Life]
	switch e.Kind {
	case history.Receive:
		j.receive(c, e)
	case history.Delivery:
		j.delivery(c, e)
	case history.ApplyBegin, history.AckCalled:
		if c != nil && c.open == "poll" && len(c.got) > 0 {
			j.endPoll(c, e.Time, ok, "")
		}
	case history.Assign, history.Revoke, history.Lost:
		if c == nil {
			c = j.begin(e)
		}
		if k := j.s.queue.key(placeOf(e.Pos)); !slices.Contains(c.rebalanced, k) {
			c.rebalanced = append(c.rebalanced, k)
		}
	case history.TxnBegin:
		j.txnBegin(c, e)
	case history.TxnOutcome:
		if c != nil && c.open == "txn" && c.txn == (txnID{e.Life, e.Txn}) {
			j.endTxn(c, e)
		}
	}
}

// begin makes the process of a consumer's life, which subscribes to everything.
func (j *jepsen) begin(e *history.Event) *consumer {
	c := &consumer{process: j.w.process()}
	j.consumers[e.Life] = c
	if j.s.positional() {
		j.value = appendLongs(j.value[:0], j.s.queue.keys())
		j.w.op(e.Time, invoke, c.process, "subscribe", j.value, "")
		j.w.op(e.Time, ok, c.process, "subscribe", j.value, "")
	}
	return c
}

func (j *jepsen) receive(c *consumer, e *history.Event) {
	if c == nil {
		c = j.begin(e)
	}
	if j.draining() {
		return
	}
	switch c.open {
	case "poll":
		j.endPoll(c, e.Time, ok, "")
	case "dequeue":
		j.w.op(e.Time, fail, c.process, "dequeue", []byte("nil"), " :error :empty")
	case "txn": // its end was never recorded, yet the life goes on: as another process
		j.endPoll(c, e.Time, info, "")
		c.process = j.w.process()
	}
	c.open = "poll"
	n, inTxn := j.s.madeFrom[callID{e.Life, e.Call}]
	switch {
	case !j.s.positional():
		c.open = "dequeue"
		j.w.op(e.Time, invoke, c.process, "dequeue", []byte("nil"), "")
	case inTxn:
		j.invokeTxn(c, e.Time, txnID{e.Life, n})
	default:
		j.w.op(e.Time, invoke, c.process, "poll", []byte("[[:poll]]"), "")
	}
}

func (j *jepsen) delivery(c *consumer, e *history.Event) {
	if !j.usable(e) || c == nil {
		return
	}
	if !j.s.positional() {
		j.dequeued(c, e)
		return
	}
	r := read{key: j.s.queue.key(placeOf(e.Pos)), offset: j.s.queue.offset(e.Pos), value: valueOf(e.Msg)}
	if !j.s.written(e.Msg, r.key) {
		j.wrote(e.Time, written{r.key, r.value})
	}
	c.got = append(c.got, r)
}

// dequeued is one delivery from a queue without positions: the call that is open, or one more.
func (j *jepsen) dequeued(c *consumer, e *history.Event) {
	if _, known := j.s.sent(e.Msg); !known {
		j.wrote(e.Time, written{0, valueOf(e.Msg)})
	}
	if j.draining() {
		j.drain.got = append(j.drain.got, valueOf(e.Msg))
		return
	}
	if c.open == "" {
		j.w.op(e.Time, invoke, c.process, "dequeue", []byte("nil"), "")
	}
	c.open = ""
	j.value = strconv.AppendInt(j.value[:0], valueOf(e.Msg), 10)
	j.w.op(e.Time, ok, c.process, "dequeue", j.value, "")
}

// endPoll completes the :poll or :txn that is open.
func (j *jepsen) endPoll(c *consumer, at int64, kind, extra string) {
	value := j.value[:0]
	if c.open == "txn" {
		value = j.txnValue(c, kind)
	} else {
		value = append(appendPoll(append(value, '['), c.got), ']')
	}
	j.value = value
	j.w.op(at, kind, c.process, c.open, value, extra+j.rebalance(c))
	c.open, c.got, c.rebalanced = "", c.got[:0], c.rebalanced[:0]
}

// rebalance is the entry for keys whose assignment changed. Members that compete for messages have none that lasts.
func (j *jepsen) rebalance(c *consumer) string {
	keys := c.rebalanced
	if !j.s.exclusive {
		keys = nil
		for _, r := range c.got {
			if !slices.Contains(keys, r.key) {
				keys = append(keys, r.key)
			}
		}
	}
	if len(keys) == 0 {
		return ""
	}
	return " :rebalance-log [{:keys " + string(appendLongs(nil, keys)) + "}]"
}

// appendPoll appends [:poll {key [[offset value] …] …}], keys in the order of their first copy.
func appendPoll(b []byte, got []read) []byte {
	b = append(b, "[:poll {"...)
	var keys []int64
	for _, r := range got {
		if !slices.Contains(keys, r.key) {
			keys = append(keys, r.key)
		}
	}
	for i, k := range keys {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(strconv.AppendInt(b, k, 10), " ["...)
		first := true
		for _, r := range got {
			if r.key != k {
				continue
			}
			if !first {
				b = append(b, ' ')
			}
			first = false
			b = appendPair(b, r.offset, r.value)
		}
		b = append(b, ']')
	}
	return append(b, "}]"...)
}

// closeConsumer ends what is open: whether more would have come is not known.
func (j *jepsen) closeConsumer(c *consumer, at int64) {
	switch c.open {
	case "":
	case "dequeue":
		j.w.op(at, info, c.process, "dequeue", []byte("nil"), "")
	default:
		j.endPoll(c, at, info, "")
	}
}
