package rabbitmq

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
	"waybill/harness/history"
	"waybill/targets"
)

// Whatever the order of answers, timeouts and the close, each attempt ends once, no later than its timeout; it is rejected
// if and only if it was never handed over; and a flush returns when those before it have ended.
func TestEveryAttemptEndsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"add", "add", "hand", "hand", "answer", "wait", "flush"}), 1, 60).Draw(rt, "steps")
		picks := rapid.SliceOfN(rapid.IntRange(0, 40), len(steps), len(steps)).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			const timeout = time.Second
			p := newPending(timeout)
			var mu sync.Mutex // ends come from the reaper and from here
			var made []*attempt
			handed := map[int]bool{}
			ends := map[int]int{}
			add := func() {
				n, at := len(made), time.Now()
				made = append(made, p.add(targets.Message{}, func(o targets.Outcome) {
					mu.Lock()
					defer mu.Unlock()
					ends[n]++
					if rejected := o.Status == history.Rejected; rejected == handed[n] {
						t.Errorf("attempt %d, handed over %v, ended %+v", n, handed[n], o)
					}
					if d := time.Since(at); d > timeout {
						t.Errorf("attempt %d ended after %v", n, d)
					}
				}))
			}
			for i, s := range steps {
				n := picks[i] % max(len(made), 1)
				switch {
				case s == "add":
					add()
				case s == "wait":
					time.Sleep(time.Duration(picks[i]) * 20 * time.Millisecond)
				case s == "flush":
					if err := p.flush(context.Background()); err != nil {
						t.Error(err)
					}
					for n := range made {
						if ends[n] != 1 {
							t.Errorf("flushed, and attempt %d ended %d times", n, ends[n])
						}
					}
				case len(made) == 0:
				case s == "hand":
					if over := ends[n] > 0; p.hand(made[n]) == over {
						t.Errorf("attempt %d may be handed over: %v, although it ended %d times", n, !over, ends[n])
					} else if !over {
						mu.Lock()
						handed[n] = true
						mu.Unlock()
					}
				case s == "answer":
					p.end(made[n], targets.Outcome{Status: history.Acked})
				}
				synctest.Wait()
			}
			p.close()
			for n := range made {
				if ends[n] != 1 {
					t.Errorf("closed, and attempt %d ended %d times", n, ends[n])
				}
			}
			if len(p.order) > 0 {
				t.Errorf("%d attempts are kept after the end", len(p.order))
			}
			if p.add(targets.Message{}, nil) != nil {
				t.Error("after the close an attempt was taken")
			}
		})
	})
}

func TestAFlushWaitsForWhatWasSentBeforeAndNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPending(time.Minute)
		defer p.close()
		ignore := func(targets.Outcome) {}
		first := p.add(targets.Message{}, ignore)
		flushed := make(chan error, 1)
		go func() { flushed <- p.flush(t.Context()) }()
		synctest.Wait()
		p.add(targets.Message{}, ignore)
		select {
		case err := <-flushed:
			t.Fatalf("it did not wait: %v", err)
		default:
		}
		p.end(first, acked)
		if err := <-flushed; err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if p.flush(ctx) == nil {
			t.Error("with an attempt open it was flushed")
		}
	})
}
