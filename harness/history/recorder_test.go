package history

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// recorded writes events as one segment in a new folder, and returns its path.
func recorded(t testing.TB, events []Event) string {
	t.Helper()
	r := create(t, t.TempDir(), "test")
	for i := range events {
		must(t, r.Record(&events[i]))
	}
	must(t, r.Close())
	return r.window.file.Name()
}

// read returns all events of the history that path is in, without the recorders' own.
func read(t testing.TB, path string) []Event {
	t.Helper()
	h, err := Open(filepath.Dir(path))
	must(t, err)
	events, err := all(h)
	must(t, err)
	return events
}

func all(s Source) (events []Event, err error) {
	for e, err := range s.Events() {
		if err != nil {
			return events, err
		}
		if e.Kind != ClockCheck && e.Kind != Seal {
			events = append(events, *e)
		}
	}
	return events, nil
}

func TestEveryFieldOfAnEventIsRecorded(t *testing.T) {
	for i := range reflect.TypeFor[Event]().NumField() {
		field := reflect.TypeFor[Event]().Field(i)
		if field.Name == "Segment" || field.Name == "Life" || field.Name == "Kind" {
			continue // these say where it was read, and what it is
		}
		t.Run(field.Name, func(t *testing.T) {
			for j := range leaves(reflect.ValueOf(&Event{}).Elem().Field(i)) {
				want := Event{Kind: Delivery, Time: Clock(), Life: 3}
				leaf := leaves(reflect.ValueOf(&want).Elem().Field(i))[j]
				switch leaf.Kind() {
				case reflect.String:
					leaf.SetString("x")
				case reflect.Int64:
					leaf.SetInt(math.MaxInt64)
				default:
					leaf.SetUint(math.MaxUint64 >> (64 - leaf.Type().Bits()))
				}
				// Each but the first few differs from the one before, or from what is predicted, in this field alone.
				other := Event{Kind: Delivery, Time: want.Time, Life: 3}
				again := want
				if again.Name = strings.ToUpper(want.Name); want.Text != "" {
					again.Text = "X"
				}
				events := []Event{other, other, want, other, other, want, again, want}
				if diff := cmp.Diff(events, read(t, recorded(t, events))); diff != "" {
					t.Errorf("recorded (-) and read (+) differ:\n%s", diff)
				}
			}
		})
	}
}

// leaves are the numbers and strings that v is made of.
func leaves(v reflect.Value) (found []reflect.Value) {
	if v.Kind() != reflect.Struct {
		return []reflect.Value{v}
	}
	for i := range v.NumField() {
		found = append(found, leaves(v.Field(i))...)
	}
	return found
}

// anyEvents draws events that resemble each other as real ones do, and others that do not.
func anyEvents() *rapid.Generator[[]Event] {
	return rapid.Custom(func(t *rapid.T) []Event {
		var events []Event
		now := FloorTicks(Clock()) + rapid.Int64Range(60*TicksPerSecond, 1<<50).Draw(t, "start") // after the recorder's own
		for range rapid.IntRange(0, 60).Draw(t, "stretches") {
			e := anyEvent(t)
			step := rapid.Int64Range(0, 2000).Draw(t, "step")
			for range rapid.IntRange(1, 5).Draw(t, "repeats") {
				now += step
				e.Time = now
				events = append(events, e)
				e.Msg.Seq++
				e.Pos.Offset++
				e.Tag++
				e.Intended += step
			}
		}
		return events
	})
}

func anyEvent(t *rapid.T) Event {
	e := Event{
		Life:  3,
		Kind:  Kind(rapid.IntRange(1, int(lastKind)).Filter(func(k int) bool { return Kind(k) != Seal && Kind(k) != ClockCheck }).Draw(t, "kind")),
		Msg:   Msg{Life: Life(rapid.Uint32().Draw(t, "life")), Seq: rapid.Uint64().Draw(t, "seq")},
		Flags: Flags(rapid.Uint16().Draw(t, "flags")), Status: Status(rapid.Byte().Draw(t, "status")),
	}
	for i := range rapid.IntRange(0, 8).Draw(t, "others") {
		switch i {
		case 0:
			e.Pos = Position{rapid.Uint32().Draw(t, "inc"), rapid.Uint32().Draw(t, "part"), rapid.Int64().Draw(t, "offset"), rapid.Uint64().Draw(t, "epoch")}
		case 1:
			e.Call, e.Tag, e.Count = rapid.Uint64().Draw(t, "call"), rapid.Uint64().Draw(t, "tag"), rapid.Uint64().Draw(t, "count")
		case 2:
			e.BrokerTime, e.Intended = rapid.Int64().Draw(t, "broker time"), rapid.Int64().Draw(t, "intended")
		case 3:
			e.From, e.To = rapid.Int64().Draw(t, "from"), rapid.Int64().Draw(t, "to")
		case 4:
			e.Name = rapid.String().Draw(t, "name")
		case 5:
			e.Text = strings.Repeat("x", rapid.IntRange(0, 1000).Draw(t, "text"))
		case 6:
			e.Attempt, e.Key, e.Session, e.Lane = rapid.Uint32().Draw(t, "attempt"), rapid.Uint32().Draw(t, "key"), rapid.Uint32().Draw(t, "session"), rapid.Uint32().Draw(t, "lane")
		case 7:
			e.Txn, e.Ref, e.Other = rapid.Uint64().Draw(t, "txn"), rapid.Uint64().Draw(t, "ref"), Life(rapid.Uint32().Draw(t, "other"))
			e.Reason, e.Origin = Reason(rapid.Byte().Draw(t, "reason")), Origin(rapid.Byte().Draw(t, "origin"))
		}
	}
	return e
}

func TestWhatIsRecordedIsReadBack(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		// Twice, the second time with times that have passed.
		want := anyEvents().Draw(rt, "events")
		want = append(want, want...)
		path := filepath.Join(dir, "x.seg")
		defer os.Remove(path)
		r, err := Create(path, Header{Run: "testrun1", Life: 3})
		must(t, err)
		for i := range want {
			must(t, r.Record(&want[i]))
			if i > 0 && !want[i].Kind.IsInvocation() {
				want[i].Time = max(want[i].Time, want[i-1].Time)
			}
		}
		must(t, r.Close())
		got := read(t, path)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("recorded (-) and read (+) differ:\n%s", diff)
		}
	})
}

func TestManyBlocksAndChunksAreReadBack(t *testing.T) {
	const n = 120_000
	r := create(t, t.TempDir(), "test")
	var want []Event
	text := strings.Repeat("a broker's last words ", 2000)
	for i := range uint64(n) {
		e := Event{Kind: Delivery, Life: 3, Time: Clock()/1000 + int64(i), Msg: Msg{2, i * i * i * 7919}, Tag: i * i * 104729, Pos: Position{Offset: int64(i*i*31 + 1)}}
		if i%5000 == 0 {
			e.Text = text[:i%uint64(len(text))]
		}
		must(t, r.Record(&e))
		want = append(want, e)
	}
	must(t, r.Close())
	if diff := cmp.Diff(want, read(t, r.window.file.Name())); diff != "" {
		t.Errorf("recorded (-) and read (+) differ:\n%.2000s", diff)
	}
	if size := r.pos; size < nextChunk+firstChunk {
		t.Errorf("only %d bytes: chunks were not exercised", size)
	}
}

func TestTimesOnlyWiden(t *testing.T) {
	r := create(t, t.TempDir(), "test")
	var bounds []int64
	for range 2000 {
		for _, k := range []Kind{Delivery, AckCalled} {
			before := Clock()
			must(t, r.Record(&Event{Kind: k}))
			if k.IsInvocation() {
				bounds = append(bounds, FloorTicks(Clock()))
			} else {
				bounds = append(bounds, CeilTicks(before))
			}
		}
	}
	must(t, r.Close())
	for i, e := range read(t, r.window.file.Name()) {
		if e.Kind.IsInvocation() && e.Time > bounds[i] {
			t.Fatalf("invocation %d at %d, but it had happened by %d", i, e.Time, bounds[i])
		}
		if !e.Kind.IsInvocation() && e.Time < bounds[i] {
			t.Fatalf("completion %d at %d, but it had not begun by %d", i, e.Time, bounds[i])
		}
	}
}

func TestAnInvocationKeepsAnEarlierTimeThatIsGiven(t *testing.T) {
	at := FloorTicks(Clock()) + 1_000_000
	got := read(t, recorded(t, []Event{
		{Kind: Delivery, Time: at}, {Kind: AckCalled, Time: at - 50}, {Kind: AckOutcome, Time: at - 70},
	}))
	var kinds []Kind
	var times []int64
	for _, e := range got {
		kinds, times = append(kinds, e.Kind), append(times, e.Time-at)
	}
	if diff := cmp.Diff([]Kind{Delivery, AckCalled, AckOutcome}, kinds); diff != "" {
		t.Errorf("order of recording is not kept:\n%s", diff)
	}
	if diff := cmp.Diff([]int64{0, -50, -50}, times); diff != "" {
		t.Errorf("times:\n%s", diff)
	}
}

func TestCreateRefuses(t *testing.T) {
	dir := t.TempDir()
	taken := filepath.Join(dir, "taken.seg")
	must(t, os.WriteFile(taken, nil, 0o644))
	for _, c := range []struct {
		name, path string
		header     Header
		want       error
	}{
		{"a segment that exists", taken, Header{}, fs.ErrExist},
		{"a name without the extension", filepath.Join(dir, "x.log"), Header{}, fs.ErrInvalid},
		{"a folder that does not exist", filepath.Join(dir, "no", "x.seg"), Header{}, fs.ErrNotExist},
		{"a header that does not fit its page", filepath.Join(dir, "x.seg"), Header{Host: strings.Repeat("h", 3000)}, ErrNotRecordable},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Create(c.path, c.header); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
}

func TestAnEventThatCannotBeRecordedLeavesTheRecorderUsable(t *testing.T) {
	r := create(t, t.TempDir(), "test")
	for _, e := range []Event{{}, {Kind: lastKind + 1}, {Kind: 200}, {Kind: Abort, Text: strings.Repeat("x", MaxString+1)}} {
		if err := r.Record(&e); !errors.Is(err, ErrNotRecordable) {
			t.Errorf("kind %d: error %v, want %v", e.Kind, err, ErrNotRecordable)
		}
	}
	must(t, r.Record(&Event{Kind: Abort, Text: strings.Repeat("x", MaxString)}))
	must(t, r.Close())
	if got := read(t, r.window.file.Name()); len(got) != 1 || len(got[0].Text) != MaxString {
		t.Errorf("read %d events, want the one that could be recorded", len(got))
	}
}

func TestAClosedRecorderSaysSo(t *testing.T) {
	r := create(t, t.TempDir(), "test")
	must(t, r.Close())
	for _, k := range []Kind{Send, Abort, Seal} {
		if err := r.Record(&Event{Kind: k}); !errors.Is(err, ErrClosed) {
			t.Errorf("%s: error %v, want %v", k, err, ErrClosed)
		}
	}
	if err := r.Close(); !errors.Is(err, ErrClosed) {
		t.Errorf("second Close: %v, want %v", err, ErrClosed)
	}
	r.Counters().Add(Sent, 1) // a heartbeat may outlive the recorder
}

func TestRecordingDoesNotAllocate(t *testing.T) {
	r := create(t, t.TempDir(), "test")
	var buffer [4]Event
	i := uint64(0)
	if n := testing.AllocsPerRun(10_000, func() {
		i++
		life(&buffer, i)
		for j := range buffer {
			if err := r.Record(&buffer[j]); err != nil {
				t.Fatal(err)
			}
		}
	}); n != 0 {
		t.Errorf("%g allocations for four events, want none", n)
	}
	must(t, r.Close())
}
