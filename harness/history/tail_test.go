package history

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// follow reads on with t, and returns what was new.
func follow(t testing.TB, tail *Tail, until int64) (events []Event) {
	t.Helper()
	must(t, tail.Read(context.Background(), until, func(e *Event) error {
		events = append(events, *e)
		return nil
	}))
	return events
}

// alike leaves out what a tail counts otherwise than a history that is opened: segments, in the order in which they were found.
func alike(events []Event) []Event {
	out := slices.Clone(events)
	for i := range out {
		out[i].Segment = 0
	}
	return out
}

// What a tail hands out while several recorders write, in pieces, is in the end what the folder holds, and in its order.
func TestATailHandsOutWhatTheFolderHoldsInTheEnd(t *testing.T) {
	dir := t.TempDir()
	const writers, each = 4, 12_000 // events of several blocks
	var running, reads atomic.Int32
	running.Store(writers)
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			defer running.Add(-1)
			r, err := Create(filepath.Join(dir, fmt.Sprintf("%d%s", w, Extension)), Header{Life: Life(w + 1)})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range uint64(each) {
				for i%1000 == 0 && reads.Load() < int32(i/1000) {
					runtime.Gosched() // so that the reader sees it grow
				}
				e := Event{Kind: Send, Msg: Msg{Life(w + 1), i + 1}, Key: uint32(i * 7919 % 1000)}
				if i%3 == 0 {
					e.Kind, e.Status = Outcome, Acked
				}
				if err := r.Record(&e); err != nil {
					t.Error(err)
				}
			}
			if w > 0 { // the first ends as if it was killed
				if err := r.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	tail := Follow(dir)
	defer tail.Close()
	var got []Event
	for running.Load() > 0 {
		got = append(got, follow(t, tail, FloorTicks(Clock())-5*TicksPerSecond/1000)...)
		reads.Add(1)
	}
	writing.Wait()
	got = append(got, follow(t, tail, math.MaxInt64)...)
	h, err := Open(dir)
	must(t, err)
	want, err := all(h)
	must(t, err)
	got = slices.DeleteFunc(got, func(e Event) bool { return e.Kind == ClockCheck || e.Kind == Seal })
	if len(got) != len(want) {
		t.Fatalf("%d events, the folder holds %d", len(got), len(want))
	}
	latest, last := map[Life]int64{}, int64(0)
	for i, e := range got { // an invocation of an earlier tick follows the completion before it
		latest[e.Life] = max(latest[e.Life], e.Time)
		if latest[e.Life] < last && tail.Late() == 0 {
			t.Fatalf("event %d is of tick %d, after one of tick %d: %+v", i, e.Time, last, e)
		}
		last = max(last, latest[e.Life])
	}
	for w := range writers {
		of := func(events []Event) (out []Event) {
			for _, e := range alike(events) {
				if e.Life == Life(w+1) {
					out = append(out, e)
				}
			}
			return out
		}
		if diff := cmp.Diff(of(want), of(got)); diff != "" {
			t.Fatalf("life %d: want (-), got (+):\n%s", w+1, diff)
		}
	}
}

// What was recorded before something else could be seen comes no later than that, however close the tail keeps to the recorders.
func TestCausesComeBeforeTheirEffectsWithoutAnyLag(t *testing.T) {
	dir := t.TempDir()
	const writers, turns = 4, 3_000
	var baton [writers]chan uint64
	for i := range baton {
		baton[i] = make(chan uint64, 1)
	}
	var writing sync.WaitGroup
	done := make(chan struct{})
	for w := range writers {
		r := create(t, dir, fmt.Sprint(w))
		writing.Go(func() {
			for n := range baton[w] {
				if err := r.Record(&Event{Kind: Delivery, Msg: Msg{1, n}}); err != nil {
					t.Error(err)
				}
				if n == turns {
					close(done)
					return
				}
				baton[n*7%writers] <- n + 1 // now anybody may know
			}
		})
	}
	baton[0] <- 1
	tail := Follow(dir)
	defer tail.Close()
	seen, last := uint64(0), uint64(0)
	look := func(until int64) {
		for _, e := range follow(t, tail, until) {
			if e.Kind == Delivery {
				seen++
				last = max(last, e.Msg.Seq)
			}
		}
		if seen != last { // within one tick, and so within one reading, they come in any order
			t.Fatalf("%d was handed out, and of the %d before it, which had been recorded before it began, %d were not", last, last-1, last-seen)
		}
	}
	for ended := false; !ended; {
		select {
		case <-done:
			ended = true
		default:
		}
		look(FloorTicks(Clock()))
	}
	look(math.MaxInt64)
	for i := range baton {
		close(baton[i])
	}
	writing.Wait()
	if last != turns {
		t.Errorf("ends with %d of %d", last, turns)
	}
}

func TestAnEventBehindTheInstantIsCountedAsLateAndHandedOut(t *testing.T) {
	dir := t.TempDir()
	at := FloorTicks(Clock()) + 60*TicksPerSecond
	slow, quick := create(t, dir, "slow"), create(t, dir, "quick")
	tail := Follow(dir)
	defer tail.Close()
	must(t, quick.Record(&Event{Kind: Delivery, Time: at + 100}))
	if got := follow(t, tail, at+200); len(got) != 3 || tail.Late() != 0 {
		t.Fatalf("%d late of %+v", tail.Late(), got)
	}
	must(t, slow.Record(&Event{Kind: Delivery, Time: at + 150}))
	must(t, quick.Record(&Event{Kind: Delivery, Time: at + 250}))
	must(t, quick.Record(&Event{Kind: AckCalled, Time: at + 199})) // a lower bound: it follows what is before it
	got := follow(t, tail, at+300)
	var times []int64
	for _, e := range got {
		times = append(times, e.Time-at)
	}
	if diff := cmp.Diff([]int64{150, 250, 199}, times); diff != "" || tail.Late() != 1 {
		t.Errorf("%d late, want 1; want (-), got (+):\n%s", tail.Late(), diff)
	}
	if again := follow(t, tail, at+300); len(again) != 0 {
		t.Errorf("handed out twice: %+v", again)
	}
}

func TestNothingIsHandedOutFromTheInstantOn(t *testing.T) {
	dir := t.TempDir()
	at := FloorTicks(Clock()) + 60*TicksPerSecond
	r := create(t, dir, "one")
	for i := range int64(10) {
		must(t, r.Record(&Event{Kind: Delivery, Time: at + i}))
	}
	tail := Follow(dir)
	defer tail.Close()
	if got := follow(t, tail, at+5); len(got) != 1+5 {
		t.Errorf("%d events before the sixth", len(got))
	}
	before, err := all(Before{Dir: dir, Until: at + 5})
	must(t, err)
	if len(before) != 5 {
		t.Errorf("Before has %d events before the sixth", len(before))
	}
}

func TestASegmentIsFollowedFromItsFirstByteToItsSeal(t *testing.T) {
	dir := t.TempDir()
	tail := Follow(dir)
	defer tail.Close()
	if got := follow(t, tail, math.MaxInt64); len(got) != 0 {
		t.Fatalf("an empty folder has %+v", got)
	}
	path := filepath.Join(dir, "made"+Extension)
	must(t, os.WriteFile(path, nil, 0o644)) // a recorder is just making it
	if got := follow(t, tail, math.MaxInt64); len(got) != 0 {
		t.Fatalf("an empty file has %+v", got)
	}
	must(t, os.Remove(path))
	r := create(t, dir, "made")
	n := len(follow(t, tail, math.MaxInt64))
	for range 3 {
		must(t, r.Record(&Event{Kind: GiveUp}))
		must(t, r.nextBlock())
		n += len(follow(t, tail, math.MaxInt64))
	}
	must(t, SealOrphan(path))
	n += len(follow(t, tail, math.MaxInt64))
	if n != 1+3 || tail.segments[path].file != nil {
		t.Errorf("%d events, want 4, and the sealed file let go of: %v", n, tail.segments[path].file == nil)
	}
}

func TestAnEventThatItsReaderRefusesIsNotHandedOutAgain(t *testing.T) {
	path, want := specimen(t)
	tail := Follow(filepath.Dir(path))
	defer tail.Close()
	full := errors.New("enough")
	if err := tail.Read(t.Context(), math.MaxInt64, func(*Event) error { return full }); !errors.Is(err, full) {
		t.Fatalf("%v, want %v", err, full)
	}
	if got := follow(t, tail, math.MaxInt64); len(got) != 1+len(want)+1-1 { // a clock's check and a seal besides
		t.Errorf("%d of %d events after the first", len(got), len(want))
	}
}

func TestATailNamesTheSegmentThatIsDamaged(t *testing.T) {
	path, _ := specimen(t)
	whole, err := os.ReadFile(path)
	must(t, err)
	rapid.Check(t, func(rt *rapid.T) {
		bytes := slices.Clone(whole)
		at := rapid.IntRange(pageSize, len(bytes)-1).Draw(rt, "at")
		if rapid.Bool().Draw(rt, "cut") {
			bytes = bytes[:at]
		} else {
			bytes[at] ^= byte(rapid.IntRange(1, 255).Draw(rt, "flip"))
		}
		must(t, os.WriteFile(path, bytes, 0o644))
		tail := Follow(filepath.Dir(path))
		defer tail.Close()
		err := tail.Read(t.Context(), math.MaxInt64, func(*Event) error { return nil })
		if !errors.Is(err, ErrCorrupt) || !strings.Contains(err.Error(), path) {
			rt.Fatalf("%v", err)
		}
	})
}

func TestAReaderOfBeforeMayStop(t *testing.T) {
	path, want := specimen(t)
	b := Before{Dir: filepath.Dir(path), Until: math.MaxInt64}
	for range b.Events() {
		break
	}
	got, err := all(b)
	must(t, err)
	if diff := cmp.Diff(alike(want), alike(got)); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}
