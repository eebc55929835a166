package export

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"waybill/harness/history"
)

// anyHistory draws events that no order holds together, but that messages, calls and transactions are numbered: lives that die and go
// on, outcomes without sends, deliveries of what nobody sent.
func anyHistory(t *rapid.T) history.Memory {
	s := &script{}
	number := func(to int, what string) uint64 { return uint64(rapid.IntRange(1, to).Draw(t, what)) }
	positional := rapid.Bool().Draw(t, "positional")
	position := func() history.Position {
		if !positional || rapid.IntRange(0, 9).Draw(t, "nowhere") == 0 {
			return history.Position{}
		}
		return history.Position{Incarnation: uint32(rapid.IntRange(0, 1).Draw(t, "incarnation")), Partition: uint32(number(3, "partition")), Offset: int64(number(9000, "offset"))}
	}
	lives := []history.Life{producing, consuming, 20, 21}
	sent, calls, txns := map[history.Life]uint64{}, map[history.Life]uint64{}, map[history.Life]uint64{}
	for range rapid.IntRange(0, 80).Draw(t, "events") {
		e := history.Event{Attempt: uint32(number(3, "attempt")), Key: uint32(number(4, "key")), Pos: position(), Call: number(3, "call"),
			Txn: number(3, "txn"), Ref: number(2, "ref"), Other: rapid.SampledFrom(lives).Draw(t, "other")}
		life := rapid.SampledFrom(lives).Draw(t, "life")
		e.Msg = history.Msg{Life: rapid.SampledFrom(lives).Draw(t, "sender"), Seq: number(6, "seq")}
		e.Kind = rapid.SampledFrom([]history.Kind{history.Send, history.Send, history.Send, history.Outcome, history.Outcome, history.Receive, history.Receive,
			history.Delivery, history.Delivery, history.Delivery, history.ApplyBegin, history.AckCalled, history.Assign, history.TxnBegin, history.TxnMember,
			history.TxnOutcome, history.CheckpointBegin, history.Readback, history.Readback, history.ReadbackEnd, history.LifeEnd, history.Copy,
			history.ScanBegin, history.FaultInject, history.CheckpointEnd}).Draw(t, "kind")
		switch e.Kind {
		case history.Send: // a producer's first attempts are in order; its later ones are of what it sent
			e.Msg.Life = life
			if e.Attempt == 1 {
				sent[life]++
				e.Msg.Seq = sent[life]
			} else if e.Msg.Seq > sent[life] {
				continue
			}
		case history.Outcome:
			e.Msg.Life = life
			e.Status = rapid.SampledFrom([]history.Status{history.Acked, history.Rejected, history.Unknown}).Draw(t, "status")
		case history.Receive:
			calls[life]++
			e.Call = calls[life]
		case history.TxnBegin:
			txns[life]++
			e.Txn = txns[life]
		case history.TxnOutcome:
			e.Txn = min(e.Txn, txns[life]) // of one that has begun
			e.Status = rapid.SampledFrom([]history.Status{history.OK, history.Aborted, history.Fenced, history.Unknown}).Draw(t, "status")
		case history.ReadbackEnd, history.CheckpointEnd:
			e.Status = history.OK
		case history.Delivery, history.Readback:
			e.Txn = min(e.Txn, txns[e.Other])
			e.Flags = rapid.SampledFrom([]history.Flags{0, 0, 0, 0, history.Corrupt, history.Foreign, history.Invisible}).Draw(t, "flags")
		}
		s.by(life, e)
	}
	return s.Memory
}

// What jepsen.history and jepsen.tests.kafka demand of any history, whatever it tells.
func TestWhateverWasRecordedTheOperationsAreSound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		h := anyHistory(rt)
		var b bytes.Buffer
		if _, err := Jepsen(&b, h, oneLane, 0); err != nil {
			rt.Fatal(err)
		}
		if b.Len() == 0 {
			if len(h) > 0 {
				rt.Fatal("nothing was written")
			}
			return
		}
		c := newSoundness()
		for _, o := range operations(t, b.String()) {
			c.see(rt, o)
		}
		c.end(rt)
	})
}

// soundness is what was seen of a history of Jepsen's.
type soundness struct {
	index, time int64
	open        map[any]string // process → f
	ended       map[any]bool   // after :info
	writes      map[[2]int64]bool
	reads       map[[2]int64]bool
	offsets     map[int64][]int64
}

func newSoundness() *soundness {
	return &soundness{open: map[any]string{}, ended: map[any]bool{}, writes: map[[2]int64]bool{}, reads: map[[2]int64]bool{}, offsets: map[int64][]int64{}}
}

type fataler interface{ Fatalf(string, ...any) }

func (c *soundness) see(t fataler, o operation) {
	if o.index != c.index || o.time < c.time {
		t.Fatalf("index %d at %d after index %d at %d", o.index, o.time, c.index-1, c.time)
	}
	c.index, c.time = c.index+1, o.time
	if _, client := o.process.(int64); !client {
		if o.kind != info {
			t.Fatalf("%v is no client and has an operation of type %s", o.process, o.kind)
		}
		return
	}
	if o.kind == invoke {
		if c.ended[o.process] {
			t.Fatalf("process %v invokes after :info", o.process)
		}
		if f, busy := c.open[o.process]; busy {
			t.Fatalf("process %v invokes %s while %s is open", o.process, o.f, f)
		}
		c.open[o.process] = o.f
		c.written(t, o)
		return
	}
	if c.open[o.process] != o.f {
		t.Fatalf("process %v completes %s, open is %q", o.process, o.f, c.open[o.process])
	}
	delete(c.open, o.process)
	c.ended[o.process] = o.kind == info
	c.completed(t, o)
}

// written takes the values that an invocation means to write: each once for a key.
func (c *soundness) written(t fataler, o operation) {
	if o.f == "enqueue" {
		o.value = []any{[]any{keyword("send"), int64(0), o.value}}
	}
	for _, m := range microOps(o) {
		if m[0] != keyword("send") {
			continue
		}
		x := [2]int64{m[1].(int64), m[2].(int64)}
		if c.writes[x] {
			t.Fatalf("value %d is written to key %d twice", x[1], x[0])
		}
		c.writes[x] = true
	}
}

func (c *soundness) completed(t fataler, o operation) {
	if o.f == "dequeue" && o.kind == ok {
		c.reads[[2]int64{0, o.value.(int64)}] = true
	}
	if o.f == "drain" {
		if o.kind != ok {
			t.Fatalf("a :drain that ends :%s: jepsen.checker throws at it", o.kind)
		}
		for _, v := range o.value.([]any) {
			c.reads[[2]int64{0, v.(int64)}] = true
		}
	}
	for _, m := range microOps(o) {
		switch {
		case m[0] == keyword("poll"):
			for k, pairs := range m[1].(map[any]any) {
				for _, p := range pairs.([]any) {
					c.pair(k.(int64), p.([]any))
					c.reads[[2]int64{k.(int64), p.([]any)[1].(int64)}] = true
				}
			}
		case o.kind == ok:
			c.pair(m[1].(int64), m[2].([]any))
		default:
			if _, plain := m[2].(int64); !plain {
				t.Fatalf("a send that did not end :ok has %v", m[2])
			}
		}
	}
}

func (c *soundness) pair(key int64, p []any) {
	if offset, known := p[0].(int64); known {
		c.offsets[key] = append(c.offsets[key], offset)
	}
}

func (c *soundness) end(t fataler) {
	if len(c.open) > 0 {
		t.Fatalf("left open: %v", c.open)
	}
	for x := range c.reads {
		if !c.writes[x] {
			t.Fatalf("value %d was read from key %d and has no writer", x[1], x[0])
		}
	}
}

// microOps is what a :send, :poll or :txn is made of.
func microOps(o operation) (out [][]any) {
	if slices.Contains([]string{"send", "poll", "txn", "enqueue"}, o.f) {
		list, _ := o.value.([]any)
		for _, m := range list {
			out = append(out, m.([]any))
		}
	}
	return out
}

func TestOffsetsAreTheRanksOfWhatClientsSaw(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		offsets := rapid.SliceOfNDistinct(rapid.Int64Range(1, 1<<40), 1, 50, rapid.ID).Draw(rt, "offsets")
		l := newLayout()
		for _, o := range offsets {
			l.add(at(2, o))
		}
		l.settle(0)
		slices.Sort(offsets)
		for i, o := range offsets {
			if got := l.offset(at(2, o)); got != int64(i) {
				rt.Fatalf("offset %d of %v is %d, want %d", o, offsets, got, i)
			}
		}
	})
}
