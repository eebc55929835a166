package history

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSegmentsAreMergedByTime(t *testing.T) {
	root := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir := filepath.Join(root, fmt.Sprint(n))
		want := writeSegments(t, rt, dir)
		slices.SortStableFunc(want, func(a, b Event) int {
			return int(a.Time-b.Time)*4 + side(a) - side(b)
		})
		h, err := Open(dir)
		must(t, err)
		got, err := all(h)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Fatalf("want (-), got (+):\n%s", diff)
		}
	})
}

func side(e Event) int {
	if e.Kind.IsInvocation() {
		return 0
	}
	return 1
}

// writeSegments records up to nine segments of few different times, each in order, and returns their events by
// segment.
func writeSegments(t *testing.T, rt *rapid.T, dir string) (events []Event) {
	must(t, os.MkdirAll(dir, 0o755))
	base := FloorTicks(Clock()) + 60*TicksPerSecond
	for s := range rapid.IntRange(1, 9).Draw(rt, "segments") {
		r, err := Create(filepath.Join(dir, fmt.Sprintf("%d.seg", s)), Header{Life: Life(s + 10)})
		must(t, err)
		at := base
		for i := range rapid.IntRange(0, 30).Draw(rt, "events") {
			at += rapid.Int64Range(0, 2).Draw(rt, "step")
			e := Event{Segment: s, Life: Life(s + 10), Kind: Send, Time: at, Msg: Msg{1, uint64(i)}}
			if e.Kind = []Kind{Send, Outcome}[rapid.IntRange(0, 1).Draw(rt, "kind")]; e.Kind == Outcome {
				at++ // so that no invocation follows at the same tick: it would keep that order
				e.Time = at - 1
			}
			must(t, r.Record(&e))
			events = append(events, e)
		}
		must(t, r.Close())
	}
	return events
}

func TestASegmentsOwnOrderIsKeptWhereTimesOverlap(t *testing.T) {
	dir := t.TempDir()
	at := FloorTicks(Clock()) + 60*TicksPerSecond
	for s, times := range [][]int64{{at + 2, at + 1}, {at + 1, at + 3}} {
		r := create(t, dir, fmt.Sprint(s))
		must(t, r.Record(&Event{Kind: Delivery, Time: times[0]}))
		must(t, r.Record(&Event{Kind: AckCalled, Time: times[1]}))
		must(t, r.Close())
	}
	h, err := Open(dir)
	must(t, err)
	var got []string
	events, err := all(h)
	must(t, err)
	for _, e := range events {
		got = append(got, fmt.Sprintf("%d %s %d", e.Segment, e.Kind, e.Time-at))
	}
	want := []string{"1 delivery 1", "0 delivery 2", "0 ack-called 1", "1 ack-called 3"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("want (-), got (+):\n%s", diff)
	}
}

func TestAHistoryCanBeReadAgainAndStoppedEarly(t *testing.T) {
	path, want := specimen(t)
	h, err := Open(filepath.Dir(path))
	must(t, err)
	for range h.Events() {
		break
	}
	for range 2 {
		got, err := all(h)
		must(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("want (-), got (+):\n%s", diff)
		}
	}
}

func TestALiveSegmentCanBeReadWhileItIsWritten(t *testing.T) {
	dir := t.TempDir()
	r := create(t, dir, "live")
	live, err := WatchCounters(r.window.file.Name())
	must(t, err)
	defer live.Close()
	const n = 200_000
	var done sync.WaitGroup
	done.Go(func() {
		for i := range uint64(n) {
			must(t, r.Record(&Event{Kind: Send, Msg: Msg{1, i + 1}, Key: uint32(i * 7919 % 1000)}))
			r.Counters().Add(Sent, 1)
		}
		must(t, r.Close())
	})
	defer done.Wait()
	for seen := 0; seen < n; {
		sent := int(live.Load(Sent))
		h, err := Open(dir)
		must(t, err)
		events, err := all(h)
		must(t, err)
		if len(events) < max(seen, sent) {
			t.Fatalf("%d events, after there were %d and the counter said %d", len(events), seen, sent)
		}
		seen = len(events)
		for i, e := range events {
			if e.Msg.Seq != uint64(i+1) {
				t.Fatalf("event %d has sequence %d", i, e.Msg.Seq)
			}
		}
	}
}

func BenchmarkRead(b *testing.B) {
	for _, kind := range []struct {
		name string
		make func(*[4]Event, uint64)
	}{{"ordinary", life}, {"scattered", scattered}} {
		for _, segments := range []int{1, 30} {
			b.Run(fmt.Sprintf("%s/%d segments", kind.name, segments), func(b *testing.B) {
				dir := b.TempDir()
				var recorders []*Recorder
				for s := range segments {
					recorders = append(recorders, create(b, dir, fmt.Sprint(s)))
				}
				const n = 1_000_000
				var buffer [4]Event
				for i := range uint64(n) {
					if i%4 == 0 {
						kind.make(&buffer, i/4)
					}
					must(b, recorders[i/4%uint64(segments)].Record(&buffer[i%4]))
				}
				for _, r := range recorders {
					must(b, r.Close())
				}
				h, err := Open(dir)
				must(b, err)
				b.ReportAllocs()
				for b.Loop() {
					count := 0
					for _, err := range h.Events() {
						if err != nil {
							b.Fatal(err)
						}
						count++
					}
					if count != n+2*segments {
						b.Fatalf("read %d events, want %d", count, n+2*segments)
					}
				}
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mevents/s")
			})
		}
	}
}
