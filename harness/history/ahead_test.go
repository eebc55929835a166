package history

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// heads is the merge as it is defined: the earliest head first, each segment by itself.
type heads []*cursor

func (h heads) Len() int { return len(h) }
func (h heads) Less(i, j int) bool {
	a, b := h[i], h[j]
	switch {
	case a.event.Time != b.event.Time:
		return a.event.Time < b.event.Time
	case a.event.Kind.IsInvocation() != b.event.Kind.IsInvocation():
		return a.event.Kind.IsInvocation()
	}
	return a.decoder.seg < b.decoder.seg
}
func (h heads) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *heads) Push(x any)   { *h = append(*h, x.(*cursor)) }
func (h *heads) Pop() any {
	c := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return c
}

// merged is the events up to the first error, by a heap of the heads.
func merged(t *testing.T, h *History) (events []Event, err error) {
	var hs heads
	for i := range h.segments {
		c, err := openCursor(&h.segments[i], i)
		must(t, err)
		t.Cleanup(func() { _ = c.close() })
		more, err := c.advance()
		if err != nil {
			return nil, err
		}
		if more {
			heap.Push(&hs, c)
		}
	}
	for len(hs) > 0 {
		events = append(events, hs[0].event)
		more, err := hs[0].advance()
		switch {
		case err != nil:
			return events, err
		case more:
			heap.Fix(&hs, 0)
		default:
			heap.Pop(&hs)
		}
	}
	return events, nil
}

// collect is the events up to the first error, as a History yields them.
func collect(h *History) (events []Event, err error) {
	for e, err := range h.Events() {
		if err != nil {
			return events, err
		}
		events = append(events, *e)
	}
	return events, nil
}

// same compares long histories, and looks for the difference only where there is one.
func same(t *testing.T, seed uint64, want, got []Event) {
	t.Helper()
	if !slices.Equal(want, got) {
		t.Fatalf("seed %d: want (-), got (+):\n%s", seed, cmp.Diff(want, got))
	}
}

// jumble records segments of very different lengths and rates, with many events of one tick and invocations that are earlier than the
// completion before them.
func jumble(t *testing.T, seed uint64) string {
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(seed, 1))
	base := FloorTicks(Clock()) + 60*TicksPerSecond
	for s := range 1 + rng.IntN(9) {
		r := create(t, dir, fmt.Sprint(s))
		at := base + rng.Int64N(1000)
		pace := []int64{1, 2, 3, 50, 100_000}[rng.IntN(5)]
		length := rng.IntN(4) * rng.IntN(1500)
		if s == 0 {
			length = 12_000 // several blocks
		}
		for i := range length {
			at += rng.Int64N(pace)
			e := Event{Kind: Delivery, Time: at, Msg: Msg{Life(s), uint64(i)}, Key: rng.Uint32N(3)}
			if rng.IntN(2) == 0 {
				e.Kind, e.Time = AckCalled, at-rng.Int64N(3)
			}
			must(t, r.Record(&e))
		}
		must(t, r.Close())
	}
	return dir
}

func TestReadingAheadChangesNothing(t *testing.T) {
	for seed := range uint64(25) {
		dir := jumble(t, seed)
		h, err := Open(dir)
		must(t, err)
		want, err := merged(t, h)
		must(t, err)
		got, err := collect(h)
		must(t, err)
		same(t, seed, want, got)
	}
}

func TestEventsOfOneTickComeInTheOrderOfTheSegmentsHoweverMany(t *testing.T) {
	dir := t.TempDir()
	at := FloorTicks(Clock()) + 60*TicksPerSecond
	const each = 2*mostBatch + 10
	for s := range 3 {
		r := create(t, dir, fmt.Sprint(s))
		for i := range uint64(each) {
			must(t, r.Record(&Event{Kind: Delivery, Time: at, Msg: Msg{1, i}}))
		}
		must(t, r.Close())
	}
	h, err := Open(dir)
	must(t, err)
	want, err := merged(t, h)
	must(t, err)
	got, err := collect(h)
	must(t, err)
	same(t, 0, want, got)
}

func TestAnErrorComesWhereItWouldWithoutReadingAhead(t *testing.T) {
	found := 0
	for seed := range uint64(25) {
		dir := jumble(t, seed)
		rng := rand.New(rand.NewPCG(seed, 2))
		path := filepath.Join(dir, "0"+Extension)
		bytes, err := os.ReadFile(path)
		must(t, err)
		bytes[pageSize+rng.IntN(len(bytes)-pageSize)] ^= 1
		must(t, os.WriteFile(path, bytes, 0o644))
		h, err := Open(dir)
		must(t, err)
		want, wantErr := merged(t, h)
		got, gotErr := collect(h)
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
			t.Fatalf("seed %d: %v, want %v", seed, gotErr, wantErr)
		}
		same(t, seed, want, got)
		if wantErr != nil && len(want) > 0 {
			found++
		}
	}
	if found == 0 {
		t.Error("no damage was met in the middle")
	}
}

func TestNothingIsLeftBehindByAnIterationThatStops(t *testing.T) {
	h, err := Open(jumble(t, 3))
	must(t, err)
	before := runtime.NumGoroutine()
	for range 20 {
		for range h.Events() {
			break
		}
	}
	deadline := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if after := runtime.NumGoroutine(); after > before {
		t.Errorf("%d goroutines, there were %d", after, before)
	}
}
