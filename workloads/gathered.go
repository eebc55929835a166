package workloads

import "sync"

// gathered are things that a client told and that are not recorded yet. Client libraries tell one after another from a goroutine that
// has more to do; what has come by the time that another goroutine gets to it is recorded together, with one look at the clock: later
// than each of them, and therefore an upper bound for all.
type gathered[T any] struct {
	mu     sync.Mutex
	list   []T
	spare  []T  // the list before, to be filled again: of whoever may call take
	direct bool // nobody collects: who tells something records it
	wake   chan struct{}
}

// gatheredMost things are recorded by whoever tells the last of them: neither memory nor the error of a stamp grows further.
const gatheredMost = 512

func newGathered[T any]() gathered[T] { return gathered[T]{direct: true, wake: make(chan struct{}, 1)} }

// add takes one more, from any goroutine. It reports whether the caller is to see to it that all are recorded.
func (g *gathered[T]) add(x T) (now bool) {
	g.mu.Lock()
	g.list = append(g.list, x)
	n := len(g.list)
	now = g.direct || n >= gatheredMost
	g.mu.Unlock()
	if n == 1 && !now { // for those that come after it the collector was woken and has not been yet
		select {
		case g.wake <- struct{}{}:
		default:
		}
	}
	return now
}

// take is all there is. It is the caller's until take is called again, which only one goroutine at a time may do.
func (g *gathered[T]) take() []T {
	g.mu.Lock()
	defer g.mu.Unlock()
	list := g.list
	g.list, g.spare = g.spare[:0], list
	return list
}

// collect begins to call settle, which takes and records, in a goroutine of its own whenever there is something. The function it returns
// ends that; what comes later is recorded as it comes.
func (g *gathered[T]) collect(settle func()) (end func()) {
	g.mu.Lock()
	g.direct = false
	g.mu.Unlock()
	stop := make(chan struct{})
	var collector sync.WaitGroup
	collector.Go(func() {
		for {
			select {
			case <-g.wake:
				settle()
			case <-stop:
				return
			}
		}
	})
	return func() {
		close(stop)
		collector.Wait()
		g.mu.Lock()
		g.direct = true
		g.mu.Unlock()
		settle()
	}
}
