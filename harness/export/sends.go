package export

import (
	"cmp"
	"maps"
	"slices"
	"strconv"

	"waybill/harness/history"
)

// producer is one life that sends.
type producer struct {
	open  map[history.Msg]*send
	free  []int64                        // processes between two operations
	early map[history.Msg]*history.Event // outcomes that were merged before their send
}

// send is a message without an end so far.
type send struct {
	process  int64
	msg      history.Msg
	key      int64
	resolved uint32 // attempts with an outcome
	attempts uint32 // that will be made, as the survey found
	unknown  bool
	why      history.Reason
}

func (j *jepsen) send(e *history.Event) {
	if _, known := j.s.sent(e.Msg); !known || e.Attempt > 1 {
		return // a further attempt of what is open, or has ended
	}
	p := j.producers[e.Life]
	if p == nil {
		p = &producer{open: map[history.Msg]*send{}, early: map[history.Msg]*history.Event{}}
		j.producers[e.Life] = p
	}
	x := &send{msg: e.Msg, key: j.s.key(e.Msg, e.Key), attempts: max(1, j.s.attempts[e.Msg])}
	if n := len(p.free); n > 0 {
		x.process, p.free = p.free[n-1], p.free[:n-1]
	} else {
		x.process = j.w.process()
	}
	p.open[e.Msg] = x
	j.emitSend(e.Time, invoke, x, -1)
	if o := p.early[e.Msg]; o != nil {
		delete(p.early, e.Msg)
		j.outcome(o)
	}
}

func (j *jepsen) outcome(e *history.Event) {
	p := j.producers[e.Life]
	if p == nil {
		return
	}
	x := p.open[e.Msg]
	if x == nil {
		if e.Attempt == 1 {
			early := *e
			p.early[e.Msg] = &early
		}
		return
	}
	x.resolved++
	switch e.Status {
	case history.Acked:
		offset := int64(-1)
		if e.Pos.Offset > 0 && j.s.positional() {
			offset = j.s.queue.offset(e.Pos)
		}
		j.endSend(p, e.Time, ok, x, offset)
		return
	case history.Rejected:
	default:
		x.unknown = true
	}
	x.why = e.Reason
	switch {
	case x.resolved < x.attempts:
	case x.unknown:
		j.endSend(p, e.Time, info, x, -1)
	default:
		j.endSend(p, e.Time, fail, x, -1)
	}
}

func (j *jepsen) endSend(p *producer, at int64, kind string, x *send, offset int64) {
	j.emitSend(at, kind, x, offset)
	delete(p.open, x.msg)
	if kind != info {
		p.free = append(p.free, x.process)
	}
}

func (j *jepsen) emitSend(at int64, kind string, x *send, offset int64) {
	extra := ""
	if kind == fail || kind == info {
		extra = because(x.why)
	}
	if !j.s.positional() {
		j.value = strconv.AppendInt(j.value[:0], valueOf(x.msg), 10)
		j.w.op(at, kind, x.process, "enqueue", j.value, extra)
		return
	}
	j.value = j.sendValue(x.key, offset, valueOf(x.msg), kind == ok)
	j.w.op(at, kind, x.process, "send", j.value, extra)
}

// sendValue is [[:send key value]], with [offset value] instead of the value once it was acknowledged.
func (j *jepsen) sendValue(key, offset, value int64, acked bool) []byte {
	return append(appendSend(append(j.value[:0], '['), key, offset, value, acked), ']')
}

func appendSend(b []byte, key, offset, value int64, acked bool) []byte {
	b = strconv.AppendInt(append(b, "[:send "...), key, 10)
	b = append(b, ' ')
	if acked {
		b = appendPair(b, offset, value)
	} else {
		b = strconv.AppendInt(b, value, 10)
	}
	return append(b, ']')
}

// closeSends ends what the producer's life left open: nobody knows how.
func (j *jepsen) closeSends(p *producer, at int64) {
	open := slices.SortedFunc(maps.Values(p.open), func(a, b *send) int { return cmp.Compare(a.process, b.process) })
	for _, x := range open {
		j.endSend(p, at, info, x, -1)
	}
}

func ordered[V any](m map[history.Life]V) []history.Life { return slices.Sorted(maps.Keys(m)) }
