package jepsen

import (
	"fmt"
	"maps"
	"slices"

	"waybill/harness/history"
)

// translation makes events of operations, in order.
type translation struct {
	h      *History
	o      Options
	names  names
	seen   surveyed
	unread map[int]bool
	events history.Memory
	now    int64 // ticks

	opened map[int]int          // process → its operation under way
	calls  map[int]uint64       // process → its receive calls so far
	holds  map[int]map[int]bool // process → keys assigned to it
	moved  uint64               // assignments so far
	scans  uint64
}

// beginning leaves room for the starts of lives before the first operation.
const beginning = 1000

func (t *translation) put(life history.Life, e history.Event) {
	e.Life, e.Time = life, t.now
	t.events = append(t.events, e)
}

func (t *translation) begin() {
	for p, name := range t.h.processes {
		t.put(controller, history.Event{Kind: history.LifeStart, Other: lifeOf(p), Name: "process-" + name, Text: "client of Jepsen"})
	}
	t.put(controller, history.Event{Kind: history.LifeStart, Other: inspector, Name: "polls", Text: "inspector: what clients of Jepsen polled, put together"})
	t.now = beginning
	t.put(controller, history.Event{Kind: history.EpisodeBegin, Ref: checkpoint, Name: "final"})
}

// op makes the events of one operation. Invocations are rounded down to a tick and completions up, so that intervals only widen. But
// operations stand in the order in which they happened, and what shares a tick has none in a history of Waybill's: each gets one of its own.
func (t *translation) op(i int) {
	o := &t.h.ops[i]
	at := beginning + 1 + o.time/1000
	if o.kind != invoke && o.time%1000 != 0 {
		at++
	}
	t.now = max(t.now+1, at)
	switch {
	case o.process < 0:
		t.put(controller, history.Event{Kind: history.PhaseBegin, Name: o.text})
	case o.kind == invoke:
		t.opened[o.process] = i
		t.called(o)
	default:
		begun, known := t.opened[o.process]
		if delete(t.opened, o.process); !known {
			begun = i
			t.called(o)
		}
		t.ended(o, &t.h.ops[begun])
	}
}

func (t *translation) called(o *operation) {
	for _, c := range o.sends {
		e := t.message(history.Send, c)
		m := t.h.messages[c.msg]
		e.Attempt, e.Session = 1, uint32(o.process)+1
		e.Text = fmt.Sprintf("key %s, value %s, operation %d", t.h.keys[m.key], m.value, o.index)
		t.put(lifeOf(o.process), e)
	}
	switch o.f {
	case "poll", "txn", "dequeue", "drain":
		t.calls[o.process]++
		t.put(lifeOf(o.process), history.Event{Kind: history.Receive, Call: t.calls[o.process]})
	}
}

// message is an event about one message.
func (t *translation) message(k history.Kind, c copied) history.Event {
	key := t.h.partition(t.h.messages[c.msg].key)
	e := history.Event{Kind: k, Msg: t.names.msgs[c.msg], Key: key}
	if c.offset >= 0 {
		e.Pos = t.position(c)
	}
	if t.unread[c.msg] {
		e.Lane = 1
	}
	return e
}

// position shifts offsets by one: 0 is none.
func (t *translation) position(c copied) history.Position {
	return history.Position{Partition: t.h.partition(t.h.messages[c.msg].key), Offset: c.offset + 1}
}

// ended completes what was begun. The sends are those of the invocation, whatever the completion repeats of them.
func (t *translation) ended(o, begun *operation) {
	life := lifeOf(o.process)
	for _, c := range begun.sends {
		offset := int64(-1)
		for _, told := range o.sends {
			if told.msg == c.msg {
				offset = told.offset
			}
		}
		t.resolve(life, o.kind, copied{c.msg, offset})
	}
	shaken := slices.Sorted(maps.Keys(t.holds[o.process]))
	if o.kind == okay {
		shaken = slices.DeleteFunc(shaken, func(k int) bool { return !slices.Contains(o.shaken, k) })
	}
	t.revoke(o.process, shaken)
	for _, c := range o.reads {
		e := t.message(history.Delivery, c)
		e.Call = t.calls[o.process]
		t.put(life, e)
	}
	t.assign(o.process, shaken, 0)
	if o.kind == okay || o.kind == info {
		t.moves(o)
	}
}

func (t *translation) resolve(life history.Life, kind outcome, c copied) {
	e := t.message(history.Outcome, c)
	e.Attempt, e.Key = 1, 0
	switch {
	case kind == okay:
		e.Status, e.Origin = history.Acked, history.FromBroker
	case kind == fail && !t.o.FailsUnknown:
		e.Status, e.Origin, e.Pos = history.Rejected, history.FromClient, history.Position{}
	default:
		e.Status, e.Origin, e.Pos = history.Unknown, history.FromClient, history.Position{}
	}
	t.put(life, e)
}

// moves follows :assign and :subscribe.
func (t *translation) moves(o *operation) {
	if o.f != "assign" && o.f != "subscribe" {
		return
	}
	held := slices.Sorted(maps.Keys(t.holds[o.process]))
	t.revoke(o.process, slices.DeleteFunc(held, func(k int) bool { return o.f == "assign" && !o.seeks && slices.Contains(o.keys, k) }))
	if o.f == "subscribe" {
		t.put(lifeOf(o.process), history.Event{Kind: history.Subscribe, Name: "jepsen"})
		return
	}
	start := int64(0)
	if o.seeks {
		start = 1
	}
	t.assign(o.process, slices.DeleteFunc(slices.Clone(o.keys), func(k int) bool { return t.holds[o.process][k] }), start)
}

func (t *translation) revoke(process int, keys []int) {
	for _, k := range keys {
		if t.holds[process][k] {
			delete(t.holds[process], k)
			t.put(lifeOf(process), history.Event{Kind: history.Revoke, Name: "jepsen", Pos: history.Position{Partition: t.h.partition(k)}})
		}
	}
}

// assign notes keys that a process has now, and the position that it begins at; 0: not known.
func (t *translation) assign(process int, keys []int, start int64) {
	if t.holds[process] == nil {
		t.holds[process] = map[int]bool{}
	}
	for _, k := range keys {
		t.moved++
		t.holds[process][k] = true
		t.put(lifeOf(process), history.Event{Kind: history.Assign, Name: "jepsen", Count: t.moved, Pos: history.Position{Partition: t.h.partition(k), Offset: start}})
	}
}
