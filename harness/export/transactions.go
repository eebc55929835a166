package export

import (
	"cmp"
	"slices"

	"waybill/harness/history"
)

// reader is who reads the outputs of transactions for the last time.
type reader struct {
	process int64
	got     []read
}

// txnBegin opens a :txn of its own where the receive call is not part of it: the client tried twice with one batch.
func (j *jepsen) txnBegin(c *consumer, e *history.Event) {
	id := txnID{e.Life, e.Txn}
	if !j.s.positional() || j.s.txns[id].invoked {
		return
	}
	if c == nil {
		c = j.begin(e)
	}
	switch c.open {
	case "txn":
		j.endPoll(c, e.Time, info, "")
		c.process = j.w.process()
	case "poll":
		j.endPoll(c, e.Time, ok, "")
	}
	j.invokeTxn(c, e.Time, id)
}

func (j *jepsen) invokeTxn(c *consumer, at int64, id txnID) {
	c.open, c.txn = "txn", id
	j.s.txns[id].invoked = true
	j.w.op(at, invoke, c.process, "txn", j.txnValue(c, invoke), "")
}

// endTxn completes it. Fenced is not certain to have left nothing: only an abort is a failure.
func (j *jepsen) endTxn(c *consumer, e *history.Event) {
	switch e.Status {
	case history.OK:
		j.endPoll(c, e.Time, ok, "")
	case history.Aborted:
		j.endPoll(c, e.Time, fail, because(e.Reason))
	default:
		j.endPoll(c, e.Time, info, because(e.Reason))
		c.process = j.w.process()
	}
}

// txnValue is [[:poll …] [:send …] …]: what was polled, then the outputs in order.
func (j *jepsen) txnValue(c *consumer, kind string) []byte {
	b := append(j.value[:0], '[')
	if kind == invoke {
		b = append(b, "[:poll]"...)
	} else {
		b = appendPoll(b, c.got)
	}
	t := j.s.txns[c.txn]
	for i, m := range t.msgs {
		offset := int64(-1)
		if p, seen := t.at[m]; seen {
			offset = j.s.outputs.offset(p)
		}
		b = appendSend(append(b, ' '), j.outputKey(t, m), offset, outputOf(c.txn, i), kind == ok)
	}
	return append(b, ']')
}

// outputKey is where an output went: the first of the outputs' keys if nobody knows.
func (j *jepsen) outputKey(t *txn, m history.Msg) int64 {
	if p, seen := t.at[m]; seen {
		return j.s.outputs.key(placeOf(p))
	}
	return j.s.queue.end()
}

// readerBegins assigns all outputs to a reader, at the checkpoint that read them last.
func (j *jepsen) readerBegins(e *history.Event) {
	if e.Ref != j.s.complete || j.reader != nil || !j.s.positional() || j.s.outputs.end() == j.s.queue.end() {
		return
	}
	j.reader = &reader{process: j.w.process()}
	j.value = appendLongs(j.value[:0], j.s.outputs.keys())
	j.w.op(e.Time, invoke, j.reader.process, "assign", j.value, " :seek-to-beginning? true")
	j.w.op(e.Time, ok, j.reader.process, "assign", j.value, " :seek-to-beginning? true")
	j.w.op(e.Time, invoke, j.reader.process, "poll", []byte("[[:poll]]"), "")
}

func (j *jepsen) output(e *history.Event) {
	if j.reader == nil || e.Ref != j.s.complete || e.Flags&history.Invisible != 0 || !j.usable(e) {
		return
	}
	id := txnID{e.Other, e.Txn}
	r := read{key: j.s.outputs.key(placeOf(e.Pos)), offset: j.s.outputs.offset(e.Pos)}
	r.value = valueOf(e.Msg) // of a transaction that nobody recorded
	known := false
	if t := j.s.txns[id]; t != nil && slices.Contains(t.msgs, e.Msg) {
		r.value = outputOf(id, slices.Index(t.msgs, e.Msg))
		known = j.outputKey(t, e.Msg) == r.key
	}
	if !known {
		j.wrote(e.Time, written{r.key, r.value})
	}
	j.reader.got = append(j.reader.got, r)
}

func (j *jepsen) readerEnds(e *history.Event) {
	if e.Ref == j.s.complete {
		j.closeReader(e.Time, ok)
	}
}

func (j *jepsen) closeReader(at int64, kind string) {
	if j.reader == nil {
		return
	}
	slices.SortStableFunc(j.reader.got, func(a, b read) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.offset, b.offset)) })
	j.value = append(appendPoll(append(j.value[:0], '['), j.reader.got), ']')
	j.w.op(at, kind, j.reader.process, "poll", j.value, "")
	j.reader = nil
}
