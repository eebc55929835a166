package history

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// series are events that are recorded together, and what goes before them one by one.
type series struct {
	before []Event
	e      Event
	list   []Varying
}

func allSeries() *rapid.Generator[[]series] {
	return rapid.Custom(func(t *rapid.T) []series {
		step := rapid.IntRange(0, 3)
		v := Varying{Msg: Msg{3, 1}, Pos: Position{Offset: 1}, Tag: 1}
		now := FloorTicks(Clock()) + 1_000_000 // later than the clock's check
		var out []series
		for range rapid.IntRange(1, 8).Draw(t, "series") {
			now += int64(rapid.IntRange(-400, 2000).Draw(t, "gap"))
			e := Event{Kind: rapid.SampledFrom([]Kind{Send, Outcome, Delivery, ApplyBegin, Readback}).Draw(t, "kind"), Time: now, Lane: 1, Attempt: 1, Call: uint64(rapid.IntRange(0, 3).Draw(t, "call")),
				Status: Status(rapid.IntRange(0, 3).Draw(t, "status")), BrokerTime: int64(rapid.IntRange(0, 1).Draw(t, "broker"))}
			s := series{e: e}
			for range rapid.IntRange(0, 2).Draw(t, "before") {
				s.before = append(s.before, Event{Kind: e.Kind, Time: now, Msg: v.Msg, Text: "by itself"})
			}
			for range rapid.IntRange(0, 40).Draw(t, "n") {
				if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
					v.Msg.Life += Life(step.Draw(t, "life"))
					v.Pos.Partition += uint32(step.Draw(t, "partition"))
					v.Key += uint32(step.Draw(t, "key"))
					v.Intended += int64(step.Draw(t, "intended"))
					v.Tag += uint64(step.Draw(t, "tag"))
				}
				v.Msg.Seq++
				v.Pos.Offset++
				v.Tag++
				s.list = append(s.list, v)
			}
			out = append(out, s)
		}
		return out
	})
}

// written records series, together or event by event, and returns the segment's path and its length before it was closed. Repeated, they
// fill several blocks.
func written(t testing.TB, list []series, times int, together bool) (string, int64) {
	r := create(t, t.TempDir(), "test")
	for range times {
		for _, s := range list {
			for i := range s.before {
				must(t, r.Record(&s.before[i]))
			}
			if together {
				must(t, r.RecordSeries(&s.e, len(s.list), func(i int, v *Varying) { *v = s.list[i] }))
				continue
			}
			for _, v := range s.list {
				e := s.e
				e.Msg, e.Pos, e.Tag, e.Key, e.Intended = v.Msg, v.Pos, v.Tag, v.Key, v.Intended
				must(t, r.Record(&e))
			}
		}
	}
	if got := r.committed.Load(); got != uint64(r.pos) {
		t.Errorf("%d bytes are committed of %d", got, r.pos)
	}
	n := r.pos
	must(t, r.Close())
	return r.window.file.Name(), n
}

func TestASeriesIsWhatItsEventsAreOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		list := allSeries().Draw(rt, "series")
		times := rapid.SampledFrom([]int{1, 1, 1, 1, 1, 30}).Draw(rt, "times")
		a, short := written(t, list, times, true)
		b, long := written(t, list, times, false)
		if want, got := read(t, b), read(t, a); !slices.Equal(want, got) {
			rt.Fatalf("one by one (-) and together (+):\n%s", cmp.Diff(want, got))
		}
		if d := short - long; d < -8 || d > 8 { // the clock's checks differ
			rt.Fatalf("%d bytes together, %d one by one", short, long)
		}
	})
}

func TestARunIsWhatItsEventsAreOneByOne(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		number := func(name string) uint64 {
			return rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Just(^uint64(1)), rapid.Just(uint64(1)<<63-2)).Draw(rt, name)
		}
		together, single := create(t, t.TempDir(), "test"), create(t, t.TempDir(), "test")
		now := FloorTicks(Clock()) + 1_000_000 // later than the clock's check
		for range rapid.IntRange(1, 8).Draw(rt, "runs") {
			now += int64(rapid.IntRange(-400, 2000).Draw(rt, "gap"))
			e := Event{Kind: rapid.SampledFrom([]Kind{Send, Delivery, AckCalled, Readback}).Draw(rt, "kind"), Time: now, Attempt: 1,
				Msg: Msg{3, number("seq")}, Tag: number("tag"), Pos: Position{Offset: int64(number("offset"))},
				Call: number("call"), Key: uint32(number("key")), Intended: int64(number("intended")), BrokerTime: int64(number("broker")),
				Text: rapid.SampledFrom([]string{"", "text"}).Draw(rt, "text")}
			n := rapid.SampledFrom([]int{0, 1, 2, 3, 40}).Draw(rt, "n")
			if rapid.IntRange(0, 59).Draw(rt, "long") == 30 {
				n = 40_000 // more than a block
			}
			must(t, together.RecordRun(&e, n))
			for range n {
				must(t, single.Record(&e))
				if e.Msg.Seq != 0 {
					e.Msg.Seq++
				}
				if e.Tag != 0 {
					e.Tag++
				}
				if e.Pos.Offset != 0 {
					e.Pos.Offset++
				}
			}
		}
		if got := together.committed.Load(); got != uint64(together.pos) {
			rt.Errorf("%d bytes are committed of %d", got, together.pos)
		}
		if d := together.pos - single.pos; d < -8 || d > 8 { // the clock's checks differ
			rt.Errorf("%d bytes together, %d one by one", together.pos, single.pos)
		}
		must(t, together.Close())
		must(t, single.Close())
		if want, got := read(t, single.window.file.Name()), read(t, together.window.file.Name()); !slices.Equal(want, got) {
			rt.Fatal("what is read of runs differs from what was recorded one by one")
		}
	})
}

func TestASeriesThatCannotBeRecordedIsAnError(t *testing.T) {
	r := create(t, t.TempDir(), "test")
	if err := r.RecordSeries(&Event{Kind: 120}, 3, func(int, *Varying) {}); !errors.Is(err, ErrNotRecordable) {
		t.Errorf("of an unknown kind: %v", err)
	}
	if err := r.RecordRun(&Event{Kind: 120}, 3); !errors.Is(err, ErrNotRecordable) {
		t.Errorf("a run of an unknown kind: %v", err)
	}
	must(t, r.Close())
	if err := r.RecordSeries(&Event{Kind: Send}, 3, func(int, *Varying) {}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
	if err := r.RecordRun(&Event{Kind: Send}, 3); !errors.Is(err, ErrClosed) {
		t.Errorf("a run after Close: %v", err)
	}
}

func TestASilentRecorderKeepsLiveFiguresAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/silent" + Extension
	r, err := CreateSilent(path, Header{Run: "testrun1", Life: 3, Role: "tester"})
	must(t, err)
	must(t, r.Record(&Event{Kind: Send, Msg: Msg{3, 1}}))
	must(t, r.RecordSeries(&Event{Kind: Send}, 2, func(int, *Varying) {}))
	must(t, r.RecordRun(&Event{Kind: Send}, 2))
	r.Counters().Add(Sent, 7)
	live, err := WatchCounters(path)
	must(t, err)
	if got := live.Load(Sent); got != 7 {
		t.Errorf("%d sent, want 7", got)
	}
	must(t, live.Close())
	must(t, r.Close())
	if events := read(t, path); len(events) > 0 {
		t.Errorf("it holds %v", events)
	}
	h, err := Open(dir)
	must(t, err)
	if s := h.Segments()[0]; s.Sealed != SealedByOwner || s.Cut != "" {
		t.Errorf("the segment is %v, %q", s.Sealed, s.Cut)
	}
	if err := r.Record(&Event{Kind: Send}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}
