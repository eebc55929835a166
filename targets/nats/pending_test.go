package nats

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

// Whatever the order of answers, cuts, timeouts and the close, each request ends once, no later than its timeout, and
// a flush returns when the ones before it have ended.
func TestEveryRequestEndsOnce(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"add", "add", "add", "answer", "cut", "wait", "flush"}), 1, 60).Draw(rt, "steps")
		picks := rapid.SliceOfN(rapid.Uint64Range(1, 60), len(steps), len(steps)).Draw(rt, "picks")
		synctest.Test(t, func(t *testing.T) {
			const timeout = time.Second
			l := &link{ended: make(chan struct{}, 1)}
			p := newPending(l, timeout)
			var mu sync.Mutex // ends come from the reaper and from here
			ends := map[uint64]int{}
			ended := func(id uint64) int {
				mu.Lock()
				defer mu.Unlock()
				return ends[id]
			}
			began := map[uint64]bool{}
			add := func() {
				id := uint64(len(began) + 1)
				at := time.Now()
				began[id] = true
				p.add(func(o targets.Outcome) {
					mu.Lock()
					ends[id]++
					mu.Unlock()
					if rejected := o.Status == history.Rejected; rejected != (id%3 == 0) {
						t.Errorf("request %d ended %+v", id, o)
					}
					if d := time.Since(at); d > timeout {
						t.Errorf("request %d ended after %v", id, d)
					}
				})
				if id%3 != 0 { // the third is never handed over
					p.hand(id)
				}
			}
			for i, s := range steps {
				switch s {
				case "add":
					add()
				case "answer":
					p.end(picks[i], targets.Outcome{Status: history.Acked})
				case "cut":
					l.epoch.Add(1)
					wake(l.ended)
				case "wait":
					time.Sleep(time.Duration(picks[i]) * 20 * time.Millisecond)
				case "flush":
					upTo := uint64(len(began))
					if err := p.flush(context.Background()); err != nil {
						t.Error(err)
					}
					for id := range began {
						if n := ended(id); id <= upTo && n != 1 {
							t.Errorf("flushed, and request %d ended %d times", id, n)
						}
					}
				}
				synctest.Wait()
				if s == "cut" {
					p.mu.Lock()
					for id, r := range p.waiting {
						if r.handed && !r.ended {
							t.Errorf("cut off, and request %d waits", id)
						}
					}
					p.mu.Unlock()
				}
			}
			p.close()
			for id := range began {
				if n := ended(id); n != 1 {
					t.Errorf("closed, and request %d ended %d times", id, n)
				}
			}
			if _, open := p.add(func(targets.Outcome) {}); open {
				t.Error("a closed table took a request")
			}
		})
	})
}

func TestARequestOnANewConnectionSurvivesTheEndOfTheOld(t *testing.T) {
	l := &link{ended: make(chan struct{}, 1)}
	p := newPending(l, time.Minute)
	defer p.close()
	l.epoch.Add(1)
	var got []targets.Outcome
	var id uint64
	id, _ = p.add(func(o targets.Outcome) {
		got = append(got, o)
		if len(got) == 1 {
			p.end(id, targets.Outcome{Status: history.Unknown}) // an answer, while the outcome is told
		}
	})
	p.hand(id)
	p.cut(l.epoch.Load())
	if len(got) != 0 {
		t.Fatalf("it ended with the older connection: %+v", got)
	}
	p.end(id, targets.Outcome{Status: history.Acked})
	p.end(id, targets.Outcome{Status: history.Unknown})
	if len(got) != 1 || got[0].Status != history.Acked {
		t.Fatalf("answered, then late: %+v", got)
	}
	if p.hand(id) {
		t.Error("a request that has ended may be written")
	}
}
