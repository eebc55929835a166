package run

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestScansAreEqualOnlyIfEveryReplicaHoldsAsMuchUpToTheSameEnd(t *testing.T) {
	for _, c := range []struct {
		claim  string
		copies []int64
		to     [][]int64 // of each replica: of each partition
		want   bool
	}{
		{"two replicas alike", []int64{5, 5}, [][]int64{{9}, {9}}, true},
		{"two replicas alike in every partition", []int64{5, 5}, [][]int64{{9, 2}, {9, 2}}, true},
		{"one replica alone", []int64{5}, [][]int64{{9}}, true},
		{"one behind", []int64{5, 4}, [][]int64{{9}, {8}}, false},
		{"as many copies up to another end", []int64{5, 5}, [][]int64{{9}, {8}}, false},
		{"as many copies up to another end of the second partition", []int64{5, 5}, [][]int64{{9, 2}, {9, 3}}, false},
		{"a partition that one replica lacks", []int64{5, 5}, [][]int64{{9, 0}, {9}}, false},
		{"a copy less up to the same end", []int64{5, 4}, [][]int64{{9}, {9}}, false},
		{"the third differs", []int64{5, 5, 6}, [][]int64{{9}, {9}, {9}}, false},
	} {
		s := scanSum{Replicas: make([]string, len(c.copies)), Copies: c.copies, To: c.to}
		if got := s.equal(); got != c.want {
			t.Errorf("%s: %v", c.claim, got)
		}
	}
}

func TestEveryPollsUntilAllIsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		began, looks := time.Now(), 0
		notYet := errors.New("3 ready")
		if err := every(ctx, 100*time.Millisecond, func(context.Context) error {
			if looks++; looks < 4 {
				return notYet
			}
			return nil
		}); err != nil || looks != 4 || time.Since(began) != 300*time.Millisecond {
			t.Errorf("%v after %d looks in %s, want 4 looks, a tenth of a second apart", err, looks, time.Since(began))
		}
		err := every(ctx, 100*time.Millisecond, func(context.Context) error { return notYet })
		if !errors.Is(err, notYet) || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("at the limit, after %s: %v; want the limit and what was wrong", time.Since(began), err)
		}
		short, stop := context.WithTimeout(context.Background(), time.Second)
		defer stop()
		if err := every(short, 100*time.Millisecond, func(ctx context.Context) error {
			if looks++; looks < 8 {
				return notYet
			}
			<-ctx.Done() // a question that hangs until the end says nothing of its own accord
			return ctx.Err()
		}); !errors.Is(err, notYet) {
			t.Errorf("at the limit: %v; want what was said before it", err)
		}
		looks = 0
		if err := every(ctx, time.Hour, func(context.Context) error { looks++; return nil }); err != nil || looks != 1 {
			t.Errorf("a limit that has passed: %v after %d looks; what is well is well", err, looks)
		}
	})
}
