package checkers

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"waybill/checkers/linear"
	"waybill/harness/history"
	"waybill/harness/semantics"
)

// traffic is appends of a few producers to a few partitions, as events in order of time: positions are given out while a message is in
// flight, so that real time is kept, unless one in every so many is given a position below.
func traffic(rng *rand.Rand, n, depth, wrong int) []history.Event {
	type open struct {
		msg  history.Msg
		part uint32
		at   int64
	}
	var out []history.Event
	var flying []open
	seqs := map[history.Life]uint64{}
	ends := map[uint32]int64{}
	now := int64(5)
	for sent := 0; sent < n || len(flying) > 0; {
		now += int64(rng.IntN(3)) // ties are common
		if sent < n && (len(flying) == 0 || len(flying) < depth && rng.IntN(2) == 0) {
			id := history.Life(1 + rng.IntN(3))
			seqs[id]++
			o := open{msg: history.Msg{Life: id, Seq: seqs[id]}, part: uint32(rng.IntN(2))}
			ends[o.part] += 2
			o.at = ends[o.part]
			if wrong > 0 && rng.IntN(wrong) == 0 {
				o.at -= 2*rng.Int64N(6) + 1
			}
			out = append(out, history.Event{Kind: history.Send, Time: now, Msg: o.msg})
			flying = append(flying, o)
			sent++
			continue
		}
		i := rng.IntN(min(len(flying), 8))
		if rng.IntN(50) == 0 {
			i = rng.IntN(len(flying))
		}
		if rng.IntN(200) != 0 { // else nobody hears of it any more
			out = append(out, history.Event{Kind: history.Outcome, Status: history.Acked, Time: now, Msg: flying[i].msg,
				Pos: history.Position{Partition: flying[i].part, Offset: flying[i].at + 100}})
		}
		flying = slices.Delete(flying, i, i+1)
	}
	return out
}

// streamed is the messages that the streaming check calls late, with stairs that are thinned at every event or, in so short a history, never.
func streamed(events []history.Event, thinned bool) map[history.Msg]bool {
	a := newAppends(semantics.Traits{Confirms: true, Scannable: true})
	for i := range events {
		if e := &events[i]; e.Kind == history.Send {
			a.sent(e)
		} else {
			a.acked(e)
		}
		for _, s := range a.parts {
			if thinned {
				s.thin(a.ticks())
			}
		}
	}
	out := map[history.Msg]bool{}
	for _, late := range a.wrong {
		for m := range late.All() {
			out[m] = true
		}
	}
	return out
}

// compared is the same, each message with each, and the history of each partition as package linear takes it.
func compared(events []history.Event) (map[history.Msg]bool, map[uint32][]linear.Operation) {
	sent := map[history.Msg]int64{}
	var acks []history.Event
	ops := map[uint32][]linear.Operation{}
	for _, e := range events {
		if e.Kind == history.Send {
			sent[e.Msg] = e.Time
			continue
		}
		acks = append(acks, e)
		ops[e.Pos.Partition] = append(ops[e.Pos.Partition], linear.Operation{Kind: linear.Append, Value: uint64(e.Msg.Life)<<32 | e.Msg.Seq,
			Position: e.Pos.Offset, Call: sent[e.Msg], Return: e.Time})
	}
	late := map[history.Msg]bool{}
	for _, x := range acks {
		for _, y := range acks {
			if y.Pos.Partition == x.Pos.Partition && y.Time < sent[x.Msg] && y.Pos.Offset > x.Pos.Offset {
				late[x.Msg] = true
			}
		}
	}
	return late, ops
}

func TestTheStreamingCheckAgreesWithEveryPairAndWithTheLogsCheck(t *testing.T) {
	found := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 1))
		events := traffic(rng, 50+rng.IntN(400), 1+rng.IntN(60), []int{0, 5, 50}[seed%3])
		got := streamed(events, seed%2 == 0)
		want, ops := compared(events)
		if !maps.Equal(got, want) {
			t.Fatalf("seed %d: streamed %v, every pair %v", seed, got, want)
		}
		found += len(got)
		order := false
		for _, o := range ops {
			v, err := linear.CheckLog(o)
			if err != nil {
				t.Fatal(err)
			}
			order = order || v.Has(linear.Order)
		}
		if order != (len(got) > 0) {
			t.Fatalf("seed %d: the log's check finds an order broken: %v; streamed: %v", seed, order, got)
		}
	}
	if found < 100 {
		t.Fatalf("only %d late appends in all histories", found)
	}
}

func TestMemoryIsOfWhatIsInFlight(t *testing.T) {
	a := newAppends(semantics.Traits{Confirms: true, Scannable: true})
	send := func(n uint64, at int64) { a.sent(&history.Event{Time: at, Msg: history.Msg{Life: 1, Seq: n}}) }
	ack := func(n uint64, at int64) {
		a.acked(&history.Event{Time: at, Msg: history.Msg{Life: 1, Seq: n}, Pos: history.Position{Offset: int64(n) + 10}})
	}
	send(1, 1) // never confirmed
	const depth = 100
	for n := uint64(2); n < 500_000; n++ {
		send(n, int64(n)*10)
		if n > depth+1 {
			ack(n-depth, int64(n)*10+5)
		}
		if a.begun.Len() > depth+2 {
			t.Fatalf("after %d messages %d are kept, and %d are in flight", n, a.begun.Len(), depth)
		}
		if s := a.parts[part{}]; s != nil && len(s.steps) > 4*depth+2*stairsSlack {
			t.Fatalf("after %d messages %d steps, and %d are in flight", n, len(s.steps), depth)
		}
	}
	a.acked(&history.Event{Time: 6_000_000, Msg: history.Msg{Life: 1, Seq: 1}, Pos: history.Position{Offset: 5}})
	if len(a.wrong) != 0 {
		t.Errorf("what was in flight all the time is late: %v", a.wrong)
	}
	left := a.begun.Len()
	a.gaveUp(history.Msg{Life: 1, Seq: 499_999})
	if a.begun.Len() != left-1 {
		t.Error("a message that nobody will send again is kept")
	}
	a.sent(&history.Event{Time: 6_000_001, Msg: history.Msg{Life: 2, Seq: 1}})
	a.died(1)
	if a.begun.Len() != 1 {
		t.Errorf("%d messages are in flight after one of two producers ended, want the other's one", a.begun.Len())
	}
}

func BenchmarkAppends(b *testing.B) {
	const depth = 1000
	a := newAppends(semantics.Traits{Confirms: true, Scannable: true})
	e := history.Event{Msg: history.Msg{Life: 1}}
	for b.Loop() {
		e.Time++
		e.Msg.Seq++
		a.sent(&e)
		if e.Msg.Seq > depth {
			done := e
			done.Msg.Seq -= depth
			done.Pos.Offset = int64(done.Msg.Seq)
			a.acked(&done)
		}
	}
}
