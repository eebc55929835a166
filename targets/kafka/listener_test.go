package kafka

import (
	"sync"
	"testing"
	"time"
)

// Where a member of the group begins, and what it loses, is in the history: an export to other checkers rests on it.
func TestWhatTheGroupGivesAndTakesIsTold(t *testing.T) {
	for _, mode := range []string{"idempotent", "transactional"} {
		t.Run(mode, func(t *testing.T) {
			f := newFake(t, mode)
			f.stock(3)
			var mu sync.Mutex
			from, taken := map[uint32]int64{}, map[uint32]bool{}
			f.config.Assigned = func(p uint32, at int64) {
				mu.Lock()
				defer mu.Unlock()
				from[p] = at
			}
			f.config.Revoked = func(p uint32) {
				mu.Lock()
				defer mu.Unlock()
				taken[p] = true
			}
			c := f.consumer()
			receive(t, c, 3)
			mu.Lock()
			if len(from) != partitions || len(taken) != 0 {
				t.Errorf("one member was told of %v, and of the loss of %v; want %d partitions and no loss", from, taken, partitions)
			}
			for p, at := range from {
				if at > 1 {
					t.Errorf("partition %d begins at position %d, and nothing of it was committed", p, at)
				}
			}
			mu.Unlock()
			c.Close()
			limit := time.After(10 * time.Second)
			for {
				mu.Lock()
				lost := len(taken)
				mu.Unlock()
				if lost == partitions {
					return
				}
				select {
				case <-limit:
					t.Fatalf("a member that left was told of the loss of %d partitions, want %d", lost, partitions)
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
}
