package workloads

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
	"waybill/harness/experiment"
	"waybill/harness/history"
	"waybill/targets"
)

// drawNext draws the next sequence, offset or tag: most come right after the one before.
func drawNext(t *rapid.T, name string, n *uint64) uint64 {
	switch rapid.IntRange(0, 9).Draw(t, name) {
	case 0:
		*n = rapid.Uint64Range(0, 3).Draw(t, name)
	case 1:
	default:
		if *n != 0 {
			*n++
		}
	}
	return *n
}

func drawFew(t *rapid.T, name string) bool { return rapid.IntRange(0, 9).Draw(t, name) == 0 }

type given struct{ ds []targets.Delivery }

func (g given) Receive(context.Context) ([]targets.Delivery, error) { return g.ds, nil }
func (given) Close() error                                          { return nil }
func (given) Ack(context.Context, []targets.Delivery, func(int, history.Status, history.Reason)) error {
	return nil
}

func TestDeliveriesAreRecordedInRunsAsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var ds []targets.Delivery
		var delivered, called, over []history.Event
		seq, offset, tag := uint64(1), uint64(1), uint64(1)
		for range rapid.IntRange(1, 40).Draw(rt, "n") {
			m := history.Msg{Life: 3, Seq: drawNext(rt, "seq", &seq)}
			if drawFew(rt, "life") {
				m.Life = 4
			}
			payload := stamp.Payload(m)
			d := targets.Delivery{Token: stamp.Token(m, payload), Key: stamp.Key(m), Payload: payload, Attempt: 1, Count: 1,
				Pos: history.Position{Offset: int64(drawNext(rt, "offset", &offset))}, Tag: drawNext(rt, "tag", &tag)}
			e := history.Event{Kind: history.Delivery, Msg: m}
			for _, change := range []func(){
				func() { d.Pos.Partition++ }, func() { d.Pos.Incarnation++ }, func() { d.Pos.Epoch++ },
				func() { d.Attempt++ }, func() { d.Count++ }, func() { d.BrokerTime++ },
				func() { d.Redelivered, e.Flags = true, e.Flags|history.Redelivered },
				func() { d.Token, e.Msg, e.Flags, e.Text = "foreign", history.Msg{}, e.Flags|history.Foreign, "foreign" },
			} {
				if drawFew(rt, "change") {
					change()
				}
			}
			e.Attempt, e.Pos, e.Tag, e.Count, e.BrokerTime, e.Call = d.Attempt, d.Pos, d.Tag, d.Count, d.BrokerTime, 1
			ds, delivered = append(ds, d), append(delivered, e)
			called = append(called, history.Event{Kind: history.AckCalled, Msg: e.Msg, Pos: e.Pos, Tag: e.Tag})
		}
		var ended []targets.AckEnded
		for from := range ds {
			i := from
			if drawFew(rt, "another") {
				i = rapid.IntRange(0, len(ds)-1).Draw(rt, "index")
			}
			x := targets.AckEnded{Index: i, Status: history.Confirmed}
			if drawFew(rt, "failed") {
				x.Status = history.Failed
			}
			if drawFew(rt, "reason") {
				x.Reason = history.Timeout
			}
			ended = append(ended, x)
			e := called[i]
			e.Kind, e.Status, e.Reason = history.AckOutcome, x.Status, x.Reason
			over = append(over, e)
		}
		dir := t.TempDir()
		rec := segmentOf(t, dir, 2, "all")
		r := newReceiver(given{ds}, rec, 0, stamp, experiment.Load{})
		list, err := r.receive(t.Context())
		if err != nil {
			rt.Fatal(err)
		}
		if err := list.record(rec, &history.Event{Kind: history.AckCalled}, 0, len(ds), true); err != nil {
			rt.Fatal(err)
		}
		c := &Consumer{acks: rec, counters: rec.Counters()}
		if err := c.ackOutcomes(list, ended); err != nil {
			rt.Fatal(err)
		}
		same(rt, rec, dir, slices.Concat(delivered, called, over))
	})
}

// same compares what is recorded with what is wanted, but for times.
func same(t *rapid.T, rec *history.Recorder, dir string, want []history.Event) {
	if err := rec.Close(); err != nil {
		t.Fatal(err)
	}
	h, err := history.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[history.Kind]bool{}
	for _, e := range want {
		kinds[e.Kind] = true
	}
	var got []history.Event
	for e, err := range h.Events() {
		if err != nil {
			t.Fatal(err)
		}
		if kinds[e.Kind] {
			x := *e
			x.Time, x.Segment, x.Life = 0, 0, 0
			got = append(got, x)
		}
	}
	slices.SortStableFunc(got, func(a, b history.Event) int { return int(a.Kind) - int(b.Kind) })
	slices.SortStableFunc(want, func(a, b history.Event) int { return int(a.Kind) - int(b.Kind) })
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("wanted (-) and recorded (+):\n%s", d)
	}
}

func TestOutcomesAreRecordedInRunsAsOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var list []outcome
		var want []history.Event
		open := 1000
		seq, offset := uint64(1), uint64(1)
		for range rapid.IntRange(1, 40).Draw(rt, "n") {
			x := outcome{seq: drawNext(rt, "seq", &seq), attempt: 1, doubt: drawFew(rt, "doubt"),
				Outcome: targets.Outcome{Status: history.Acked, Origin: history.FromBroker, Pos: history.Position{Offset: int64(drawNext(rt, "offset", &offset))}}}
			for _, change := range []func(){
				func() { x.attempt++ }, func() { x.Pos.Partition++ },
				func() { x.Status = history.Unknown }, func() { x.Reason = history.Timeout },
				func() { x.Origin = history.FromClient }, func() { x.Flags = history.Duplicate },
			} {
				if drawFew(rt, "change") {
					change()
				}
			}
			if !x.doubt {
				open--
			}
			list = append(list, x)
			want = append(want, history.Event{Kind: history.Outcome, Msg: history.Msg{Life: 3, Seq: x.seq}, Attempt: x.attempt, Status: x.Status,
				Reason: x.Reason, Origin: x.Origin, Flags: x.Flags, Pos: x.Pos})
		}
		dir := t.TempDir()
		rec := segmentOf(t, dir, 3, "outcomes")
		p := &Producer{cfg: ProducerConfig{Life: 3}, outcomes: rec, counters: rec.Counters(), window: window{open: 1000}}
		p.record(list)
		if p.err != nil || p.window.open != open {
			rt.Errorf("%d of 1000 are open, want %d: %v", p.window.open, open, p.err)
		}
		same(rt, rec, dir, want)
	})
}

func TestManyThingsToldAtOnceAreRecordedByWhoTellsTheLast(t *testing.T) {
	g := newGathered[int]()
	defer g.collect(func() { g.take() })()
	g.mu.Lock() // nobody collects meanwhile
	g.list = make([]int, gatheredMost-1)
	g.mu.Unlock()
	if !g.add(1) {
		t.Errorf("%d things wait for somebody else", gatheredMost)
	}
}

func TestAVolleysTokensAreThoseOfItsMessages(t *testing.T) {
	dir := t.TempDir()
	rec := segmentOf(t, dir, 3, "sends")
	defer rec.Close()
	v := newVolley(ProducerConfig{Life: 3, Stamp: stamp}, rec)
	const n = 50
	for v.seq = 1; v.seq < 4*proseLen; v.seq += proseLen/2 + n {
		v.load(n, 1)
		for i := range v.messages[:n] {
			m := history.Msg{Life: 3, Seq: v.seq + uint64(i)}
			if x := &v.messages[i]; x.Token != stamp.Token(m, stamp.Payload(m)) || string(x.Payload) != string(stamp.Payload(m)) || x.Key != stamp.Key(m) {
				t.Errorf("message %d is %+v", m.Seq, x)
			}
		}
	}
}
