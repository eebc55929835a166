package workloads

import (
	"container/heap"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The heap against the plainest thing that does the same: a list, searched from end to end.
func TestRetriesFallDueInOrderAndOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := time.Unix(1000, 0)
		now := start
		var again retries
		var model []retry
		next := uint64(0)
		t.Repeat(map[string]func(*rapid.T){
			"schedule": func(t *rapid.T) {
				next++
				x := retry{at: now.Add(time.Duration(rapid.IntRange(-5, 50).Draw(t, "in")) * time.Millisecond), seq: next,
					attempt: rapid.Uint32Range(1, 9).Draw(t, "attempt"), doubt: rapid.Bool().Draw(t, "doubt")}
				heap.Push(&again, x)
				model = append(model, x)
			},
			"let time pass": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "ms")) * time.Millisecond)
				got := again.due(now)
				if !slices.IsSortedFunc(got, func(a, b retry) int { return a.at.Compare(b.at) }) {
					t.Fatalf("due out of order: %v", got)
				}
				var want, later []retry
				for _, x := range model {
					if x.at.After(now) {
						later = append(later, x)
					} else {
						want = append(want, x)
					}
				}
				model = later
				sameRetries(t, "due", got, want)
			},
			"drop doubts": func(t *rapid.T) {
				again = again.withoutDoubts()
				model = slices.DeleteFunc(model, func(x retry) bool { return x.doubt })
			},
			"": func(t *rapid.T) {
				sameRetries(t, "held", again, model)
				want := time.Second
				for _, x := range model {
					want = min(want, max(0, x.at.Sub(now)))
				}
				if got := again.wait(now, time.Second); got != want {
					t.Fatalf("waits %s, want %s", got, want)
				}
			},
		})
	})
}

func sameRetries(t *rapid.T, what string, got, want []retry) {
	t.Helper()
	bySeq := func(a, b retry) int { return int(a.seq) - int(b.seq) }
	a, b := slices.SortedFunc(slices.Values(got), bySeq), slices.SortedFunc(slices.Values(want), bySeq)
	if !slices.Equal(a, b) {
		t.Fatalf("%s: %v, want %v", what, a, b)
	}
}
