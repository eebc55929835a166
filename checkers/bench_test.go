package checkers_test

import (
	"context"
	"iter"
	"runtime"
	"testing"

	"waybill/checkers"
	"waybill/checkers/checkertest"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

func auditOnly(h checkertest.History) (semantics.Verdict, error) {
	return checkers.Audit(context.Background(), h.Input())
}

// long is a clean history of n messages on one lane, made while it is read, so that only the audit's memory counts.
type long struct{ n uint64 }

func (l long) Events() iter.Seq2[*history.Event, error] {
	return func(yield func(*history.Event, error) bool) {
		var e history.Event
		now := int64(0)
		put := func(id history.Life, next history.Event) bool {
			now += 3
			e = next
			e.Time, e.Life, e.Segment = now, id, int(id)
			return yield(&e, nil)
		}
		ok := put(ctl, history.Event{Kind: history.LifeStart, Other: prod, Text: "producer"}) &&
			put(ctl, history.Event{Kind: history.LifeStart, Other: con, Text: "consumer"}) &&
			put(ctl, history.Event{Kind: history.EpisodeBegin, Ref: 1, Name: "final"})
		for i := uint64(1); ok && i <= l.n; i++ {
			m, p := msg(i), at(int64(i)+1e12)
			ok = put(prod, history.Event{Kind: history.Send, Msg: m, Attempt: 1, Session: 1, Key: uint32(i % 16)}) &&
				put(prod, history.Event{Kind: history.Outcome, Msg: m, Attempt: 1, Status: history.Acked, Pos: p}) &&
				put(con, history.Event{Kind: history.Delivery, Msg: m, Pos: p, Call: 1}) &&
				put(con, history.Event{Kind: history.ApplyBegin, Msg: m, Pos: p}) &&
				put(con, history.Event{Kind: history.ApplyEnd, Msg: m, Pos: p, Status: history.OK}) &&
				put(con, history.Event{Kind: history.AckCalled, Msg: m, Pos: p}) &&
				put(con, history.Event{Kind: history.AckOutcome, Msg: m, Pos: p, Status: history.Confirmed})
		}
		for tag := uint64(1); ok && tag <= 2; tag++ {
			ok = put(inspect, history.Event{Kind: history.ScanBegin, Ref: 1, Tag: tag, Name: string('a' + rune(tag)), From: 1e12, To: 1e12 + int64(l.n)})
			for i := uint64(1); ok && i <= l.n; i++ {
				ok = put(inspect, history.Event{Kind: history.Copy, Tag: tag, Msg: msg(i), Pos: at(int64(i) + 1e12)})
			}
			ok = ok && put(inspect, history.Event{Kind: history.ScanEnd, Ref: 1, Tag: tag, Status: history.OK})
		}
		for i := uint64(1); ok && i <= l.n; i++ {
			ok = put(inspect, history.Event{Kind: history.Readback, Ref: 1, Msg: msg(i), Count: 1})
		}
		_ = ok && put(inspect, history.Event{Kind: history.ReadbackEnd, Ref: 1, Status: history.OK}) &&
			put(ctl, history.Event{Kind: history.CheckpointEnd, Ref: 1, Status: history.OK}) &&
			put(ctl, history.Event{Kind: history.EpisodeEnd, Ref: 1})
	}
}

func longInput(n uint64) checkers.Input {
	in := newScript(exactlyOnce()).input()
	in.Source, in.Segments = long{n}, nil
	return in
}

func BenchmarkAudit(b *testing.B) {
	const messages = 1_000_000
	in := longInput(messages)
	var events int64
	b.ReportAllocs()
	for b.Loop() {
		v := audit(b, in)
		if v.Result != semantics.Kept {
			b.Fatalf("%s: %+v", v.Result, v.Lanes[0].Cells)
		}
		events += v.Events
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// held calls back at the end of a source, when the audit's sets are at their largest.
type held struct {
	history.Source
	at func()
}

func (h held) Events() iter.Seq2[*history.Event, error] {
	return func(yield func(*history.Event, error) bool) {
		for e, err := range h.Source.Events() {
			if e.Kind == history.EpisodeEnd {
				h.at()
			}
			if !yield(e, err) {
				return
			}
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// holds is the heap that the audit of a history takes at its largest.
func holds(t *testing.T, in checkers.Input) int64 {
	before, most := heap(), uint64(0)
	in.Source = held{in.Source, func() { most = max(most, heap()) }}
	audit(t, in)
	return int64(most) - int64(before)
}

func TestAFurtherMessageCostsLessThanAByte(t *testing.T) {
	const few, many = 200_000, 1_200_000
	// From some tens of thousands on, what is kept of the last second grows no more.
	each := float64(holds(t, longInput(many))-holds(t, longInput(few))) / (many - few)
	t.Logf("%.2f bytes a message", each)
	if each > 1 {
		t.Errorf("%.2f bytes a message", each)
	}
}
